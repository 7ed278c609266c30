"""Orders as an app writes them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from tests.simulator import actions, ledger
from tests.simulator.actions import Deed
from tests.simulator.edits import Invalid, address_of, minor
from tests.simulator.model import Line, Order
from tests.simulator.money import Bag, exponent, total
from tests.simulator.payloads import orders
from tests.simulator.seeded import both


def _order(deed: Deed, field: list[str]) -> Order:
    found = deed.world.orders.get(int(deed.parameters["id"]))
    if found is None:
        raise Invalid(field, "Order does not exist", "NOT_FOUND")
    return found  # type: ignore[no-any-return]


def _write_order(deed: Deed) -> None:
    """Change what an app may: contact, note, tags, attributes, address."""
    order, wanted = _order(deed, ["id"]), deed.parameters
    for name, attribute in (("email", "email"), ("note", "note"), ("phone", "phone"),
                            ("poNumber", "po_number"), ("tags", "tags")):  # fmt: skip
        if name in wanted:
            setattr(order, attribute, wanted[name])
    if wanted.get("customAttributes") is not None:
        order.attributes = [(one["key"], one["value"]) for one in wanted["customAttributes"]]
    if wanted.get("shippingAddress") is not None:
        order.shipping_address = address_of(wanted["shippingAddress"])
    actions._changed(deed, order)


def _shut_order(deed: Deed) -> None:
    """Close (``open`` false) or open again."""
    order = _order(deed, ["id"])
    order.closed = None if deed.parameters["open"] else order.closed or deed.at
    actions._changed(deed, order)


def _void_order(deed: Deed) -> None:
    """Cancel a named order."""
    order = _order(deed, ["orderId"])
    if order.cancelled is not None:
        message = "Cannot cancel an order that has already been canceled"
        raise Invalid(["orderId"], message, "INVALID")
    if order.fulfillments:
        message = "Cannot cancel an order that has fulfilled items"
        raise Invalid(["orderId"], message, "INVALID")
    before, paid = len(order.refunds), len(order.transactions)
    left = [(line, line.current_quantity) for line in order.lines]
    deed.world.historian.cancel(order, at=deed.at, reason=deed.parameters["reason"])
    for line, count in left:
        back = count if deed.parameters.get("restock", True) else 0
        actions.move_stock(deed, line, available=back, committed=-count)
    deed.tell("orders/cancelled", lambda: orders.order_body(order, deed.world))
    actions._refunds(deed, order, before)
    actions._transactions(deed, order, paid)
    actions._changed(deed, order)


def _settle_order(deed: Deed) -> None:
    """Mark a named order as paid."""
    order = _order(deed, ["id"])
    assert order.totals is not None
    if order.totals.outstanding.presentment <= 0 or order.cancelled is not None:
        raise Invalid(["id"], "Order cannot be marked as paid.")
    actions._pay_order(deed)


def _refund_named(deed: Deed) -> None:
    """Refund named units; ``paid`` is what moves, in the buyer's currency, as text."""
    order, wanted = _order(deed, ["orderId"]), deed.parameters
    by_id = {line.id: line for line in order.lines}
    for place, (number, count) in enumerate(wanted["lines"]):
        field = ["refundLineItems", str(place), "quantity"]
        if number not in by_id:
            raise Invalid(["refundLineItems", str(place), "lineItemId"], "Line item does not exist")
        if count > by_id[number].current_quantity:
            message = "Quantity cannot refund more items than were purchased"
            raise Invalid(field, message)
    does = deed.world.historian
    trial = copy.deepcopy(order)
    units = [(next(x for x in trial.lines if x.id == n), count) for n, count in wanted["lines"]]
    made = does.refund(trial, units, at=deed.at, shipping=wanted["shipping"])
    owed = total((one.amount for one in made.transactions), order.currencies)
    before, paid = len(order.refunds), len(order.transactions)
    units = [(by_id[number], count) for number, count in wanted["lines"]]
    does.refund(
        order, units, at=deed.at, shipping=wanted["shipping"], note=wanted.get("note"),
        discrepancy=_beyond(deed, order, owed, wanted.get("paid")),
    )  # fmt: skip
    for line, count in units:
        actions.move_stock(deed, line, available=count)
    actions._refunds(deed, order, before)
    actions._transactions(deed, order, paid)
    actions._changed(deed, order)


def _beyond(deed: Deed, order: Order, owed: Bag, paid: str | None) -> int:
    """How much more than the goods' worth is paid, in the shop's currency."""
    assert order.totals is not None
    home, abroad = order.currencies
    given = round(float(paid or 0) * 10 ** exponent(abroad))
    received, refunded = order.totals.received.presentment, order.totals.refunded.presentment
    if given > received - refunded:
        raise Invalid(["transactions", "0", "amount"], "Refund amount is more than was received")
    if home == abroad:
        return given - owed.shop
    whole = order.totals.total
    return given * whole.shop // max(1, whole.presentment) - owed.shop


