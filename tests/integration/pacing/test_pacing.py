"""One shop's points among several processes, against a Shopify that counts them."""

from __future__ import annotations

import asyncio
import json
import time

import asyncpg
import pytest
from structlog.testing import capture_logs

from shared.errors import Unavailable
from shared.postgres import close_pool, open_pool
from shared.shopify.pacing import Pacing
from tests.chaos_proxy import proxied
from tests.integration.pacing.asker import PAGE, SHOP, ask
from tests.integration.pacing.conftest import told

pytestmark = pytest.mark.timeout(120)


@pytest.mark.slow
async def test_three_processes_finish_under_fifty_points_a_second_and_none_is_refused(shop_of):
    async with shop_of("former") as shop:
        started = time.monotonic()
        askers = [await shop.asker(times=7, at_once=3) for _ in range(3)]
        answers = [await told(one) for one in askers]
        lasted = time.monotonic() - started
        requests, points = await shop.requests(), await shop.points()

    assert [one["asked"] for one in answers] == [21, 21, 21]
    assert requests.get("graphql throttled", 0) <= 1
    # More than the bucket held: they had to wait for what was restored.
    assert 1_100 < requests["graphql points"] <= 1_000 + lasted * 50
    assert points["points_available"] >= 0


@pytest.mark.slow
async def test_a_poll_uses_what_shopify_allows_while_it_waits(shop_of):
    async with shop_of("quick") as shop, shop.pacing() as pacing:
        client = shop.client(pacing)
        started = time.monotonic()
        deadline = started + 25
        while time.monotonic() < deadline:
            await ask(client, PAGE, 1, [], first=120)
        lasted = time.monotonic() - started
        requests = await shop.requests()

    available = 1_000 + 500 * lasted
    assert requests.get("graphql throttled", 0) <= 1
    assert requests["graphql points"] >= 0.95 * available


@pytest.mark.slow
async def test_somebody_who_waits_goes_before_background_work(shop_of):
    async with (
        shop_of("standard") as shop,
        shop.pacing() as pacing,
        shop.pacing("tillstream_gateway") as gateways,
    ):
        backfill = await shop.asker(times=12, at_once=6, first=250)
        while (await shop.points())["points_available"] > 400:
            await asyncio.sleep(0.05)
        waits, behind = [], []
        interactive = shop.client(gateways, priority="interactive")
        background = asyncio.create_task(ask(shop.client(pacing), PAGE, 1, behind, first=250))
        assert await ask(interactive, SHOP, 20, waits) == 0
        backfill.kill()
        await backfill.wait()
        await background
        requests = await shop.requests()

    assert len(waits) == 20
    assert max(waits) < 1.0
    assert max(waits) < behind[0]
    assert requests.get("graphql throttled", 0) <= 1


async def test_usage_is_counted_by_shop_and_day(shop_of, db: asyncpg.Connection):
    async with (
        shop_of("standard") as shop,
        shop.pacing() as pacing,
        shop.pacing("tillstream_gateway") as gateways,
    ):
        await ask(shop.client(pacing), PAGE, 3, [], first=10)
        await ask(shop.client(gateways, priority="interactive"), SHOP, 2, [])
        await shop.simulator.control("faults", {"admin": {"status": {"503": 1}}})
        with pytest.raises(Unavailable):
            await shop.client(pacing).execute(SHOP)
        await shop.simulator.control("faults", {"admin": {"throttle": 1}})
        assert await ask(shop.client(pacing), SHOP, 1, []) == 1
        used = (await shop.requests())["graphql points"]

    (row,) = await db.fetch("SELECT * FROM pacing.usage_daily")
    today = await db.fetchval("SELECT (now() AT TIME ZONE 'UTC')::date")
    assert (str(row["tenant_id"]), row["shop_id"], row["day"]) == (
        shop.owner.tenant_id, shop.owner.shop_id, today,
    )  # fmt: skip
    assert (row["requests"], row["interactive"], row["throttled"], row["errors"]) == (7, 2, 1, 1)
    assert row["points"] == used


async def test_processes_know_one_bucket(shop_of, db: asyncpg.Connection):
    async with shop_of("standard") as shop, shop.pacing() as one, shop.pacing() as other:
        await shop.client(one).execute(PAGE, {"first": 250})
        await shop.client(other).execute(SHOP)
        left = (await shop.points())["points_available"]
        row = await db.fetchrow(
            "SELECT level + 100 * extract(epoch FROM clock_timestamp() - seen_at) AS level,"
            " maximum, restore_rate, holds FROM pacing.buckets"
        )

    assert float(row["level"]) == pytest.approx(left, abs=30)
    assert (row["maximum"], row["restore_rate"]) == (2000, 100)
    assert json.loads(row["holds"]) == {}


@pytest.mark.parametrize("failure", ["refuse", "stall"])
async def test_without_postgres_a_process_goes_on_alone_and_comes_back(shop_of, db, dsn, failure):
    async with shop_of("standard") as shop, proxied(dsn, 5432) as proxy:
        pool = await open_pool(proxy.through(dsn), role="tillstream_syncer", max_size=2)
        client = shop.client(Pacing(pool))
        assert await ask(client, SHOP, 1, []) == 0
        await proxy.set(failure)
        with capture_logs() as logs:
            async with asyncio.timeout(30):
                assert await ask(client, SHOP, 3, []) == 0
        await proxy.set("ok")
        async with asyncio.timeout(30):
            while await db.fetchval("SELECT requests FROM pacing.usage_daily") < 5:
                assert await ask(client, SHOP, 1, []) == 0
                await asyncio.sleep(0.2)
        await close_pool(pool)

    lines = [line["event"] for line in logs]
    assert lines == ["points are not shared: Postgres is away"]


async def test_requests_per_second_are_capped_over_all_processes(shop_of):
    async with (
        shop_of("plus") as shop,
        shop.pacing(per_second=5.0) as one,
        shop.pacing(per_second=5.0) as other,
    ):
        started = time.monotonic()
        await asyncio.gather(*(ask(shop.client(each), SHOP, 10, []) for each in (one, other)))
        lasted = time.monotonic() - started

    # Four at once, the rest one by one.
    assert lasted >= 3.0


async def test_the_gateway_sees_the_points_and_usage_of_its_tenant_only(shop_of, db, dsn):
    async with shop_of("standard") as shop, shop.pacing() as pacing:
        await shop.client(pacing).execute(SHOP)
    conn = await asyncpg.connect(dsn, server_settings={"role": "tillstream_gateway"})

    for table in ("pacing.buckets", "pacing.usage_daily"):
        seen = f"SELECT count(*) FROM {table}"
        await conn.execute(
            "SELECT set_config('app.tenant_id', $1, false)", str(shop.owner.tenant_id)
        )
        assert await conn.fetchval(seen) == 1
        await conn.execute("SELECT set_config('app.tenant_id', gen_random_uuid()::text, false)")
        assert await conn.fetchval(seen) == 0
    await conn.close()
