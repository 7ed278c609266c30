"""Every order's sums are right to the minor unit, in both currencies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.simulator.worlds import AS_OF, a_platform, a_world
from tests.simulator import actions, ledger
from tests.simulator.agreements import agreements_of
from tests.simulator.money import Bag, allocate, minus, plain, plus, share, times, total, trimmed

SHOPS = [
    {},
    {"currency": "GBP", "timezone": "Europe/London", "taxes_included": True},
    {"currency": "JPY", "timezone": "Asia/Tokyo", "taxes_included": True},
    {"currency": "EUR", "timezone": "Europe/Berlin", "seed": 11},
]


def _check(order):
    totals, money = order.totals, order.currencies
    gross = total((times(x.price, x.quantity) for x in order.lines), money)
    off_lines = total((a.amount for x in order.lines for a in x.allocations), money)
    off_shipping = total((a.amount for x in order.shipping for a in x.allocations), money)
    tax = total((t.price for x in [*order.lines, *order.shipping] for t in x.taxes), money)
    shipping = total(
        (minus(x.price, *(a.amount for a in x.allocations)) for x in order.shipping), money
    )
    exclusive = Bag(0, 0, money) if order.taxes_included else tax
    assert totals.subtotal == minus(gross, off_lines)
    assert totals.discounts == plus(off_lines, off_shipping)
    assert totals.tax == tax == total((t.price for t in order.taxes), money)
    assert totals.shipping == shipping
    assert totals.total == plus(totals.subtotal, shipping, exclusive, totals.duties, order.tip)


def _check_refunds(order):
    totals, money = order.totals, order.currencies
    lines = [x for refund in order.refunds for x in refund.lines]
    gone = total((x.subtotal for x in lines), money)
    if not order.edited:
        assert totals.current_subtotal == minus(totals.subtotal, gone)
        for line in order.lines:
            back = sum(x.quantity for x in lines if x.line_id == line.id)
            assert line.current_quantity == line.quantity - back
    refunded = total((t.amount for r in order.refunds for t in r.transactions), money)
    assert totals.refunded == refunded
    assert min(x.current_quantity for x in order.lines) >= 0


@pytest.mark.parametrize("changes", SHOPS, ids=lambda changes: changes.get("currency", "USD"))
def test_every_seeded_order_adds_up(changes):
    world = a_world(orders=150, **changes)

    for order in world.orders:
        _check(order)
        _check_refunds(order)


def test_seeded_orders_show_every_case_a_sync_must_know():
    orders = list(a_world(orders=1500, products=40).orders)

    assert any(o.currencies[0] != o.currencies[1] for o in orders)
    assert any(o.customer_id is None for o in orders)
    assert any(o.processed < o.created for o in orders)
    assert any(o.test for o in orders)
    assert any(o.has_duties for o in orders)
    assert any(o.tip.shop for o in orders)
    assert any(o.edited for o in orders)
    assert any(line.gift_card for o in orders for line in o.lines)
    assert any(r.adjustments and not r.lines for o in orders for r in o.refunds)
    assert any(r.shipping for o in orders for r in o.refunds)
    statuses = {ledger.financial_status(o) for o in orders}
    assert statuses >= {"PAID", "PENDING", "AUTHORIZED", "REFUNDED", "PARTIALLY_REFUNDED"}


def test_the_cheap_plan_tells_the_same_times_as_the_order_itself():
    world = a_world(orders=150)

    for n in range(150):
        plan, order = world.book.plan(n), world.book.order(n)
        assert (plan.created, plan.updated, plan.processed) == (
            order.created, order.updated, order.processed,
        )  # fmt: skip


def test_the_same_seed_makes_the_same_shop_and_another_seed_another():
    first, again = a_world(orders=40), a_world.__wrapped__(orders=40)
    other = a_world(orders=40, seed=8)

    assert list(first.orders) == list(again.orders)
    assert list(first.products) == list(again.products)
    assert list(first.orders) != list(other.orders)


NAMES = ("refund_order", "edit_order", "cancel_order", "fulfill_order", "pay_order")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 2**32)), max_size=40))
def test_orders_add_up_whatever_happens_to_them(steps):
    _, store = a_platform(orders=6, products=4, customers=3)

    for name, seed in steps:
        try:
            actions.act(store, name, {}, seed=seed, at=AS_OF + 60)
        except actions.Impossible:
            continue

    for order in store.world.orders:
        _check(order)
        _check_refunds(order)


def test_edits_take_the_duties_of_their_units_and_a_last_refund_the_others():
    _, store = a_platform(orders=300, products=10, customers=10)
    order = next(x for x in store.world.orders if x.has_duties and not x.lines[0].fulfilled)
    line, does = order.lines[0], store.world.historian
    line.duties[0].price = Bag(1002, 1002, order.currencies)
    assert line.quantity == 5

    does.edit(order, at=AS_OF + 1, removed=line)
    does.refund(order, [(line, 1)], at=AS_OF + 2)
    kept = order.totals.current_duties.shop
    does.edit(order, at=AS_OF + 3, removed=line)

    assert (kept, order.totals.current_duties.shop) == (801, 600)
    does.refund(order, [(line, line.current_quantity)], at=AS_OF + 4)
    sold = [x for made in agreements_of(order, store.world.ids) for x in made.sales]
    assert sum(x.total.shop for x in sold if x.line_type == "DUTY") == 0
    left = plus(order.totals.current_total, order.totals.discrepancy)
    assert total((x.total for x in sold), order.currencies) == left


def test_every_level_on_hand_is_the_sum_of_its_parts():
    for item in a_world().items:
        for level in item.levels.values():
            parts = ("available", "committed", "reserved", "damaged", "quality_control",
                     "safety_stock")  # fmt: skip
            assert level.quantity("on_hand") == sum(level.quantity(name) for name in parts)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_an_allocation_is_whole_and_gives_the_remainder_to_the_first(amount, weights):
    parts = allocate(amount, weights)

    whole = sum(weights)
    assert sum(parts) == (amount if whole else 0)
    extras = [part - amount * w // whole for part, w in zip(parts, weights, strict=True) if w]
    assert extras == sorted(extras, reverse=True)


@given(st.integers(0, 10**7), st.integers(1, 50), st.data())
def test_parts_of_a_line_add_up_however_they_are_returned(amount, quantity, data):
    steps, left = [], quantity
    while left:
        steps.append(data.draw(st.integers(1, left)))
        left -= steps[-1]
    whole, done = Bag(amount, amount // 2, ("USD", "EUR")), 0

    parts = []
    for step in steps:
        parts.append(share(whole, quantity, done=done, taken=step))
        done += step

    assert total(parts, whole.currencies) == whole


def test_the_first_units_of_a_line_carry_its_odd_minor_units():
    whole = Bag(1001, 5, ("USD", "EUR"))

    parts = [share(whole, 3, done=n, taken=1)[:2] for n in range(3)]

    assert parts == [(334, 2), (334, 2), (333, 1)]


@pytest.mark.parametrize(
    ("minor", "currency", "rest", "graphql"),
    [
        (1350, "USD", "13.50", "13.5"),
        (900, "USD", "9.00", "9.0"),
        (-5, "EUR", "-0.05", "-0.05"),
        (1350, "JPY", "1350", "1350.0"),
        (1234, "KWD", "1.234", "1.234"),
        (0, "GBP", "0.00", "0.0"),
    ],
)
def test_rest_keeps_the_decimals_that_graphql_trims(minor, currency, rest, graphql):
    assert (plain(minor, currency), trimmed(minor, currency)) == (rest, graphql)
