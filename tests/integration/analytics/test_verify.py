"""The oracle finds what is wrong, says where, and can put it right."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from services.analytics.command import verify_with
from services.analytics.verify import unbalanced_buckets, verify_all, verify_shop
from shared.errors import NotFound
from shared.postgres import Pool
from tests.integration.analytics.orders import Shop
from tests.unit.analytics.orders import a_line, an_order

Rest = Callable[[], Awaitable[None]]

_SUMS = (
    "currency, orders, units, gross_sales, discounts, gross_reversals, discount_reversals,"
    " adjustments, shipping, taxes, duties, additional_fees, tips, gift_card_sales, n, checksum"
)
DAMAGES = {
    "a cent in the rollup": "UPDATE analytics.daily_sales SET taxes = taxes + 0.01"
    " WHERE basis = 'event'",
    "a cent in the ledger": "UPDATE analytics.contributions SET gross_sales = gross_sales + 0.01"
    " WHERE ckey = 'l:1'",
    "a checksum": "UPDATE analytics.daily_sales SET checksum = checksum + 1 WHERE basis = 'order'",
    "a lost bucket": "DELETE FROM analytics.daily_sales WHERE basis = 'order'",
    "a bucket too many": "INSERT INTO analytics.daily_sales (tenant_id, shop_id, basis, day,"
    f" {_SUMS}) SELECT tenant_id, shop_id, basis, day + 1, {_SUMS} FROM analytics.daily_sales",
    "a lost contribution": "DELETE FROM analytics.contributions WHERE ckey = 'l:1'",
    "a contribution of no order": "UPDATE analytics.contributions SET order_id = 77"
    " WHERE ckey = 'l:1'",
    "an unmarked change": "UPDATE commerce.order_lines SET price = 11",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_a_difference_is_found_and_repaired(
    shop: Shop, pool: Pool, at_rest: Rest, damage: str
) -> None:
    await shop.put(an_order(a_line(price=Decimal(10), tax=Decimal(2))))
    await at_rest()
    await shop.db.execute(damage)

    async with pool.acquire() as conn:
        found = await verify_shop(conn, shop.key)
        repaired = await verify_shop(conn, shop.key, repair=True)
        after = await verify_shop(conn, shop.key)
        balanced = await unbalanced_buckets(conn, shop.key) == []

    assert found.differences > 0
    assert len(found.sample) == found.differences
    assert (repaired.repaired, after.differences, balanced) == (True, 0, True)
    runs = await shop.db.fetch(
        "SELECT differences > 0, repaired FROM analytics.reconciliations ORDER BY finished_at"
    )
    assert [tuple(one) for one in runs] == [(True, False), (True, True), (False, False)]


async def test_the_ledger_proves_the_rollup_without_commerce(
    shop: Shop, pool: Pool, at_rest: Rest
) -> None:
    await shop.put(an_order())
    await at_rest()
    await shop.db.execute(DAMAGES["a cent in the rollup"])

    async with pool.acquire() as conn:
        assert await unbalanced_buckets(conn, shop.key) == ["event day 2026-03-10 GBP"]


async def test_an_order_that_cannot_be_read_is_a_difference(
    shop: Shop, pool: Pool, at_rest: Rest
) -> None:
    await shop.put(an_order())
    await shop.db.execute("UPDATE commerce.orders SET shipping_lines = '[{}]'")
    await at_rest()

    (verdict,) = await verify_all(pool)

    assert verdict.differences == 1
    assert verdict.sample[0].startswith("order 1: a stored part of the order cannot be read")


async def test_an_unknown_shop_is_not_found(pool: Pool) -> None:
    with pytest.raises(NotFound):
        await verify_all(pool, shop_id=404)


@pytest.mark.parametrize(
    ("damage", "arguments", "code", "says"),
    [
        ("SELECT", [], 0, "shop 1: equal; 1 orders, 2 contributions, 0 differences"),
        (DAMAGES["a lost bucket"], ["--shop", "1"], 1, "rollup has none, recomputed {"),
        (DAMAGES["a lost bucket"], ["--repair"], 0, "shop 1: repaired"),
        ("SELECT", ["--shop", "404"], 2, ""),
    ],
)
async def test_the_command_tells_by_text_and_exit_code(
    dsn: str, shop: Shop, damage: str, arguments: list[str], code: int, says: str
) -> None:
    await shop.put(an_order())
    await verify_with(dsn, shop_id=None, repair=False)
    await shop.db.execute(damage)

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.analytics",
        "verify",
        *arguments,
        env={**os.environ, "DATABASE_URL": dsn},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    told, _ = await process.communicate()

    assert process.returncode == code
    assert says in told.decode()
