"""What a merchant or a buyer does: each changes the shop and causes its webhooks.

An action is a function of the shop, its parameters, a seed and the time, so that a journal of
actions restores a shop.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.simulator import fulfilling, ledger, moments
from tests.simulator.model import Line, Order
from tests.simulator.order_parts import FulfillmentOrder
from tests.simulator.payloads import goods, office, orders
from tests.simulator.store import Store


@dataclass(slots=True)
class Deed:
    """One action under way: collects the webhooks it causes."""

    store: Store
    rng: random.Random
    at: int
    parameters: dict[str, Any]
    events: list[tuple[str, Callable[[], Any]]] = field(default_factory=list)
    touched: list[int] = field(default_factory=list)

    @property
    def world(self) -> Any:
        return self.store.world

    def tell(self, topic: str, body: Callable[[], Any]) -> None:
        self.events.append((topic, body))


class Impossible(Exception):
    """Nothing in the shop fits the action."""


def perform(
    store: Store, platform: Any, name: str, parameters: dict[str, Any], *, seed: int, at: int
) -> list[int]:
    """Do it and announce what Shopify would; return the ids of what was touched."""
    deed = act(store, name, parameters, seed=seed, at=at)
    platform.journal.acted(store, name, parameters, seed=seed, at=at)
    platform.stats[f"action {name}"] += 1
    event = str(uuid.UUID(int=deed.rng.getrandbits(128)))
    wanted = {one.topic for one in store.subscriptions.values()}
    for topic, body in platform.faults.shuffled(deed.events):
        if topic.upper().replace("/", "_") in wanted:
            platform.courier.announce(store, topic, body(), event=event)
    if name == "uninstall":
        store.forget_tokens()
    return deed.touched


def act(store: Store, name: str, parameters: dict[str, Any], *, seed: int, at: int) -> Deed:
    """Change the shop without telling anybody."""
    from tests.simulator import edits, extra_actions, merchant, office, order_edits, stock_edits

    known: dict[str, Callable[[Deed], None]] = {
        **ORDER_ACTIONS,
        **merchant.ACTIONS,
        **extra_actions.ACTIONS,
        **office.ACTIONS,
        **edits.ACTIONS,
        **order_edits.ACTIONS,
        **stock_edits.ACTIONS,
    }
    if name not in known:
        raise Impossible(f"there is no action {name}; there are {', '.join(sorted(known))}")
    deed = Deed(store, random.Random(seed), at, parameters)
    known[name](deed)
    extra_actions.record_events(deed)
    store.world.version += name in merchant.ACTIONS
    return deed


def _order(deed: Deed, fits: Callable[[Order], bool] = lambda order: True) -> Order:
    """The order named by ``id``, or a random one that fits, recent ones more often."""
    named = deed.parameters.get("id")
    if named is not None:
        found = deed.world.orders.get(int(named))
        if found is None:
            raise Impossible(f"there is no order {named}")
        return found  # type: ignore[no-any-return]
    for _ in range(200):
        found = deed.world.orders.pick(1 - deed.rng.random() ** 3)
        if found is not None and found.cancelled is None and fits(found):
            return found  # type: ignore[no-any-return]
    raise Impossible("no order fits")


def _changed(deed: Deed, order: Order) -> None:
    order.updated = max(order.updated, deed.at)
    deed.world.put_order(order)
    deed.touched.append(order.id)
    deed.tell("orders/updated", lambda: orders.order_body(order, deed.world))


def _transactions(deed: Deed, order: Order, since: int) -> None:
    for one in order.transactions[since:]:
        deed.tell(
            "order_transactions/create",
            lambda one=one: orders.transaction_body(one, order, deed.world),
        )


def _refunds(deed: Deed, order: Order, since: int) -> None:
    for one in order.refunds[since:]:
        deed.tell("refunds/create", lambda one=one: orders.refund_body(one, order, deed.world))


def move_stock(deed: Deed, line: Line, *, available: int = 0, committed: int = 0) -> None:
    """Move the stock behind *line*; a change of what is available is announced."""
    variant = deed.world.variant(line.variant_id) if line.variant_id else None
    item = deed.world.items.get(variant.item_id) if variant else None
    if item is None or not item.tracked:
        return
    level = next((one for one in item.levels.values() if one.active), None)
    if level is None:
        return
    level.quantities["available"] += available
    level.quantities["committed"] = max(0, level.quantities["committed"] + committed)
    level.updated = deed.at
    item.updated = deed.at
    deed.world.items.put(item.id, item)
    if available:
        deed.tell("inventory_levels/update", lambda: goods.level_body(level, deed.world))


def _create_order(deed: Deed) -> None:
    world = deed.world
    sequence = world.next_order()
    order = world.seeded.fresh(sequence, at=deed.at, rng=deed.rng)
    world.put_order(order)
    if deed.rng.random() < 0.85:
        world.historian.pay(order, at=deed.at)
    order.updated = deed.at
    world.put_order(order)
    deed.touched.append(order.id)
    created(deed, order)
    if ledger.financial_status(order) == "PAID":
        deed.tell("orders/paid", lambda: orders.order_body(order, world))
    _transactions(deed, order, 0)
    for line in order.lines:
        move_stock(deed, line, available=-line.quantity, committed=line.quantity)
    _touch_products(deed, order)
    deed.tell("orders/updated", lambda: orders.order_body(order, world))


def created(deed: Deed, order: Order) -> None:
    """Tell of a new order, and from where it will be shipped."""
    deed.tell("orders/create", lambda: orders.order_body(order, deed.world))
    for number in fulfilling.ids_of(order, deed.world.ids):
        one = deed.world.fulfillment_orders.get(number)
        if one is not None:
            _tell_routed(deed, one)


def _tell_routed(deed: Deed, one: FulfillmentOrder) -> None:
    topic = "fulfillment_orders/order_routing_complete"
    deed.tell(topic, lambda: office.fulfillment_order_body(one))


def _touch_products(deed: Deed, order: Order) -> None:
    """A sale updates the product: noise that every integration meets."""
    for number in {line.product_id for line in order.lines if line.product_id}:
        product = deed.world.products.get(number)
        if product is not None:
            product.updated = deed.at
            deed.world.products.put(product.id, product)
            deed.tell("products/update", lambda p=product: goods.product_body(p, deed.world))


def _update_order(deed: Deed) -> None:
    order = _order(deed)
    choice = deed.rng.randrange(3)
    if choice == 0:
        order.note = deed.parameters.get("note", f"Note {deed.rng.randrange(10**6)}")
    elif choice == 1:
        order.tags = sorted({*order.tags, f"tag-{deed.rng.randrange(100)}"})
    else:
        order.attributes = [*order.attributes[:3], ("checked", str(deed.at))]
    _changed(deed, order)


def _edit_order(deed: Deed) -> None:
    def editable(order: Order) -> bool:
        return any(x.current_quantity > x.fulfilled for x in order.lines) and not order.closed

    order = _order(deed, editable)
    world = deed.world
    open_lines = [x for x in order.lines if x.current_quantity > x.fulfilled]
    removed = open_lines[0] if open_lines and deed.rng.random() < 0.7 else None
    added = None
    if removed is None or deed.rng.random() < 0.5:
        added = world.seeded.line_of(*world.seeded.pick(deed.rng), 1, currencies=order.currencies)
    world.historian.edit(order, at=deed.at, removed=removed, added=added)
    deed.tell("orders/edited", lambda: _edit_body(deed, order, removed, added))
    if removed is not None:
        move_stock(deed, removed, available=1, committed=-1)
    if added is not None:
        move_stock(deed, added, available=-1, committed=1)
    _changed(deed, order)


def _edit_body(deed: Deed, order: Order, removed: Line | None, added: Line | None) -> Any:
    when = moments.local(deed.at, deed.world.shop.timezone)
    return {
        "order_edit": {
            "id": order.id + order.next_child,
            "app_id": order.app_id,
            "created_at": when,
            "notify_customer": False,
            "order_id": order.id,
            "reason": "",
            "staff_note": "",
            "user_id": None,
            "line_items": {
                "additions": [{"id": added.id, "delta": 1}] if added else [],
                "removals": [{"id": removed.id, "delta": 1}] if removed else [],
            },
            "discounts": {"line_item": {"additions": [], "removals": []}},
            "shipping_lines": {"additions": [], "removals": []},
            "committed_at": when,
        }
    }


def _refundable(order: Order) -> bool:
    totals = order.totals
    assert totals is not None
    return (
        totals.received.presentment > totals.refunded.presentment
        and any(line.current_quantity for line in order.lines)
        and len(order.refunds) < 6
    )


def _refund_order(deed: Deed) -> None:
    order = _order(deed, _refundable)
    before, paid = len(order.refunds), len(order.transactions)
    draw = deed.rng.random()
    lines = [line for line in order.lines if line.current_quantity]
    if draw < 0.6 and lines:
        line = lines[deed.rng.randrange(len(lines))]
        count = deed.rng.randrange(1, line.current_quantity + 1)
        deed.world.historian.refund(order, [(line, count)], at=deed.at, note="Wrong size")
        move_stock(deed, line, available=count)
    elif draw < 0.85:
        every = [(line, line.current_quantity) for line in lines]
        deed.world.historian.refund(order, every, at=deed.at, shipping=True)
        for line, count in every:
            move_stock(deed, line, available=count)
    else:
        deed.world.historian.refund(order, [], at=deed.at, discrepancy=100)
    _refunds(deed, order, before)
    _transactions(deed, order, paid)
    _changed(deed, order)


def _cancel_order(deed: Deed) -> None:
    order = _order(deed, lambda one: not one.fulfillments and not one.refunds)
    before, paid = len(order.refunds), len(order.transactions)
    open_units = [(line, line.current_quantity) for line in order.lines]
    deed.world.historian.cancel(order, at=deed.at)
    for line, count in open_units:
        move_stock(deed, line, available=count, committed=-count)
    deed.tell("orders/cancelled", lambda: orders.order_body(order, deed.world))
    _refunds(deed, order, before)
    _transactions(deed, order, paid)
    _changed(deed, order)


def _fulfill_order(deed: Deed) -> None:
    def shippable(order: Order) -> bool:
        return any(x.requires_shipping and x.current_quantity > x.fulfilled for x in order.lines)

    order = _order(deed, shippable)
    sent = {line.id: line.fulfilled for line in order.lines}
    where = next(iter(deed.world.locations))
    every = deed.rng.random() < 0.8
    if not deed.world.historian.fulfill(order, at=deed.at, location_id=where, every=every):
        raise Impossible(f"order {order.id} has nothing to ship")
    for line in order.lines:
        move_stock(deed, line, committed=sent[line.id] - line.fulfilled)
    whole = ledger.fulfillment_status(order) == "FULFILLED"
    topic = "orders/fulfilled" if whole else "orders/partially_fulfilled"
    deed.tell(topic, lambda: orders.order_body(order, deed.world))
    deed.tell(
        "fulfillments/create",
        lambda: orders.fulfillment_body(order.fulfillments[-1], order, deed.world),
    )
    _changed(deed, order)


def _pay_order(deed: Deed) -> None:
    def due(order: Order) -> bool:
        return order.totals is not None and order.totals.outstanding.presentment > 0

    order = _order(deed, due)
    paid = len(order.transactions)
    deed.world.historian.pay(order, at=deed.at)
    _transactions(deed, order, paid)
    deed.world.put_order(order)
    deed.tell("orders/paid", lambda: orders.order_body(order, deed.world))
    _changed(deed, order)


def _delete_order(deed: Deed) -> None:
    order = _order(deed)
    deed.world.remove_order(order)
    deed.touched.append(order.id)
    deed.tell("orders/delete", lambda: {"id": order.id})


ORDER_ACTIONS: dict[str, Callable[[Deed], None]] = {
    "create_order": _create_order,
    "update_order": _update_order,
    "edit_order": _edit_order,
    "refund_order": _refund_order,
    "cancel_order": _cancel_order,
    "fulfill_order": _fulfill_order,
    "pay_order": _pay_order,
    "delete_order": _delete_order,
}
