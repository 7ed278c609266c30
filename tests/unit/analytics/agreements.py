"""Shopify's own ledger of an order, written from the same history as its lines and refunds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

from hypothesis import strategies as st

from services.analytics.domain.allocation import units_share
from services.analytics.domain.orders import Agreement, Line, OrderSnapshot, Refund, Sale

ZERO = Decimal(0)


def agreements_of(
    order: OrderSnapshot, *, added: frozenset[int] = frozenset(), edited_at: datetime
) -> tuple[Agreement, ...]:
    """Tell *order*: the lines *added* came, and what no refund took went, by edits then."""
    told: list[tuple[str, datetime, list[Sale]]] = [
        ("order", order.processed_at, [*_placed(order, added)]),
        ("order_edit", edited_at, [_sold(order, x) for x in order.lines if x.line_id in added]),
        ("order_edit", edited_at, [*_removed(order)]),
    ]
    told += [
        ("return" if one.refund_id % 2 else "refund", one.processed_at, [*_refunded(order, one)])
        for one in order.refunds
    ]
    numbers = count(1)
    return tuple(
        Agreement(
            agreement_id=place,
            happened_at=at,
            reason=reason,
            sales=tuple(replace(sale, sale_id=next(numbers)) for sale in sales),
        )
        for place, (reason, at, sales) in enumerate(told, start=1)
        if sales
    )


def _placed(order: OrderSnapshot, added: frozenset[int]) -> Iterator[Sale]:
    for line in order.lines:
        if line.line_id not in added:
            yield _sold(order, line)
        if line.duty:
            yield _sale("order", "duty", line.duty + line.duty_tax, line.duty_tax)
    for one in order.shipping:
        yield _sale("order", "shipping", one.charged + _outside(order, one.tax), one.tax)
    if order.total_tip:
        yield _sale("order", "tip", order.total_tip, ZERO)


def _sold(order: OrderSnapshot, line: Line) -> Sale:
    charged = line.price * line.quantity - line.discount
    made = _sale("order", _goods(line), charged + _outside(order, line.tax), line.tax)
    return replace(made, line_id=line.line_id, quantity=line.quantity, discount=line.discount)


def _removed(order: OrderSnapshot) -> Iterator[Sale]:
    for line in order.lines:
        refunded = sum(
            one.quantity for x in order.refunds for one in x.lines if one.line_id == line.line_id
        )
        units = range(refunded, line.quantity - line.current_quantity)
        if not units:
            continue
        charged = line.price * line.quantity - line.discount
        tax = _share(line, line.tax, units)
        yield _back(order, line, units, _share(line, charged, units), tax)
        if duty := _share(line, line.duty, range(len(units))):
            yield _sale("return", "duty", -duty, ZERO)


def _refunded(order: OrderSnapshot, refund: Refund) -> Iterator[Sale]:
    lines = {line.line_id: line for line in order.lines}
    for one in refund.lines:
        before = sum(
            earlier.quantity
            for x in order.refunds
            for earlier in x.lines
            if x.refund_id < refund.refund_id and earlier.line_id == one.line_id
        )
        units = range(before, before + one.quantity)
        yield _back(order, lines[one.line_id], units, one.subtotal, one.tax)
    shipping, adjustment = refund.shipping, refund.adjustment
    if shipping.amount or shipping.tax:
        total = -shipping.amount - _outside(order, shipping.tax)
        yield _sale("return", "shipping", total, -shipping.tax)
    if adjustment.amount or adjustment.tax:
        total = adjustment.amount + adjustment.tax
        yield _sale("return", "adjustment", total, adjustment.tax)


def _back(order: OrderSnapshot, line: Line, units: range, charged: Decimal, tax: Decimal) -> Sale:
    made = _sale("return", _goods(line), -charged - _outside(order, tax), -tax)
    off = _share(line, line.discount, units)
    return replace(made, line_id=line.line_id, quantity=-len(units), discount=-off)


def _sale(action: str, line_type: str, total: Decimal, tax: Decimal) -> Sale:
    return Sale(sale_id=0, action=action, line_type=line_type, total=total, tax=tax)


def _goods(line: Line) -> str:
    return "gift_card" if line.gift_card else "product"


def _share(line: Line, whole: Decimal, units: range) -> Decimal:
    return units_share(whole, line.quantity, units, "GBP")


def _outside(order: OrderSnapshot, tax: Decimal) -> Decimal:
    return ZERO if order.taxes_included else tax


@st.composite
def with_agreements(draw: st.DrawFn, order: OrderSnapshot) -> OrderSnapshot:
    """*order* with a ledger of its own, or with one that is older, wrong or not there."""
    told = draw(st.sampled_from(["nothing", "all", "all", "too little", "a cent too much"]))
    if told == "nothing":
        return order
    added = draw(st.frozensets(st.sampled_from([line.line_id for line in order.lines])))
    at = order.processed_at + timedelta(days=draw(st.integers(0, 40)))
    ledger = agreements_of(order, added=added, edited_at=at)
    if told == "too little":
        ledger = ledger[:-1]
    if told == "a cent too much":
        first = ledger[0]
        wrong = replace(first.sales[0], total=first.sales[0].total + Decimal("0.01"))
        ledger = (replace(first, sales=(wrong, *first.sales[1:])), *ledger[1:])
    return replace(order, agreements=ledger)
