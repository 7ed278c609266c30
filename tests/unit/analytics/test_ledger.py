"""What an order contributes, in worked examples and for random histories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from services.analytics.domain.contributions import Contribution, Measures, total
from services.analytics.domain.orders import OrderSnapshot, RefundLine, Reversal, Shipping
from tests.unit.analytics.orders import (
    LONDON,
    MARCH,
    NEW_YORK,
    ZONES,
    a_line,
    a_refund,
    an_order,
    histories,
    rows_of,
)

D = Decimal


def totals(order: OrderSnapshot) -> Measures:
    return total(row.measures for row in rows_of(order, LONDON))


def by_day(rows: Iterable[Contribution], basis: str) -> dict[date, Measures]:
    days: dict[date, list[Measures]] = {}
    for row in rows:
        days.setdefault(getattr(row, f"{basis}_day"), []).append(row.measures)
    return {day: total(parts) for day, parts in days.items()}


def test_a_sale_is_gross_less_discounts_plus_shipping_and_taxes() -> None:
    order = an_order(
        a_line(1, quantity=2, price=D("40.00"), discount=D("8.00"), tax=D("14.40")),
        a_line(2, quantity=1, price=D("5.00"), tax=D("1.00")),
        shipping=(Shipping(charged=D("4.95"), tax=D("0.99")),),
        total_tip=D("2.00"),
    )

    sums = totals(order)

    assert sums == Measures(
        orders=1,
        units=3,
        gross_sales=D("85.00"),
        discounts=D("8.00"),
        shipping=D("4.95"),
        taxes=D("16.39"),
        tips=D("2.00"),
    )
    assert (sums.net_sales, sums.total_sales) == (D("77.00"), D("98.34"))


def test_a_quarter_off_a_hundred_with_a_tenth_of_tax_inside_is_22_72() -> None:
    order = an_order(
        a_line(price=D(100), discount=D(25), tax=D("6.82"), tax_rate=D("0.1")), taxes_included=True
    )

    sums = totals(order)

    assert (sums.gross_sales, sums.discounts) == (D("90.90"), D("22.72"))
    assert (sums.net_sales, sums.taxes, sums.total_sales) == (D("68.18"), D("6.82"), D("75.00"))


def test_a_line_given_away_still_has_its_tax_exclusive_price() -> None:
    order = an_order(a_line(price=D(110), discount=D(110), tax_rate=D("0.1")), taxes_included=True)

    sums = totals(order)

    assert (sums.gross_sales, sums.discounts, sums.total_sales) == (D(100), D(100), D(0))


def test_tax_inside_shipping_is_taken_out_of_it() -> None:
    order = an_order(shipping=(Shipping(charged=D(12), tax=D(2)),), taxes_included=True)

    assert (totals(order).shipping, totals(order).taxes) == (D(10), D(2))


def test_a_tax_known_only_in_total_is_spread_over_lines_and_shipping() -> None:
    order = an_order(
        a_line(1, price=D(30)),
        a_line(2, price=D(60)),
        shipping=(Shipping(charged=D(10)),),
        total_tax=D("20.00"),
    )

    rows = rows_of(order, LONDON)

    assert [(row.ckey, row.measures.taxes) for row in rows] == [
        ("o", D(2)),
        ("l:1", D(6)),
        ("l:2", D(12)),
    ]


def test_a_refund_reverses_gross_and_discount_on_its_own_day() -> None:
    line = a_line(1, quantity=3, price=D(10), discount=D("1.00"), tax=D("5.80"))
    given_back = RefundLine(
        refund_line_id=7, line_id=1, quantity=1, subtotal=D("9.66"), tax=D("1.93")
    )
    order = an_order(replace(line, current_quantity=2), refunds=(a_refund(given_back),))

    days = by_day(rows_of(order, LONDON), "event")

    assert days == {
        date(2026, 3, 10): Measures(
            orders=1, units=3, gross_sales=D(30), discounts=D(1), taxes=D("5.80")
        ),
        date(2026, 3, 13): Measures(
            units=-1,
            gross_reversals=D(10),
            discount_reversals=D("0.34"),
            taxes=D("-1.93"),
        ),
    }


def test_units_refunded_one_by_one_reverse_the_whole_gross() -> None:
    refunds = tuple(
        a_refund(
            RefundLine(refund_line_id=number, line_id=1, quantity=1, subtotal=D(10), tax=D(tax)),
            days=number,
            refund_id=number,
        )
        for number, tax in ((1, "1.66"), (2, "1.67"), (3, "1.67"))
    )
    line = a_line(quantity=3, current_quantity=0, price=D(10), tax=D(5), tax_rate=D("0.2"))

    rows = rows_of(an_order(line, refunds=refunds, taxes_included=True), LONDON)

    assert [row.measures.gross_reversals for row in rows[2:]] == [D("8.34"), D("8.33"), D("8.33")]
    assert total(row.measures for row in rows).total_sales == 0


def test_a_refund_without_lines_is_a_reversal_of_sales() -> None:
    given_back = a_refund(adjustment=Reversal(amount=D(-20), tax=D(-4)))

    sums = totals(an_order(a_line(price=D(50), tax=D(10)), refunds=(given_back,)))

    assert (sums.sales_reversals, sums.net_sales, sums.taxes) == (D(20), D(30), D(6))


def test_money_kept_back_from_a_refund_stays_in_net_sales() -> None:
    refund = a_refund(
        RefundLine(refund_line_id=1, line_id=1, quantity=1, subtotal=D(30)),
        adjustment=Reversal(amount=D(10)),
    )

    sums = totals(an_order(a_line(price=D(30), current_quantity=0), refunds=(refund,)))

    assert (sums.sales_reversals, sums.net_sales) == (D(20), D(10))


def test_refunded_shipping_and_duties_leave_their_own_measures() -> None:
    refund = a_refund(shipping=Reversal(amount=D(5), tax=D(1)), duties=D(3))
    order = an_order(
        a_line(duty=D(3)), shipping=(Shipping(charged=D(5), tax=D(1)),), refunds=(refund,)
    )

    sums = totals(order)

    assert (sums.shipping, sums.duties, sums.taxes, sums.net_sales) == (D(0), D(0), D(0), D(10))


def test_a_gift_card_is_a_liability_and_not_a_sale() -> None:
    order = an_order(a_line(1, price=D(50), gift_card=True), a_line(2, price=D(10)))

    sums = totals(order)

    assert (sums.gift_card_sales, sums.gross_sales, sums.units) == (D(50), D(10), 1)


def test_an_edit_that_takes_units_off_reverses_their_share_on_the_order_day() -> None:
    order = an_order(a_line(quantity=3, current_quantity=2, price=D(10), discount=D("1.00")))

    rows = rows_of(order, LONDON)

    assert rows[-1].kind == "removal"
    assert rows[-1].event_day == date(2026, 3, 10)
    assert rows[-1].measures == Measures(
        units=-1, gross_reversals=D(10), discount_reversals=D("0.33")
    )


@pytest.mark.parametrize(("included", "duty"), [(False, D("3.34")), (True, D("3.33"))])
def test_an_edit_takes_the_duties_of_its_units_whichever_refund_came_too(
    included: bool, duty: Decimal
) -> None:
    refund = a_refund(RefundLine(refund_line_id=1, line_id=1, quantity=1, subtotal=D(10)))
    line = a_line(quantity=3, current_quantity=1, duty=D(10))

    rows = rows_of(an_order(line, refunds=(refund,), duties_included=included), LONDON)

    assert [(row.kind, row.measures.duties) for row in rows][2:] == [
        ("refund", D(0)), ("removal", -duty),
    ]  # fmt: skip


def test_units_that_a_refund_took_off_are_not_taken_off_again() -> None:
    refund = a_refund(RefundLine(refund_line_id=1, line_id=1, quantity=2, subtotal=D(20)))
    order = an_order(a_line(quantity=3, current_quantity=1), refunds=(refund,))

    assert [row.kind for row in rows_of(order, LONDON)] == ["order", "sale", "refund"]


def test_a_cancelled_order_nets_to_zero_on_the_day_it_was_cancelled() -> None:
    order = an_order(
        a_line(price=D(30), tax=D(6), duty=D(2)),
        shipping=(Shipping(charged=D(5), tax=D(1)),),
        total_tip=D(1),
        cancelled_at=MARCH + timedelta(days=2),
    )

    days = by_day(rows_of(order, LONDON), "event")

    assert days[date(2026, 3, 10)].total_sales == D(44)
    assert days[date(2026, 3, 12)].total_sales == D(-44)
    assert totals(order).orders == 1


def test_a_cancelled_order_that_was_refunded_in_full_is_reversed_once() -> None:
    refund = a_refund(
        RefundLine(refund_line_id=1, line_id=1, quantity=1, subtotal=D(30), tax=D(6)), days=2
    )
    order = an_order(
        a_line(price=D(30), tax=D(6), current_quantity=0),
        refunds=(refund,),
        cancelled_at=MARCH + timedelta(days=2),
    )

    assert [row.kind for row in rows_of(order, LONDON)] == ["order", "sale", "refund"]
    assert totals(order).total_sales == 0


@pytest.mark.parametrize("left_out", [{"test": True}, {"deleted": True}])
def test_a_test_order_and_a_deleted_one_contribute_nothing(left_out: dict[str, bool]) -> None:
    assert rows_of(an_order(**left_out), LONDON) == []


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        (datetime(2026, 6, 30, 22, 59, tzinfo=UTC), LONDON, date(2026, 6, 30)),
        (datetime(2026, 6, 30, 23, 0, tzinfo=UTC), LONDON, date(2026, 7, 1)),
        (datetime(2026, 3, 8, 4, 59, tzinfo=UTC), NEW_YORK, date(2026, 3, 7)),
        (datetime(2026, 3, 9, 3, 59, tzinfo=UTC), NEW_YORK, date(2026, 3, 8)),
        (datetime(2026, 3, 9, 4, 0, tzinfo=UTC), NEW_YORK, date(2026, 3, 9)),
    ],
)
def test_a_day_is_the_shops_day_also_when_clocks_change(
    moment: datetime, zone: ZoneInfo, day: date
) -> None:
    rows = rows_of(an_order(processed_at=moment), zone)

    assert {row.event_day for row in rows} == {row.order_day for row in rows} == {day}


@given(histories(), ZONES)
def test_both_bases_tell_the_same_over_all_time(order: OrderSnapshot, zone: str) -> None:
    rows = rows_of(order, ZoneInfo(zone))

    event, order_days = by_day(rows, "event"), by_day(rows, "order")

    assert total(event.values()) == total(order_days.values())
    assert len(order_days) <= 1
    assert len({row.ckey for row in rows}) == len(rows)


@given(histories())
def test_what_remains_is_what_the_customer_still_pays(order: OrderSnapshot) -> None:
    order = replace(order, test=False, deleted=False, cancelled_at=None, agreements=())
    sums = totals(order)
    whole = totals(replace(order, refunds=(), lines=_untouched(order)))
    given_back = [
        part
        for refund in order.refunds
        for part in (
            *(one.subtotal + _outside(order, one.tax) for one in refund.lines),
            refund.shipping.amount + _outside(order, refund.shipping.tax),
            -(refund.adjustment.amount + refund.adjustment.tax),
        )
    ]
    removed = total(row.measures for row in rows_of(order, LONDON) if row.kind == "removal")

    assert sums.total_sales + sums.gift_card_sales == (
        whole.total_sales
        + whole.gift_card_sales
        - sum(given_back, D(0))
        + removed.total_sales
        + removed.gift_card_sales
    )


@given(histories())
def test_the_sale_itself_is_what_the_order_charged(order: OrderSnapshot) -> None:
    order = replace(
        order, test=False, deleted=False, cancelled_at=None, refunds=(), lines=_untouched(order)
    )
    charged = sum(
        (x.price * x.quantity - x.discount + x.duty + _outside(order, x.tax) for x in order.lines),
        D(0),
    ) + sum((one.charged + _outside(order, one.tax) for one in order.shipping), D(0))
    sums = totals(order)

    assert sums.total_sales + sums.gift_card_sales == charged


@given(histories())
def test_a_cancelled_order_nets_to_zero_whatever_happened_before(order: OrderSnapshot) -> None:
    sums = totals(replace(order, cancelled_at=MARCH, test=False, deleted=False))

    assert (sums.net_sales, sums.total_sales, sums.units) == (0, 0, 0)
    assert sums == Measures(
        orders=1,
        gross_sales=sums.gross_sales,
        discounts=sums.discounts,
        gross_reversals=sums.gross_sales,
        discount_reversals=sums.discounts,
    )


@given(histories())
def test_an_order_whose_units_are_all_gone_keeps_no_net_sales_of_them(order: OrderSnapshot) -> None:
    order = replace(
        order,
        test=False,
        deleted=False,
        cancelled_at=None,
        lines=tuple(replace(line, current_quantity=0) for line in order.lines),
    )
    sums = totals(order)

    assert sums.units == 0
    assert (sums.gross_reversals, sums.discount_reversals) == (sums.gross_sales, sums.discounts)


def _untouched(order: OrderSnapshot) -> tuple[object, ...]:
    return tuple(replace(line, current_quantity=line.quantity) for line in order.lines)


def _outside(order: OrderSnapshot, tax: Decimal) -> Decimal:
    return D(0) if order.taxes_included else tax