def _ship_named(deed: Deed) -> None:
    """Ship the named lines of fulfilment orders, all that is left of them."""
    order = _order(deed, ["fulfillment"])
    wanted = {int(number): count for number, count in deed.parameters["units"]}
    left = {line.id: line.current_quantity - line.fulfilled for line in order.lines}
    if not wanted or any(not 0 < count <= left.get(n, 0) for n, count in wanted.items()):
        message = "Invalid fulfillment order line item quantity requested."
        raise Invalid(["fulfillment"], message)
    where = deed.parameters.get("location") or next(iter(deed.world.locations))
    # The historian ships whatever is left: show it only what is asked for.
    hidden = {line.id: left[line.id] - wanted.get(line.id, 0) for line in order.lines}
    for line in order.lines:
        line.current_quantity -= hidden[line.id]
    done = deed.world.historian.fulfill(order, at=deed.at, location_id=where)
    for line in order.lines:
        line.current_quantity += hidden[line.id]
    if not done:
        raise Invalid(["fulfillment"], "Nothing of the order can be shipped.")
    _track(order, deed.parameters.get("tracking") or {})
    for line in order.lines:
        actions.move_stock(deed, line, committed=-wanted.get(line.id, 0))
    whole = ledger.fulfillment_status(order) == "FULFILLED"
    topic = "orders/fulfilled" if whole else "orders/partially_fulfilled"
    deed.tell(topic, lambda: orders.order_body(order, deed.world))
    made = order.fulfillments[-1]
    deed.tell("fulfillments/create", lambda: orders.fulfillment_body(made, order, deed.world))
    actions._changed(deed, order)


def _track(order: Order, tracking: dict[str, Any]) -> None:
    made = order.fulfillments[-1]
    made.company, made.number = tracking.get("company"), tracking.get("number")
    made.url = tracking.get("url")


def _place_order(deed: Deed) -> None:
    """An order an app makes: given lines, no discounts, no taxes, no shipping."""
    world, wanted = deed.world, deed.parameters
    if not wanted["lines"]:
        raise Invalid(["order", "lineItems"], "Line items can't be blank", "INVALID")
    place = world.next_order()
    money = (world.shop.currency, world.shop.currency)
    lines = [_line_of(deed, one, n, money) for n, one in enumerate(wanted["lines"])]
    order = Order(
        id=world.ids.of("Order", place), number=1001 + place, created=deed.at, processed=deed.at,
        updated=deed.at, currencies=money, taxes_included=world.shop.taxes_included, lines=lines,
        tip=Bag(0, 0, money), customer_id=wanted.get("customer"), email=wanted.get("email"),
        note=wanted.get("note"), tags=list(wanted.get("tags") or []), app_id=None,
        test=bool(wanted.get("test")), source_name=wanted.get("source") or "app",
        confirmation=f"C{1001 + place:010d}",
    )  # fmt: skip
    world.seeded.number(order, place)
    world.put_order(order)
    if wanted.get("status") == "PAID":
        world.historian.pay(order, at=deed.at)
        world.put_order(order)
        deed.tell("orders/paid", lambda: orders.order_body(order, world))
    deed.touched.append(order.id)
    actions.created(deed, order)
    actions._transactions(deed, order, 0)


def _line_of(deed: Deed, wanted: dict[str, Any], place: int, money: tuple[str, str]) -> Line:
    field = ["order", "lineItems", str(place)]
    count = int(wanted["quantity"])
    if count < 1:
        raise Invalid([*field, "quantity"], "Quantity must be greater than 0", "INVALID")
    variant = deed.world.variant(int(wanted["variant"])) if wanted.get("variant") else None
    if wanted.get("variant") and variant is None:
        raise Invalid([*field, "variantId"], "Product variant does not exist", "INVALID")
    price = wanted.get("price")
    if variant is not None:
        product = deed.world.products.get(variant.product_id)
        line: Line = deed.world.seeded.line_of(product, variant, count, currencies=money)
    elif wanted.get("title") and price is not None:
        line = Line(
            id=0, title=wanted["title"], variant_title=None, vendor=None, sku=wanted.get("sku"),
            quantity=count, current_quantity=count, price=both(0, money),
        )  # fmt: skip
    else:
        raise Invalid(field, "A title and a price are needed without a variant", "INVALID")
    if price is not None:
        line.price = both(minor(price, deed.world, [*field, "priceSet"]), money)
    return line


ACTIONS: dict[str, Callable[[Deed], None]] = {
    "write_order": _write_order,
    "shut_order": _shut_order,
    "void_order": _void_order,
    "settle_order": _settle_order,
    "refund_named": _refund_named,
    "ship_named": _ship_named,
    "place_order": _place_order,
}
