"""A customer is new once, on the day of its first order, whichever order arrives first."""

from __future__ import annotations

import itertools
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.analytics.domain.orders import OrderSnapshot
from services.analytics.drain import drain
from services.analytics.verify import unbalanced_buckets, verify_shop
from shared.postgres import Pool
from tests.integration.analytics.orders import Shop
from tests.unit.analytics.orders import MARCH, an_order

Rest = Callable[[], Awaitable[None]]
Check = Callable[[Shop], Awaitable[None]]


def placed(
    order_id: int, day: int, customer_id: int | None = 1, **changes: object
) -> OrderSnapshot:
    """An order of March *day*."""
    at = MARCH + timedelta(days=day - MARCH.day)
    return an_order(order_id=order_id, processed_at=at, customer_id=customer_id, **changes)


@pytest.mark.parametrize("days", [*itertools.permutations((10, 11, 12))])
async def test_the_first_order_makes_new_and_the_others_returning(
    shop: Shop, at_rest: Rest, proven: Check, days: tuple[int, ...]
) -> None:
    for day in days:
        await shop.put(placed(day, day))
        await at_rest()

    for basis in ("event", "order"):
        assert await shop.customers(basis) == [(10, 1, 0), (11, 0, 1), (12, 0, 1)]
    await proven(shop)


async def test_an_older_order_that_arrives_late_takes_the_first_from_a_newer_one(
    shop: Shop, at_rest: Rest, proven: Check
) -> None:
    await shop.put(placed(1, 12))
    await at_rest()
    before = await shop.customers()

    await shop.put(placed(2, 11))
    await at_rest()

    assert (before, await shop.customers()) == ([(12, 1, 0)], [(11, 1, 0), (12, 0, 1)])
    await proven(shop)


async def test_two_orders_on_one_day_make_a_customer_new_and_returning_once(
    shop: Shop, at_rest: Rest, proven: Check
) -> None:
    for order_id in (1, 2, 3):
        await shop.put(placed(order_id, 10))

    await at_rest()

    assert await shop.customers() == [(10, 1, 1)]
    await proven(shop)


@pytest.mark.parametrize("left_out", [{"deleted": True}, {"test": True}, {"customer_id": None}])
async def test_a_first_order_that_counts_no_more_leaves_it_to_the_second(
    shop: Shop, at_rest: Rest, proven: Check, left_out: dict[str, object]
) -> None:
    await shop.put(placed(1, 10))
    await shop.put(placed(2, 12))
    await at_rest()

    await shop.put(placed(1, 10, **left_out))
    await at_rest()

    assert await shop.customers() == [(12, 1, 0)]
    await proven(shop)


async def test_a_first_order_that_vanishes_leaves_it_to_the_second(
    shop: Shop, at_rest: Rest, proven: Check
) -> None:
    await shop.put(placed(1, 10))
    await shop.put(placed(2, 12))
    await at_rest()

    await shop.remove(1)
    await shop.mark(1)
    await at_rest()

    assert await shop.customers() == [(12, 1, 0)]
    await proven(shop)


async def test_a_cancelled_first_order_remains_the_first(
    shop: Shop, at_rest: Rest, proven: Check
) -> None:
    await shop.put(placed(2, 12))
    await shop.put(placed(1, 10, cancelled_at=MARCH + timedelta(days=1)))

    await at_rest()

    assert await shop.customers() == [(10, 1, 0), (12, 0, 1)]
    await proven(shop)


async def test_guests_are_neither_new_nor_returning(shop: Shop, at_rest: Rest) -> None:
    await shop.put(placed(1, 10, customer_id=None))
    await shop.put(placed(2, 11, customer_id=None))

    await at_rest()

    assert await shop.customers() == []
    assert [one["orders"] for one in await shop.days()] == [1, 1]


