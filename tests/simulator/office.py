"""Actions on returns, risk, fulfilment orders, draft orders and checkouts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulator import drafting, fulfilling, returning
from tests.simulator.actions import (
    Deed,
    Impossible,
    _changed,
    _order,
    _refunds,
    _transactions,
    created,
)
from tests.simulator.model import Order
from tests.simulator.order_parts import AbandonedCheckout, DraftOrder, FulfillmentOrder, Hold
from tests.simulator.payloads import office


def _chosen(deed: Deed, shelf: Any, fits: Callable[[Any], bool]) -> Any:
    """The thing named by ``id``, or a random one that fits."""
    named = deed.parameters.get("id")
    if named is not None:
        found = shelf.get(int(named))
        if found is None or not fits(found):
            raise Impossible(f"{named} is not there or does not fit")
        return found
    for _ in range(300):
        found = shelf.pick(deed.rng.random())
        if found is not None and fits(found):
            return found
    raise Impossible("nothing fits")


def _return_order(deed: Deed) -> None:
    """Ask for a return, decline it, agree to it, or agree and refund it at once."""

    def returnable(order: Order) -> bool:
        asked = {one.status for one in order.returns} & {"OPEN", "REQUESTED"}
        return not asked and any(x.fulfilled and x.current_quantity for x in order.lines)

    order = _order(deed, returnable)
    open_one = next((one for one in order.returns if one.status == "OPEN"), None)
    lines = [x for x in order.lines if x.fulfilled and x.current_quantity]
    if open_one is None and not lines:
        raise Impossible("nothing of this order can come back")
    draw = deed.rng.random()
    status = "REQUESTED" if draw < 0.2 else "DECLINED" if draw < 0.3 else "OPEN"
    made = open_one
    if made is None:
        line = lines[deed.rng.randrange(len(lines))]
        count = deed.rng.randrange(1, min(line.fulfilled, line.current_quantity) + 1)
        reason = returning.REASONS[deed.rng.randrange(len(returning.REASONS))]
        made = returning.open_return(
            order, [(line, count)], deed.world.ids, at=deed.at, status=status, reason=reason
        )
        topic = {"REQUESTED": "request", "DECLINED": "decline", "OPEN": "approve"}[status]
        deed.tell(f"returns/{topic}", lambda: office.return_body(made, order, deed.world))
    if made.status == "OPEN" and (open_one is not None or draw > 0.5):
        refunds, paid = len(order.refunds), len(order.transactions)
        returning.refund_return(order, made, deed.world.historian, at=deed.at)
        _refunds(deed, order, refunds)
        _transactions(deed, order, paid)
        deed.tell("returns/close", lambda: office.return_body(made, order, deed.world))
    _changed(deed, order)


def _assess_risk(deed: Deed) -> None:
    order = _order(deed)
    order.risk = str(deed.parameters.get("level", deed.rng.choice(("LOW", "MEDIUM", "HIGH"))))
    deed.tell("orders/risk_assessment_changed", lambda: office.risk_body(order, deed.world))
    _changed(deed, order)


def _put(deed: Deed, one: FulfillmentOrder, topic: str, body: Callable[[], Any]) -> None:
    one.updated = max(one.updated, deed.at)
    deed.world.fulfillment_orders.put(one.id, one)
    deed.touched.append(one.id)
    deed.tell(f"fulfillment_orders/{topic}", body)


def _hold(deed: Deed) -> None:
    one = _chosen(deed, deed.world.fulfillment_orders, lambda x: x.status == "OPEN")
    number = deed.world.ids.of(
        "FulfillmentHold", deed.world.ids.sequence("FulfillmentOrder", one.id)
    )
    one.holds = [Hold(number, "INVENTORY_OUT_OF_STOCK", "Back on Monday")]
    fulfilling.settle_hold(one)
    _put(deed, one, "placed_on_hold", lambda: office.fulfillment_order_body(one))


def _release(deed: Deed) -> None:
    one = _chosen(deed, deed.world.fulfillment_orders, lambda x: bool(x.holds))
    one.holds = []
    fulfilling.settle_hold(one)
    _put(deed, one, "hold_released", lambda: office.fulfillment_order_body(one))


def _move(deed: Deed) -> None:
    """Another location ships; the order itself does not change."""
    one = _chosen(deed, deed.world.fulfillment_orders, lambda x: x.status == "OPEN")
    places = [number for number in deed.world.locations if number != one.location_id]
    if not places:
        raise Impossible("there is one location only")
    one.location_id = deed.rng.choice(places)
    _put(deed, one, "moved", lambda: office.move_body(one))


def _put_draft(deed: Deed, draft: DraftOrder, topic: str) -> None:
    draft.updated = max(draft.updated, deed.at)
    deed.world.draft_orders.put(draft.id, draft)
    deed.touched.append(draft.id)
    deed.tell(f"draft_orders/{topic}", lambda: office.draft_body(draft, deed.world))


def _create_draft(deed: Deed) -> None:
    place = deed.world.next_place("draft_orders")
    made = drafting.draft_order(deed.world, place, at=deed.at, rng=deed.rng)
    _put_draft(deed, made, "create")


def _is_open(draft: DraftOrder) -> bool:
    return draft.status != "COMPLETED"


def _update_draft(deed: Deed) -> None:
    draft = _chosen(deed, deed.world.draft_orders, _is_open)
    if deed.rng.random() < 0.5:
        draft.basket.note = f"Asked again at {deed.at}"
        draft.basket.tags = sorted({*draft.basket.tags, "quote"})
    else:
        draft.status, draft.invoice_sent = "INVOICE_SENT", deed.at
    _put_draft(deed, draft, "update")


def _complete_draft(deed: Deed) -> None:
    """The draft becomes an order, which is paid for."""
    world = deed.world
    draft = _chosen(deed, world.draft_orders, _is_open)
    order = drafting.placed(world, draft, at=deed.at)
    world.put_order(order)
    world.historian.pay(order, at=deed.at)
    world.put_order(order)
    draft.status, draft.completed, draft.order_id = "COMPLETED", deed.at, order.id
    created(deed, order)
    _transactions(deed, order, 0)
    _put_draft(deed, draft, "update")


def _delete_draft(deed: Deed) -> None:
    draft = _chosen(deed, deed.world.draft_orders, lambda one: True)
    deed.world.draft_orders.remove(draft.id)
    deed.touched.append(draft.id)
    deed.tell("draft_orders/delete", lambda: {"id": draft.id})


def _put_checkout(deed: Deed, one: AbandonedCheckout, topic: str) -> None:
    deed.world.checkouts.put(one.id, one)
    deed.touched.append(one.id)
    deed.tell(f"checkouts/{topic}", lambda: office.checkout_body(one, deed.world))


def _abandon_checkout(deed: Deed) -> None:
    place = deed.world.next_place("checkouts")
    made = drafting.abandoned_checkout(deed.world, place, at=deed.at - 1200, rng=deed.rng)
    made.updated = deed.at
    _put_checkout(deed, made, "update")


def _recover_checkout(deed: Deed) -> None:
    one = _chosen(deed, deed.world.checkouts, lambda x: x.completed is None)
    one.completed = deed.at
    one.updated = max(one.updated, deed.at)
    _put_checkout(deed, one, "update")


ACTIONS: dict[str, Callable[[Deed], None]] = {
    "return_order": _return_order,
    "assess_risk": _assess_risk,
    "hold_fulfillment_order": _hold,
    "release_fulfillment_order": _release,
    "move_fulfillment_order": _move,
    "create_draft_order": _create_draft,
    "update_draft_order": _update_draft,
    "complete_draft_order": _complete_draft,
    "delete_draft_order": _delete_draft,
    "abandon_checkout": _abandon_checkout,
    "recover_checkout": _recover_checkout,
}
