"""Shopify's sales ledger of one order, written from what happened to it.

The first agreement sells what was ordered, every edit and refund adds one. Added up, the sales are
the order's current total and the discrepancies of its refunds, to the minor unit. A tip has no line
here, as our orders keep it apart from their lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.simulator.ids import CHILDREN, Ids
from tests.simulator.ledger import line_discount, line_net, line_tax, shipping_tax
from tests.simulator.model import Line, Order, Refund
from tests.simulator.money import Bag, plus, scaled, total
from tests.simulator.order_parts import Agreement, Assessment, Edit, Sale

RISKY = {"LOW": "ACCEPT", "MEDIUM": "INVESTIGATE", "HIGH": "CANCEL"}


def agreements_of(order: Order, ids: Ids) -> list[Agreement]:
    """The agreements in the order in which they were made; they only ever become more."""
    parent = ids.sequence("Order", order.id)
    told: list[tuple[int, int, str, Iterator[Sale]]] = [
        (0, order.processed, "ORDER", _ordered(order))
    ]
    for place, event in _events(order, ids):
        if isinstance(event, Edit):
            told.append((place, event.at, "ORDER_EDIT", _edited(order, event)))
        else:
            reason = "RETURN" if event.return_id else "REFUND"
            told.append((place, event.processed, reason, _refunded(order, event)))
    made = [
        Agreement(ids.child("SalesAgreement", parent, place), at, why, order.app_id, list(sales))
        for place, at, why, sales in told
    ]
    made = [one for one in made if one.sales]
    every = [sale for agreement in made for sale in agreement.sales]
    for place, sale in enumerate(every):
        sale.id = ids.child("Sale", parent, place)
    return made


def _events(order: Order, ids: Ids) -> list[tuple[int, Any]]:
    """Edits and refunds with their places among the children of the order, which grow."""
    edits = [(ids.sequence("SalesAgreement", one.id) % CHILDREN, one) for one in order.edits]
    refunds = [(ids.sequence("Refund", one.id) % CHILDREN, one) for one in order.refunds]
    return sorted([*edits, *refunds], key=lambda pair: pair[0])


def _ordered(order: Order) -> Iterator[Sale]:
    added = {number for edit in order.edits for number in edit.added}
    zero = Bag(0, 0, order.currencies)
    for line in order.lines:
        if line.id not in added:
            yield _sold(order, line)
    for shipping in order.shipping:
        if not shipping.removed:
            off = total((one.amount for one in shipping.allocations), order.currencies)
            sale = _sale(order, "SHIPPING", shipping.discounted, shipping_tax(shipping), off, None)
            sale.shipping_line = shipping
            yield sale
    for line in order.lines:
        for duty in line.duties:
            tax = total((one.price for one in duty.taxes), order.currencies)
            sale = _sale(order, "DUTY", duty.price, tax, zero, None)
            sale.duty = duty
            yield sale
    if order.tip.shop or order.tip.presentment:
        yield _sale(order, "TIP", order.tip, zero, zero, None)


def _sold(order: Order, line: Line) -> Sale:
    made = _sale(
        order, _type_of(line), line_net(line), line_tax(line), line_discount(line), line.quantity
    )
    made.line = line
    return made


def _edited(order: Order, edit: Edit) -> Iterator[Sale]:
    lines = {line.id: line for line in order.lines}
    for one in edit.removed:
        line = lines[one.line_id]
        made = _sale(order, _type_of(line), -one.net, -one.tax, -one.discount, -one.units)
        made.line = line
        yield made
        yield from _duties_back(order, one.duties)
    for number in edit.added:
        yield _sold(order, lines[number])


def _refunded(order: Order, refund: Refund) -> Iterator[Sale]:
    zero = Bag(0, 0, order.currencies)
    lines = {line.id: line for line in order.lines}
    shipped = {line.id: line for line in order.shipping}
    for one in refund.lines:
        line = lines[one.line_id]
        off = one.discount or zero
        made = _sale(order, _type_of(line), -one.subtotal, -one.tax, -off, -one.quantity)
        made.line = line
        yield made
    for part in refund.shipping:
        made = _sale(order, "SHIPPING", -part.subtotal, -part.tax, zero, None, action="RETURN")
        made.shipping_line = shipped[part.shipping_line_id]
        yield made
    yield from _duties_back(order, refund.duties)
    for adjustment in refund.adjustments:
        both = plus(adjustment.amount, adjustment.tax)
        made = _sale(order, "ADJUSTMENT", both, adjustment.tax, zero, None, action="RETURN")
        made.total = both
        yield made


def _duties_back(order: Order, duties: list[tuple[int, Bag]]) -> Iterator[Sale]:
    zero = Bag(0, 0, order.currencies)
    for number, amount in duties:
        made = _sale(order, "DUTY", -amount, zero, zero, None, action="RETURN")
        made.duty = next(d for line in order.lines for d in line.duties if d.id == number)
        yield made


def _type_of(line: Line) -> str:
    return "GIFT_CARD" if line.gift_card else "PRODUCT"


def _sale(
    order: Order,
    line_type: str,
    net: Bag,
    tax: Bag,
    discount: Bag,
    quantity: int | None,
    *,
    action: str = "",
) -> Sale:
    """A sale of *net*, which holds the tax where taxes are included."""
    whole = net if order.taxes_included else plus(net, tax)
    before = discount
    if order.taxes_included and net.shop and net.presentment:
        # The tax that the discount spared is that of the goods, in proportion.
        before = Bag(
            discount.shop - scaled(discount.shop, tax.shop, net.shop),
            discount.presentment - scaled(discount.presentment, tax.presentment, net.presentment),
            order.currencies,
        )
    made = action or ("RETURN" if quantity is not None and quantity < 0 else "ORDER")
    return Sale(0, made, line_type, quantity, whole, tax, discount, before)


def assessments_of(order: Order) -> list[Assessment]:
    """What the fraud analysis says; later findings stand in ``order.risk``."""
    assert order.totals is not None
    spread = order.totals.total.shop % 17
    level = order.risk or ("HIGH" if spread == 3 else "MEDIUM" if spread == 5 else "LOW")
    facts = [
        ("Card Verification Value (CVV) is correct", "POSITIVE"),
        ("Billing and shipping address match", "POSITIVE" if order.billing else "NEUTRAL"),
    ]
    if level != "LOW":
        facts.append(("Characteristics of this order are similar to fraud", "NEGATIVE"))
    found = [Assessment(level, facts)]
    if spread in (3, 8):
        found.append(Assessment("LOW", [], provider=(4471, 'Fraud "Guard"')))
    return found


def recommendation(order: Order) -> str:
    return RISKY[assessments_of(order)[0].level]
