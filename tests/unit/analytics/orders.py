"""Builders of orders with everything irrelevant defaulted, and a strategy of random histories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from services.analytics.domain.allocation import units_share
from services.analytics.domain.contributions import Contribution
from services.analytics.domain.ledger import contributions
from services.analytics.domain.orders import (
    Line,
    OrderSnapshot,
    Refund,
    RefundLine,
    Reversal,
    Shipping,
)
from tests.unit.analytics.agreements import with_agreements

LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")
MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)
ZERO = Decimal(0)


def rows_of(order: OrderSnapshot, timezone: ZoneInfo) -> list[Contribution]:
    return contributions(order, timezone).rows


def cents(number: int) -> Decimal:
    return Decimal(number).scaleb(-2)


def a_line(line_id: int = 1, **changes: Any) -> Line:
    known: dict[str, Any] = {"quantity": 1, "price": Decimal("10.00")}
    known |= changes
    known.setdefault("current_quantity", known["quantity"])
    return Line(line_id=line_id, **known)


def an_order(*lines: Line, **changes: Any) -> OrderSnapshot:
    known: dict[str, Any] = {"order_id": 1, "currency": "GBP", "processed_at": MARCH}
    return OrderSnapshot(**{**known, "lines": lines or (a_line(),), **changes})


def a_refund(*lines: RefundLine, days: int = 3, **changes: Any) -> Refund:
    known: dict[str, Any] = {"refund_id": 1, "processed_at": MARCH + timedelta(days=days)}
    return Refund(**{**known, "lines": lines, **changes})


# Around midnight in London and New York, and around both of their clock changes of 2026.
MOMENTS = st.sampled_from(
    [
        datetime(2026, 3, 7, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 3, 8, 4, 59, 59, tzinfo=UTC),
        datetime(2026, 3, 8, 5, 0, tzinfo=UTC),
        datetime(2026, 3, 8, 7, 0, tzinfo=UTC),
        datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        datetime(2026, 6, 30, 23, 0, tzinfo=UTC),
        datetime(2026, 6, 30, 22, 59, 59, tzinfo=UTC),
        datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
        datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2027, 1, 1, 0, 0, tzinfo=UTC),
    ]
)
ZONES = st.sampled_from(["Europe/London", "America/New_York", "Asia/Kolkata", "UTC"])


@st.composite
def lines(draw: st.DrawFn, line_id: int, *, taxes_included: bool) -> Line:
    quantity = draw(st.integers(1, 5))
    price = cents(draw(st.integers(0, 5000)))
    whole = price * quantity
    discount = min(whole, cents(draw(st.sampled_from([0, 0, 1, 99, 1000, 10**6]))))
    rate = Decimal(draw(st.sampled_from(["0", "0.1", "0.2", "0.0725"])))
    net = whole - discount
    tax = net * rate / (1 + rate) if taxes_included else net * rate
    duty = cents(draw(st.sampled_from([0, 0, 0, 333])))
    return Line(
        line_id=line_id,
        product_id=line_id * 10,
        variant_id=line_id * 100,
        quantity=quantity,
        current_quantity=quantity,
        price=price,
        discount=discount,
        tax=tax.quantize(Decimal("0.01")),
        tax_rate=rate,
        duty=duty,
        gift_card=draw(st.integers(0, 9)) == 0,
    )


@st.composite
def histories(draw: st.DrawFn, order_id: int = 1) -> OrderSnapshot:
    """An order in some state of its life: edited, refunded, cancelled, deleted, a test.

    With Shopify's ledger of it, without, or with one that does not add up.
    """
    included = draw(st.booleans())
    count = draw(st.integers(1, 3))
    parts = [draw(lines(number + 1, taxes_included=included)) for number in range(count)]
    at = draw(MOMENTS)
    shipping = tuple(
        Shipping(charged=cents(charged), tax=cents(charged // 10))
        for charged in draw(st.lists(st.sampled_from([0, 495, 1000]), max_size=2))
    )
    refunds, parts = draw(_refunds(parts, included, at, shipping))
    parts = [draw(_edited(line, refunds)) for line in parts]
    made = OrderSnapshot(
        order_id=order_id,
        customer_id=draw(st.sampled_from([None, 1, 2, 3])),
        currency=draw(st.sampled_from(["GBP", "GBP", "EUR"])),
        processed_at=at,
        cancelled_at=draw(st.sampled_from([None, None, at + timedelta(days=9)])),
        deleted=draw(st.integers(0, 9)) == 0,
        test=draw(st.integers(0, 9)) == 0,
        taxes_included=included,
        total_tip=cents(draw(st.sampled_from([0, 0, 200]))),
        lines=tuple(parts),
        shipping=shipping,
        refunds=tuple(refunds),
    )
    return draw(with_agreements(made))


@st.composite
def _refunds(
    draw: st.DrawFn, parts: list[Line], included: bool, at: datetime, shipping: tuple[Shipping, ...]
) -> tuple[list[Refund], list[Line]]:
    made, gone = [], {line.line_id: 0 for line in parts}
    for refund_id in range(1, draw(st.integers(0, 3)) + 1):
        given = []
        for line in parts:
            count = draw(st.integers(0, line.quantity - gone[line.line_id]))
            if count:
                units = range(gone[line.line_id], gone[line.line_id] + count)
                gone[line.line_id] += count
                given.append(_refund_line(line, units, refund_id))
        adjusted = draw(st.sampled_from([0, 0, -500, 250]))
        charged = sum((one.charged for one in shipping), ZERO)
        tax = sum((one.tax for one in shipping), ZERO)
        back = refund_id == 1 and draw(st.booleans())
        made.append(
            Refund(
                refund_id=refund_id,
                processed_at=at + timedelta(days=draw(st.integers(0, 40))),
                lines=tuple(given),
                adjustment=Reversal(amount=cents(adjusted), tax=cents(adjusted // 10)),
                shipping=Reversal(amount=charged if back else ZERO, tax=tax if back else ZERO),
            )
        )
    left = [
        Line(
            **{
                **{name: getattr(line, name) for name in Line.__dataclass_fields__},
                "current_quantity": line.quantity - gone[line.line_id],
            }
        )
        for line in parts
    ]
    return made, left


def _refund_line(line: Line, units: range, refund_id: int) -> RefundLine:
    net = line.price * line.quantity - line.discount
    return RefundLine(
        refund_line_id=refund_id * 100 + line.line_id,
        line_id=line.line_id,
        quantity=len(units),
        subtotal=units_share(net, line.quantity, units, "GBP"),
        tax=units_share(line.tax, line.quantity, units, "GBP"),
    )


@st.composite
def _edited(draw: st.DrawFn, line: Line, refunds: list[Refund]) -> Line:
    removed = draw(st.integers(0, line.current_quantity))
    return Line(
        **{
            **{name: getattr(line, name) for name in Line.__dataclass_fields__},
            "current_quantity": line.current_quantity - removed,
        }
    )
