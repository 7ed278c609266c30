"""The totals of an order and the statuses that follow from its parts."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulator.model import Line, Order, ShippingLine, TaxLine, Totals
from tests.simulator.money import Bag, minus, plus, share, times, total


def settle(order: Order) -> Order:
    """Recompute the tax lines and every total of *order* from its parts."""
    money = order.currencies
    gross = total((times(line.price, line.quantity) for line in order.lines), money)
    line_discounts = total((line_discount(line) for line in order.lines), money)
    shipping = total((one.discounted for one in order.shipping if not one.removed), money)
    shipping_discounts = total((a.amount for one in order.shipping for a in one.allocations), money)
    duties = total((duty.price for line in order.lines for duty in line.duties), money)
    order.taxes = _tax_lines(order)
    tax = total((one.price for one in order.taxes), money)
    subtotal = minus(gross, line_discounts)
    exclusive = Bag(0, 0, money) if order.taxes_included else tax
    removed = _removed(order)
    refunded_shipping, refunded_shipping_tax = _refunded_shipping(order)
    gone_duties = total((amount for _, amount in _gone_duties(order)), money)
    current_subtotal = minus(subtotal, removed["net"])
    current_tax = minus(tax, removed["tax"], refunded_shipping_tax)
    current_shipping = minus(shipping, refunded_shipping)
    current_duties = minus(duties, gone_duties)
    whole = plus(subtotal, shipping, exclusive, duties, order.tip)
    current_total = plus(
        current_subtotal,
        current_shipping,
        Bag(0, 0, money) if order.taxes_included else current_tax,
        current_duties,
        order.tip,
    )
    received, refunded = _moved(order)
    discrepancy = total(
        (plus(a.amount, a.tax) for one in order.refunds for a in one.adjustments), money
    )
    order.totals = Totals(
        gross=gross,
        subtotal=subtotal,
        discounts=plus(line_discounts, shipping_discounts),
        shipping=shipping,
        tax=tax,
        duties=duties,
        tip=order.tip,
        total=whole,
        current_subtotal=current_subtotal,
        current_discounts=minus(plus(line_discounts, shipping_discounts), removed["discount"]),
        current_tax=current_tax,
        current_total=current_total,
        current_shipping=current_shipping,
        current_duties=current_duties,
        received=received,
        refunded=refunded,
        outstanding=minus(plus(current_total, discrepancy), minus(received, refunded)),
        discrepancy=discrepancy,
    )
    return order


def line_discount(line: Line) -> Bag:
    return total((one.amount for one in line.allocations), line.price.currencies)


def line_net(line: Line) -> Bag:
    """What all units of *line* cost after discounts, before exclusive tax."""
    return minus(times(line.price, line.quantity), line_discount(line))


def line_tax(line: Line) -> Bag:
    return total((one.price for one in line.taxes), line.price.currencies)


def shipping_tax(line: ShippingLine) -> Bag:
    return total((one.price for one in line.taxes), line.price.currencies)


def units_share(line: Line, whole: Bag, units: int) -> Bag:
    """The part of *whole* that belongs to the next *units* to be taken off *line*."""
    gone = line.quantity - line.current_quantity
    return share(whole, line.quantity, done=gone, taken=units)


def _removed(order: Order) -> dict[str, Bag]:
    zero = Bag(0, 0, order.currencies)
    parts = {"net": zero, "tax": zero, "discount": zero}
    for line in order.lines:
        gone = line.quantity - line.current_quantity
        if gone == 0:
            continue
        for name, whole in (
            ("net", line_net(line)),
            ("tax", line_tax(line)),
            ("discount", line_discount(line)),
        ):
            parts[name] = plus(parts[name], share(whole, line.quantity, done=0, taken=gone))
    return parts


def _refunded_shipping(order: Order) -> tuple[Bag, Bag]:
    lines = [one for refund in order.refunds for one in refund.shipping]
    money = order.currencies
    return total((x.subtotal for x in lines), money), total((x.tax for x in lines), money)


def _gone_duties(order: Order) -> Iterator[tuple[int, Bag]]:
    """The duties that refunds gave back and those of units that edits took off."""
    for refund in order.refunds:
        yield from refund.duties
    for edit in order.edits:
        for removed in edit.removed:
            yield from removed.duties


def removed_units(order: Order, line: Line) -> int:
    """How many units of *line* edits have taken off."""
    return sum(one.units for edit in order.edits for one in edit.removed if one.line_id == line.id)


def _moved(order: Order) -> tuple[Bag, Bag]:
    """Money received and money given back; only successful transactions move any."""
    done = [one for one in order.transactions if one.status == "SUCCESS"]
    received = total((t.amount for t in done if t.kind in ("SALE", "CAPTURE")), order.currencies)
    refunded = total((t.amount for t in done if t.kind == "REFUND"), order.currencies)
    return received, refunded


def _tax_lines(order: Order) -> list[TaxLine]:
    merged: dict[tuple[str, float], TaxLine] = {}
    taxed = [one for line in order.lines for one in line.taxes]
    taxed += [one for line in order.lines for duty in line.duties for one in duty.taxes]
    taxed += [one for line in order.shipping if not line.removed for one in line.taxes]
    for one in taxed:
        key = (one.title, one.rate)
        if key in merged:
            merged[key].price = plus(merged[key].price, one.price)
        else:
            merged[key] = TaxLine(one.title, one.rate, one.price, one.channel_liable)
    return list(merged.values())


def financial_status(order: Order) -> str:
    """Shopify's displayFinancialStatus, from the money that moved."""
    totals = order.totals
    assert totals is not None
    received, refunded = totals.received.presentment, totals.refunded.presentment
    kinds = {t.kind for t in order.transactions if t.status == "SUCCESS"}
    if received == 0:
        if "VOID" in kinds:
            return "VOIDED"
        if "AUTHORIZATION" in kinds:
            return "AUTHORIZED"
        return "PAID" if totals.total.presentment == 0 else "PENDING"
    if refunded:
        return "REFUNDED" if refunded >= received else "PARTIALLY_REFUNDED"
    return "PARTIALLY_PAID" if totals.outstanding.presentment > 0 else "PAID"


def fulfillment_status(order: Order) -> str:
    """Shopify's displayFulfillmentStatus; a gone unit needs no shipping any more."""
    wanted = sum(max(line.current_quantity, line.fulfilled) for line in order.lines)
    sent = sum(line.fulfilled for line in order.lines)
    if sent == 0:
        return "UNFULFILLED"
    return "FULFILLED" if sent >= wanted else "PARTIALLY_FULFILLED"
