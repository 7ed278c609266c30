"""Marks become numbers, once, whatever comes twice, late or together."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.analytics import store
from services.analytics.app import ROLE
from services.analytics.domain.contributions import MEASURES, Measures, total
from services.analytics.domain.orders import OrderSnapshot, RefundLine
from services.analytics.drain import drain, drain_shop
from services.analytics.shop import ShopKey
from services.analytics.verify import verify_all
from shared.errors import Unavailable
from shared.postgres import Pool
from tests.integration.analytics.orders import Shop, a_key
from tests.unit.analytics.orders import (
    LONDON,
    MARCH,
    a_line,
    a_refund,
    an_order,
    histories,
    rows_of,
)

D = Decimal
Rest = Callable[[], Awaitable[None]]
Check = Callable[[Shop], Awaitable[None]]
COLUMNS = (*MEASURES, "sales_reversals", "net_sales", "total_sales")


async def test_a_marked_order_is_in_the_days_sales(shop: Shop, at_rest: Rest) -> None:
    await shop.put(an_order(a_line(quantity=2, price=D("7.50"), discount=D(1), tax=D("2.80"))))

    await at_rest()

    (day,) = await shop.days()
    assert (day["day"], day["currency"], day["orders"], day["units"]) == (
        date(2026, 3, 10),
        "GBP",
        1,
        2,
    )
    assert (day["net_sales"], day["total_sales"]) == (D(14), D("16.80"))
    assert await shop.db.fetchval("SELECT count(*) FROM analytics.order_marks") == 0


async def test_an_edited_order_moves_money_instead_of_adding_it(
    shop: Shop, at_rest: Rest, proven: Check
) -> None:
    await shop.put(an_order(a_line(price=D(10))))
    await at_rest()
    await shop.put(an_order(a_line(price=D(25)), processed_at=MARCH + timedelta(days=1)))

    await at_rest()

    (day,) = await shop.days()
    assert (day["day"], day["orders"], day["gross_sales"]) == (date(2026, 3, 11), 1, D(25))
    await proven(shop)


async def test_an_order_refunded_twice_loses_each_refund_once(
    shop: Shop, at_rest: Rest, proven: Check
) -> None:
    line = a_line(quantity=3, price=D(10))
    first = a_refund(RefundLine(refund_line_id=1, line_id=1, quantity=1, subtotal=D(10)), days=1)
    second = a_refund(
        RefundLine(refund_line_id=2, line_id=1, quantity=1, subtotal=D(10)), days=2, refund_id=2
    )
    await shop.put(an_order(line))
    await at_rest()
    await shop.put(an_order(replace(line, current_quantity=2), refunds=(first,)))
    await at_rest()
    await shop.put(an_order(replace(line, current_quantity=1), refunds=(first, second)))
    await at_rest()

    assert [(one["day"].day, one["net_sales"]) for one in await shop.days()] == [
        (10, D(30)),
        (11, D(-10)),
        (12, D(-10)),
    ]
    assert [one["net_sales"] for one in await shop.days("order")] == [D(10)]
    await proven(shop)


async def test_two_fulfillments_do_not_double_units(shop: Shop, at_rest: Rest) -> None:
    await shop.put(an_order(a_line(1, quantity=2), a_line(2, quantity=3)))
    for number in (1, 2):
        await shop.db.execute(
            "INSERT INTO commerce.fulfillments VALUES"
            " ($1, $2, 1, $3, '#1.1', 'success', NULL, 5, '[]', now(), now())",
            *shop.ids,
            number,
        )

    await at_rest()

    assert [(one["orders"], one["units"]) for one in await shop.days()] == [(1, 5)]


async def test_a_deleted_order_leaves_no_trace_in_the_numbers(
    shop: Shop, at_rest: Rest, proven: Check
) -> None:
    for order_id in (1, 2):
        await shop.put(an_order(order_id=order_id))
    await at_rest()

    await shop.put(an_order(order_id=1, deleted=True))
    await shop.remove(2)
    await shop.mark(2)
    await at_rest()

    assert await shop.everything() == ([], [])
    await proven(shop)


async def test_an_unchanged_order_rewrites_nothing(shop: Shop, at_rest: Rest) -> None:
    await shop.put(an_order())
    await at_rest()
    where = "SELECT xmin, ctid FROM analytics.contributions"
    before = await shop.db.fetch(where)

    for _ in range(3):
        await shop.mark(1)
    await at_rest()

    assert await shop.db.fetch(where) == before


async def test_shops_and_tenants_do_not_mix(shop: Shop, at_rest: Rest, proven: Check) -> None:
    other = Shop(shop.db, a_key(shop_id=2))
    await shop.put(an_order(a_line(price=D(10))))
    await other.put(an_order(a_line(price=D(99))))

    await at_rest()

    assert [one["net_sales"] for one in await shop.days()] == [D(10)]
    assert [one["net_sales"] for one in await other.days()] == [D(99)]


async def test_a_tenant_sees_only_its_own_sales(shop: Shop, at_rest: Rest) -> None:
    await shop.put(an_order())
    await at_rest()

    for tenant, seen in ((shop.key.tenant_id, 2), (a_key().tenant_id, 0)):
        async with shop.db.transaction():
            await shop.db.execute("SET LOCAL ROLE tillstream_gateway")
            await shop.db.execute("SELECT set_config('app.tenant_id', $1, true)", tenant)
            assert await shop.db.fetchval("SELECT count(*) FROM analytics.daily_sales") == seen


async def test_an_unreadable_order_is_left_out_and_the_rest_is_counted(
    shop: Shop, at_rest: Rest
) -> None:
    await shop.put(an_order(order_id=1))
    await shop.put(an_order(order_id=2))
    await shop.db.execute("UPDATE commerce.orders SET shipping_lines = '[{}]' WHERE order_id = 1")

    await at_rest()

    assert [one["orders"] for one in await shop.days()] == [1]


async def test_an_order_too_large_for_the_ledger_is_refused_alone_and_keeps_its_numbers(
    shop: Shop, pool: Pool, at_rest: Rest
) -> None:
    for order_id in range(1, 9):
        await shop.put(an_order(a_line(price=D(10)), order_id=order_id))
    await at_rest()
    await shop.db.execute(
        "UPDATE commerce.order_lines SET price = 999999999999, quantity = 1000,"
        " current_quantity = 1000 WHERE order_id = 3"
    )
    for order_id in range(1, 8):
        await shop.mark(order_id)
    await shop.put(an_order(a_line(price=D(5)), order_id=8))

    await at_rest()

    assert [(one["orders"], one["gross_sales"]) for one in await shop.days()] == [(8, D(75))]
    assert await shop.db.fetchval("SELECT count(*) FROM analytics.order_marks") == 0
    (verdict,) = await verify_all(pool)
    assert [one for one in verdict.sample if one.startswith("order 3: refused by the database")]


async def test_a_day_beyond_the_calendar_refuses_its_order_alone(shop: Shop, at_rest: Rest) -> None:
    await shop.move_to("Asia/Tokyo")
    await shop.put(an_order(order_id=1))
    await shop.put(an_order(order_id=2, processed_at=datetime(9999, 12, 31, 23, tzinfo=UTC)))

    await at_rest()

    assert [one["orders"] for one in await shop.days()] == [1]


@pytest.mark.parametrize("held", [0, 1])
async def test_a_shop_that_cannot_be_drained_does_not_hold_up_another(
    shop: Shop, dsn: str, held: int
) -> None:
    shops = [shop, Shop(shop.db, ShopKey(shop.key.tenant_id, shop.key.shop_id + 1))]
    for one in shops:
        await one.put(an_order())
    impatient = {"role": ROLE, "lock_timeout": "200ms"}
    async with asyncpg.create_pool(dsn, min_size=1, server_settings=impatient) as pool:
        async with shop.db.transaction():
            await shop.db.execute(
                "SELECT FROM analytics.order_marks WHERE shop_id = $1 FOR UPDATE",
                shops[held].key.shop_id,
            )
            with pytest.raises(Unavailable):
                await drain(pool)

            assert (len(await shops[held].days()), len(await shops[1 - held].days())) == (0, 1)
        assert await drain(pool) == 1


async def test_a_shop_that_moves_to_another_time_zone_is_counted_again(
    shop: Shop, at_rest: Rest, proven: Check
) -> None:
    midnight = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
    for order_id in range(1, 6):
        await shop.put(an_order(order_id=order_id, processed_at=midnight))
    await at_rest()
    await shop.move_to("America/New_York")

    await at_rest()

    assert [(one["day"], one["orders"]) for one in await shop.days()] == [(date(2026, 6, 30), 5)]
    assert await shop.db.fetchval("SELECT timezone FROM analytics.shops") == "America/New_York"
    await proven(shop)


async def test_two_workers_on_one_shop_count_every_order_once(
    shop: Shop, pool: Pool, proven: Check
) -> None:
    await shop.put_many(an_order(order_id=number) for number in range(1, 121))
    for number in range(1, 121):
        await shop.mark(number)

    async def work() -> int:
        done = 0
        async with pool.acquire() as conn:
            while await store.marks_pending(conn):
                done += await drain_shop(conn, shop.key, batch_max=7)
        return done

    assert sum(await asyncio.gather(work(), work(), work())) == 240
    assert [one["orders"] for one in await shop.days()] == [120]
    await proven(shop)


async def test_numbers_follow_changes_that_arrive_while_draining(
    shop: Shop, pool: Pool, dsn: str, proven: Check
) -> None:
    chance = random.Random(5)
    stop = asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            await drain(pool, batch_max=3)
            await asyncio.sleep(0)

    workers = [asyncio.create_task(work()) for _ in range(2)]
    for _ in range(80):
        await shop.put(
            an_order(
                a_line(price=D(chance.randint(1, 90)), quantity=chance.randint(1, 4)),
                order_id=chance.randint(1, 9),
                processed_at=MARCH + timedelta(days=chance.randint(0, 3)),
            )
        )
    stop.set()
    await asyncio.gather(*workers)

    await proven(shop)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    steps=st.lists(st.integers(1, 3).flatmap(histories), min_size=1, max_size=6),
    places=st.randoms(use_true_random=False),
)
async def test_drained_step_by_step_in_any_order_equals_a_full_recompute(
    shop: Shop, pool: Pool, proven: Check, steps: list[OrderSnapshot], places: random.Random
) -> None:
    await _empty(shop.db)
    for step in steps:
        await shop.put(step)
        for _ in range(places.randint(0, 2)):
            await shop.mark(places.randint(1, 4))
        if places.random() < 0.6:
            await drain(pool, batch_max=places.randint(1, 3))
    while await drain(pool, batch_max=2):
        pass

    newest = list({step.order_id: step for step in steps}.values())
    await _assert_sums_of(shop, newest)
    await _assert_customers_of(shop, newest)
    await proven(shop)


async def _assert_customers_of(shop: Shop, orders: list[OrderSnapshot]) -> None:
    """Customer by customer, which no order of the database's could have taught."""
    new: Counter[tuple[date, str]] = Counter()
    returning: Counter[tuple[date, str]] = Counter()
    for customer_id in {one.customer_id for one in orders} - {None}:
        theirs = [
            (one.processed_at, one.order_id, one.currency)
            for one in orders
            if one.customer_id == customer_id and not one.test and not one.deleted
        ]
        days = [(at.astimezone(LONDON).date(), currency) for at, _, currency in sorted(theirs)]
        new.update(days[:1])
        returning.update(set(days[1:]))
    for basis in ("event", "order"):
        rows = [(one["day"], one["currency"], one) for one in await shop.days(basis)]
        assert {(d, c): one["new_customers"] for d, c, one in rows if one["new_customers"]} == new
        assert {
            (d, c): one["returning_customers"] for d, c, one in rows if one["returning_customers"]
        } == returning


async def _assert_sums_of(shop: Shop, orders: list[OrderSnapshot]) -> None:
    rows = [row for order in orders for row in rows_of(order, LONDON)]
    for basis in ("event", "order"):
        buckets: dict[tuple[date, str], list[Measures]] = {}
        for row in rows:
            buckets.setdefault((getattr(row, f"{basis}_day"), row.currency), []).append(
                row.measures
            )
        expected = [
            (*bucket, *(getattr(sums, name) for name in COLUMNS))
            for bucket, parts in sorted(buckets.items())
            for sums in [total(parts)]
        ]
        found = [
            (one["day"], one["currency"], *(one[name] for name in COLUMNS))
            for one in await shop.days(basis)
        ]
        assert found == expected


async def _empty(db: asyncpg.Connection) -> None:
    for table in (
        "commerce.orders",
        "commerce.order_lines",
        "commerce.refunds",
        "commerce.refund_lines",
        "analytics.order_marks",
        "analytics.contributions",
        "analytics.daily_sales",
        "commerce.order_details",
        "commerce.sales_agreements",
        "commerce.sales",
        "analytics.customer_orders",
        "analytics.ledger_gaps",
    ):
        await db.execute(f"DELETE FROM {table}")
