"""Shopify's own ledger of an order says on which day each part of it happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given

from services.analytics.domain.contributions import Contribution, Measures, total
from services.analytics.domain.ledger import contributions
from services.analytics.domain.orders import (
    Agreement,
    OrderSnapshot,
    RefundLine,
    Reversal,
    Sale,
    Shipping,
)
from tests.unit.analytics.agreements import agreements_of
from tests.unit.analytics.orders import LONDON, MARCH, a_line, a_refund, an_order, histories

D = Decimal
KEPT = ("orders", "units", "net_sales", "shipping", "taxes", "duties", "tips", "gift_card_sales")
EDITED_AT = MARCH + timedelta(days=5)


def net_by_day(rows: list[Contribution]) -> dict[date, Decimal]:
    days: dict[date, Decimal] = {}
    for row in rows:
        days[row.event_day] = days.get(row.event_day, D(0)) + row.measures.net_sales
    return days


def told(order: OrderSnapshot, *added: int) -> OrderSnapshot:
    ledger = agreements_of(order, added=frozenset(added), edited_at=EDITED_AT)
    return replace(order, agreements=ledger)


def test_what_an_edit_adds_and_takes_counts_on_the_day_of_the_edit() -> None:
    order = told(
        an_order(a_line(1, quantity=3, current_quantity=2, price=D(10)), a_line(2, price=D(7))), 2
    )

    rows, gap = contributions(order, LONDON)

    assert gap is None
    assert net_by_day(rows) == {date(2026, 3, 10): D(30), date(2026, 3, 15): D(-3)}
    assert {row.order_day for row in rows} == {date(2026, 3, 10)}
    assert [row.kind for row in rows] == ["order", "sale", "sale", "removal"]


def test_an_exchange_gives_back_and_sells_on_its_own_day() -> None:
    back = RefundLine(refund_line_id=1, line_id=1, quantity=1, subtotal=D(40))
    order = told(
        an_order(
            a_line(1, price=D(40), current_quantity=0),
            a_line(2, price=D(45)),
            refunds=(a_refund(back, days=5),),
        ),
        2,
    )

    rows, gap = contributions(order, LONDON)

    assert gap is None
    assert net_by_day(rows) == {date(2026, 3, 10): D(40), date(2026, 3, 15): D(5)}


def test_an_order_that_was_only_placed_is_told_alike_with_and_without_its_ledger() -> None:
    order = an_order(
        a_line(1, quantity=2, price=D(30), discount=D(5), tax=D(11)),
        a_line(2, price=D(50), gift_card=True),
        shipping=(Shipping(charged=D(5), tax=D(1)),),
        total_tip=D(2),
    )

    assert contributions(told(order), LONDON) == contributions(order, LONDON)


def test_a_ledger_that_does_not_add_up_is_not_followed_and_says_why() -> None:
    older = told(an_order(a_line(1, quantity=2, price=D(10))))
    edited = replace(older, lines=(a_line(1, quantity=2, current_quantity=1, price=D(10)),))

    rows, gap = contributions(edited, LONDON)

    assert rows == contributions(replace(edited, agreements=()), LONDON).rows
    assert gap == (
        "units 2 by agreements, 1 by the order; net_sales 20 by agreements, 10.00 by the order"
    )


@pytest.mark.parametrize(
    "change", [{"action": "unknown"}, {"line_type": "unknown"}, {"line_type": "new_in_2027"}]
)
def test_a_sale_of_a_kind_that_nobody_knows_is_not_guessed(change: dict[str, str]) -> None:
    order = told(an_order())
    (placed,) = order.agreements
    sale = replace(placed.sales[0], **change)

    rows, gap = contributions(replace(order, agreements=(replace(placed, sales=(sale,)),)), LONDON)

    assert rows == contributions(an_order(), LONDON).rows
    assert gap == f"sale 1 is {sale.action} of {sale.line_type}"


def test_fees_count_on_their_day_and_must_be_those_of_the_order() -> None:
    order = told(an_order(a_line(price=D(10))))
    fee = Sale(sale_id=9, action="order", line_type="additional_fee", total=D(6), tax=D(1))
    later = Agreement(agreement_id=9, happened_at=EDITED_AT, reason="order_edit", sales=(fee,))
    taxed = replace(fee, tax=D(0), total=D(5))
    order = replace(
        order, agreements=(*order.agreements, replace(later, sales=(taxed,))), fees=D(5)
    )

    rows, gap = contributions(order, LONDON)

    assert gap is None
    assert rows[-1].measures == Measures(additional_fees=D(5))
    assert rows[-1].event_day == date(2026, 3, 15)
    assert contributions(replace(order, fees=D(4)), LONDON).gap == (
        "additional fees 5 by agreements, 4 by the order"
    )


def test_a_later_discount_changes_the_price_and_no_units() -> None:
    order = told(an_order(a_line(quantity=2, price=D(10))))
    cheaper = Sale(
        sale_id=9,
        action="update",
        line_type="product",
        line_id=1,
        quantity=2,
        total=D(-3),
        discount=D(3),
    )
    update = Agreement(agreement_id=9, happened_at=EDITED_AT, reason="order_edit", sales=(cheaper,))
    order = replace(
        order,
        lines=(a_line(quantity=2, price=D(10), discount=D(3)),),
        agreements=(*order.agreements, update),
    )

    rows, gap = contributions(order, LONDON)

    assert gap is None
    assert rows[-1].measures == Measures(discounts=D(3))


def test_a_cancelled_order_takes_back_what_its_ledger_left() -> None:
    refund = a_refund(adjustment=Reversal(amount=D(-4)), days=1)
    order = told(
        an_order(
            a_line(1, quantity=2, current_quantity=1, price=D(10)),
            refunds=(refund,),
            cancelled_at=MARCH + timedelta(days=9),
        )
    )

    rows, gap = contributions(order, LONDON)

    assert gap is None
    assert net_by_day(rows) == {
        date(2026, 3, 10): D(20),
        date(2026, 3, 11): D(-4),
        date(2026, 3, 15): D(-10),
        date(2026, 3, 19): D(-6),
    }


@given(histories())
def test_over_all_time_a_ledger_changes_nothing_but_days(order: OrderSnapshot) -> None:
    with_it = total(row.measures for row in contributions(order, LONDON).rows)
    without = total(
        row.measures for row in contributions(replace(order, agreements=()), LONDON).rows
    )

    assert [getattr(with_it, name) for name in KEPT] == [getattr(without, name) for name in KEPT]


@given(histories())
def test_a_whole_ledger_is_followed_to_the_day(order: OrderSnapshot) -> None:
    order = told(replace(order, test=False, deleted=False), *(x.line_id for x in order.lines[1:]))

    rows, gap = contributions(order, LONDON)

    assert gap is None
    days = {one.happened_at.astimezone(LONDON).date() for one in order.agreements}
    ours = {row.event_day for row in rows if row.kind != "cancellation" and row.ckey != "o"}
    assert ours <= days