async def test_merged_customers_are_one_also_before_their_orders_say_so(
    shop: Shop, at_rest: Rest, proven: Check
) -> None:
    for order_id, day in ((1, 10), (2, 11), (3, 12)):
        await shop.put(placed(order_id, day, customer_id=order_id))
    await at_rest()
    apart = await shop.customers()

    await shop.merge(gone=1, kept=2)
    await at_rest()
    once = await shop.customers()
    await shop.merge(gone=2, kept=3)
    await at_rest()

    assert apart == [(10, 1, 0), (11, 1, 0), (12, 1, 0)]
    assert once == [(10, 1, 0), (11, 0, 1), (12, 1, 0)]
    assert await shop.customers() == [(10, 1, 0), (11, 0, 1), (12, 0, 1)]
    await proven(shop)


async def test_a_shop_that_moves_counts_its_customers_on_the_new_days(
    shop: Shop, at_rest: Rest, proven: Check
) -> None:
    await shop.put(placed(1, 10))
    await shop.put(placed(2, 12))
    await at_rest()

    await shop.move_to("Pacific/Auckland")
    await at_rest()

    assert await shop.customers() == [(11, 1, 0), (13, 0, 1)]
    await proven(shop)


async def test_new_rules_count_every_order_anew(shop: Shop, at_rest: Rest, proven: Check) -> None:
    """As after the release that began to count customers."""
    await shop.put(placed(1, 10))
    await at_rest()
    await shop.db.execute("DELETE FROM analytics.customer_orders")
    await shop.db.execute("UPDATE analytics.daily_sales SET new_customers = 0")
    await shop.db.execute("UPDATE analytics.shops SET rules = 1")

    await at_rest()

    assert await shop.customers() == [(10, 1, 0)]
    await proven(shop)


DAMAGES = {
    "a customer too many": "UPDATE analytics.daily_sales SET new_customers = 2"
    " WHERE basis = 'event'",
    "nobody came back": "UPDATE analytics.daily_sales SET returning_customers = 0",
    "another customer": "UPDATE analytics.customer_orders SET customer_id = 9 WHERE order_id = 1",
    "a lost order": "DELETE FROM analytics.customer_orders WHERE order_id = 1",
    "an unmarked change": "UPDATE commerce.orders SET customer_id = 9 WHERE order_id = 1",
    "an unmarked merge": "INSERT INTO commerce.customer_merges SELECT tenant_id, shop_id, 1, 9,"
    " now() FROM commerce.shops",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_a_wrong_customer_is_found_and_repaired(
    shop: Shop, pool: Pool, at_rest: Rest, damage: str
) -> None:
    await shop.put(placed(1, 10))
    await shop.put(placed(2, 12))
    await at_rest()
    await shop.db.execute(damage)

    async with pool.acquire() as conn:
        found = await verify_shop(conn, shop.key)
        repaired = await verify_shop(conn, shop.key, repair=True)
        after = await verify_shop(conn, shop.key)
        balanced = await unbalanced_buckets(conn, shop.key) == []

    assert found.differences > 0
    assert (repaired.repaired, after.differences, balanced) == (True, 0, True)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(chance=st.randoms(use_true_random=False))
async def test_any_history_of_orders_and_merges_ends_where_a_recompute_does(
    shop: Shop, pool: Pool, proven: Check, chance: random.Random
) -> None:
    for table in ("orders", "order_lines", "customer_merges"):
        await shop.db.execute(f"DELETE FROM commerce.{table}")
    for table in ("contributions", "daily_sales", "customer_orders", "order_marks"):
        await shop.db.execute(f"DELETE FROM analytics.{table}")
    merged: set[int] = set()
    for _ in range(chance.randint(5, 25)):
        gone, kept = chance.sample(range(1, 6), 2)
        if chance.random() < 0.15 and gone not in merged:
            merged.add(gone)
            await shop.merge(gone, kept)
        elif chance.random() < 0.15:
            order_id = chance.randint(1, 12)
            await shop.remove(order_id)
            await shop.mark(order_id)
        else:
            order = placed(chance.randint(1, 12), chance.randint(8, 13), gone)
            await shop.put(order)
        if chance.random() < 0.4:
            await drain(pool, batch_max=chance.randint(1, 4))

    await proven(shop)
