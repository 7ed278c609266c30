"""Jobs in the table: claimed once, fenced, taken over, scheduled."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from services.syncer.context import Context
from services.syncer.domain.jobs import LeaseLost
from services.syncer.schedule import keep_time
from services.syncer.store import jobs, refetches
from shared.shopify.snapshots import Owner
from tests.integration.syncer.objects import TENANT
from tests.integration.syncer.shopify import ask_for, connect_store, new_keys
from tests.integration.syncer.test_deliveries import RecordingBus

HOURLY = dict.fromkeys(("products", "orders", "customers", "inventory", "shop"), 3600)


@pytest.fixture
async def owner(db) -> Owner:
    return await connect_store(db, "token", new_keys())


async def claim(pool):
    async with pool.acquire() as conn:
        return await jobs.claim(conn)


async def test_a_job_is_claimed_by_one_of_many(pool, db, owner):
    await ask_for(db, owner, "orders", "full")

    claimed = await asyncio.gather(*(claim(pool) for _ in range(4)))

    assert len([job for job in claimed if job]) == 1


async def test_a_kind_of_a_newer_release_is_left_to_it(pool, db, owner):
    await ask_for(db, owner, "of_tomorrow", "full")

    assert await claim(pool) is None


async def test_the_shop_comes_before_its_orders(pool, db, owner):
    await ask_for(db, owner, "orders", "full")
    await ask_for(db, owner, "shop", "full")

    assert [(await claim(pool)).kind, (await claim(pool)).kind] == ["shop", "orders"]


async def test_a_job_of_a_lost_store_waits(pool, db, owner):
    await ask_for(db, owner, "orders", "full")
    await db.execute("UPDATE accounts.stores SET status = 'reauth_required'")

    assert await claim(pool) is None


async def test_the_jobs_of_a_disconnected_store_end(pool, db, owner):
    for kind in ("shop", "orders"):
        await ask_for(db, owner, kind, "full")
    held = await claim(pool)
    statuses = "SELECT array_agg(status ORDER BY kind) FROM commerce.sync_jobs"

    async def cancel_left():
        async with pool.acquire() as conn:
            await jobs.cancel_left(conn)
        return await db.fetchval(statuses)

    assert await cancel_left() == ["queued", "running"]
    await db.execute("UPDATE accounts.stores SET status = 'disconnected'")
    assert await cancel_left() == ["cancelled", "running"]
    async with pool.acquire() as conn:
        await jobs.put_back(conn, held, seconds=60, error="store_not_active")
    assert await cancel_left() == ["cancelled", "cancelled"]
    assert await db.fetchval("SELECT bool_and(finished_at IS NOT NULL) FROM commerce.sync_jobs")


async def test_a_dead_owner_loses_its_job_and_cannot_touch_it_again(pool, db, owner):
    await ask_for(db, owner, "orders", "full")
    first = await claim(pool)
    await db.execute("UPDATE commerce.sync_jobs SET lease_until = now() - interval '1 second'")

    second = await claim(pool)

    assert (second.job_id, second.attempts) == (first.job_id, 1)
    async with pool.acquire() as conn:
        for late in (
            jobs.renew(conn, first),
            jobs.progress(conn, first, 5),
            jobs.finish(conn, first, error=None),
        ):
            with pytest.raises(LeaseLost):
                await late
        await jobs.progress(conn, second, 7)
    assert await db.fetchval("SELECT rows_done FROM commerce.sync_jobs") == 7


async def test_progress_forgives_earlier_failures(pool, db, owner):
    await ask_for(db, owner, "orders", "full")
    await db.execute("UPDATE commerce.sync_jobs SET attempts = 5")
    job = await claim(pool)

    async with pool.acquire() as conn:
        await jobs.progress(conn, job, 1)

    assert await db.fetchval("SELECT attempts FROM commerce.sync_jobs") == 0


async def test_a_job_that_got_on_before_it_failed_counts_from_nothing(pool, db, owner):
    await ask_for(db, owner, "orders", "full")
    await db.execute("UPDATE commerce.sync_jobs SET attempts = 11")
    job = await claim(pool)

    async with pool.acquire() as conn:
        await jobs.progress(conn, job, 1)
        assert await jobs.attempts(conn, job) == 0
        await jobs.put_back(conn, job, seconds=0, error="unavailable")

    assert await db.fetchval("SELECT attempts FROM commerce.sync_jobs") == 1


async def test_what_the_next_run_repeats_forgives_nothing(pool, db, owner):
    """Else a poll whose second page always fails would be tried every two seconds for ever."""
    await ask_for(db, owner, "orders", "incremental")
    await db.execute("UPDATE commerce.sync_jobs SET attempts = 5")
    job = await claim(pool)
    counted = []

    async with pool.acquire() as conn:
        await jobs.progress(conn, job, 50, forgives=False)
        counted.append(await jobs.attempts(conn, job))
        for place in (9, 9, 10):
            await jobs.remember_place(conn, job, job.started_at, place)
            counted.append(await jobs.attempts(conn, job))
            await db.execute("UPDATE commerce.sync_jobs SET attempts = attempts + 1")

    assert counted == [5, 0, 1, 0]


async def test_a_full_sync_leaves_room_for_polls(pool, db, owner):
    await ask_for(db, owner, "orders", "full")
    await ask_for(db, owner, "products", "incremental")

    async with pool.acquire() as conn:
        first = await jobs.claim(conn, may_be_full=False)
        assert (first.kind, first.mode) == ("products", "incremental")
        assert await jobs.claim(conn, may_be_full=False) is None


async def full_jobs(pool, db) -> list[str]:
    async with pool.acquire() as conn:
        await jobs.schedule_full(conn, list(HOURLY), 86400)
    found = await db.fetch(
        "SELECT kind FROM commerce.sync_jobs"
        " WHERE mode = 'full' AND status = 'queued' AND trigger = 'schedule' ORDER BY kind"
    )
    return [row["kind"] for row in found]


async def test_a_full_sync_is_repeated_after_a_day(pool, db, owner):
    await db.execute(
        "INSERT INTO commerce.sync_state (tenant_id, shop_id, kind, full_synced_at)"
        " SELECT $1, $2, k.kind, now() - k.age FROM (VALUES"
        " ('orders', interval '25 hours'), ('products', '23 hours'), ('shop', '9 days')"
        " ) AS k (kind, age)",
        TENANT,
        owner.shop_id,
    )

    assert [await full_jobs(pool, db) for _ in range(2)] == [["orders"], ["orders"]]


async def test_a_first_full_sync_that_failed_is_tried_again_an_hour_later(pool, db, owner):
    for kind in ("orders", "shop"):
        await ask_for(db, owner, kind, "full")
    await db.execute("UPDATE commerce.sync_jobs SET status = 'failed', finished_at = now()")
    assert await full_jobs(pool, db) == []

    await db.execute("UPDATE commerce.sync_jobs SET finished_at = now() - interval '61 minutes'")

    assert await full_jobs(pool, db) == ["orders", "shop"]


async def test_a_month_of_finished_polls_does_not_slow_the_clock(pool, db, owner):
    await shop_synced(db, owner)
    await db.execute(
        "INSERT INTO commerce.sync_jobs (tenant_id, shop_id, kind, mode, trigger, status,"
        " finished_at) SELECT $1, $2, 'orders', 'incremental', 'schedule', 'succeeded', now()"
        " FROM generate_series(1, 20000)",
        TENANT,
        owner.shop_id,
    )
    await db.execute("ANALYZE commerce.sync_jobs")
    explain = "EXPLAIN (ANALYZE, FORMAT JSON) " + jobs.SQL["schedule_full"]
    async with pool.acquire() as conn:
        plan = orjson.loads(await conn.fetchval(explain, 86400, list(HOURLY)))[0]["Plan"]

    assert most_rows(plan) < 200


async def schedule(pool, intervals=HOURLY) -> None:
    async with pool.acquire() as conn:
        await jobs.schedule(conn, intervals)


async def test_polls_are_scheduled_only_after_a_full_sync_and_only_once(pool, db, owner):
    await schedule(pool)
    assert await db.fetchval("SELECT count(*) FROM commerce.sync_jobs") == 0
    await db.execute(
        "INSERT INTO commerce.sync_state (tenant_id, shop_id, kind, full_synced_at)"
        " VALUES ($1, $2, 'orders', now() - interval '2 hours')",
        TENANT,
        owner.shop_id,
    )

    await asyncio.gather(*(schedule(pool) for _ in range(4)))

    found = await db.fetch("SELECT kind, mode, trigger FROM commerce.sync_jobs")
    assert [tuple(row) for row in found] == [("orders", "incremental", "schedule")]


async def test_a_store_may_have_an_interval_of_its_own(pool, db, owner):
    await db.execute(
        "INSERT INTO commerce.sync_state (tenant_id, shop_id, kind, full_synced_at)"
        " VALUES ($1, $2, 'orders', now() - interval '10 minutes')",
        TENANT,
        owner.shop_id,
    )
    await schedule(pool)
    assert await db.fetchval("SELECT count(*) FROM commerce.sync_jobs") == 0

    await db.execute("UPDATE accounts.stores SET sync_interval_orders = 300")
    await schedule(pool)

    assert await db.fetchval("SELECT count(*) FROM commerce.sync_jobs") == 1


async def test_a_cursor_never_moves_back(pool, db, owner):
    await ask_for(db, owner, "orders", "incremental")
    job = await claim(pool)
    async with pool.acquire() as conn:
        await jobs.move_cursor(conn, job, "orders", to=job.started_at, object_id=9)
        await jobs.move_cursor(conn, job, "orders", to=job.started_at.replace(year=2001))

        assert await jobs.cursor(conn, job, "orders") == (job.started_at, 9)


async def start_clock(pool, webhook_url: str) -> None:
    """Let a syncer's clock tick once; it calls no shop."""
    context = Context(pool=pool, bus=RecordingBus(), shops=None, webhook_url=webhook_url)
    stop = asyncio.Event()
    stop.set()
    await keep_time(context, stop, intervals=HOURLY, full_interval=86400)


ADDRESS = "https://till.example/api/v1/shopify/webhooks"


async def subscribe(db, owner: Owner, uri: str) -> None:
    await db.execute(
        "INSERT INTO commerce.webhook_subscriptions (tenant_id, shop_id, topic, gid, uri)"
        " VALUES ($1, $2, 'ORDERS_CREATE', 'gid://shopify/WebhookSubscription/1', $3)",
        owner.tenant_id,
        owner.shop_id,
        uri,
    )


async def shop_synced(db, owner: Owner) -> None:
    await db.execute(
        "INSERT INTO commerce.sync_state (tenant_id, shop_id, kind, full_synced_at, last_polled_at)"
        " VALUES ($1, $2, 'shop', now(), now())",
        owner.tenant_id,
        owner.shop_id,
    )


@pytest.mark.parametrize(
    ("held", "wanted", "kinds"),
    [
        (["https://old.example/hooks"], ADDRESS, ["shop"]),
        ([], ADDRESS, ["shop"]),
        ([ADDRESS], ADDRESS, []),
        (["https://old.example/hooks"], "", []),
    ],
)
async def test_a_syncer_that_starts_with_another_address_has_the_shops_told(
    pool, db, owner, held, wanted, kinds
):
    await shop_synced(db, owner)
    for uri in held:
        await subscribe(db, owner, uri)

    for _ in range(2):
        await start_clock(pool, wanted)

    found = await db.fetch("SELECT kind FROM commerce.sync_jobs WHERE status = 'queued'")
    assert [row["kind"] for row in found] == kinds


async def test_a_shop_whose_first_sync_is_to_come_is_told_by_it(pool, db, owner):
    await start_clock(pool, ADDRESS)

    assert await db.fetchval("SELECT count(*) FROM commerce.sync_jobs") == 0


async def test_live_changes_are_read_again_before_a_backfills_refunds(pool, db, owner):
    wishes = {**dict.fromkeys(range(1, 40), "refunds"), 77: "edited"}
    await ask(pool, owner, wishes)
    await db.execute("UPDATE commerce.refetches SET not_before = now() - interval '1 hour'"
                     " WHERE reason = 'refunds'")  # fmt: skip

    assert (await claimed_ids(pool))[:1] == [77]


async def test_one_shop_with_many_wishes_takes_every_free_turn(pool, db, owner):
    await ask(pool, owner, dict.fromkeys(range(1, 101), "refunds"))

    async with pool.acquire() as conn, conn.transaction():
        groups = await refetches.claim(conn, limits={"order": 8}, groups=3)

    assert [len(group.ids) for group in groups] == [8, 8, 8]
    assert len({number for group in groups for number in group.ids}) == 24


async def test_a_backfill_does_not_push_a_live_change_back(pool, db, owner):
    await ask(pool, owner, {5: "edited"})
    await ask(pool, owner, {5: "refunds"})
    assert await db.fetchval("SELECT reason FROM commerce.refetches") == "edited"

    await ask(pool, owner, {6: "refunds"})
    await ask(pool, owner, {6: "edited"})
    assert await db.fetchval("SELECT reason FROM commerce.refetches WHERE id = 6") == "edited"


async def test_claiming_among_many_wishes_reads_only_those_it_takes(pool, db, owner):
    await ask(pool, owner, dict.fromkeys(range(1, 3000), "refunds"))
    await db.execute("ANALYZE commerce.refetches")
    async with pool.acquire() as conn, conn.transaction():
        plan = await conn.fetchval(
            "EXPLAIN (FORMAT JSON) " + refetches.SQL["claim"], owner.tenant_id, owner.shop_id,
            "order", 8,
        )  # fmt: skip

    assert "refetches_next" in plan
    assert '"Sort"' not in plan


def most_rows(plan: dict) -> int:
    """Return the largest number of rows that any step of an executed plan handled."""
    handled = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return max(handled, *map(most_rows, plan.get("Plans", ())), 0)


async def test_looking_for_what_is_due_reads_only_the_head_of_each_group(pool, db, owner):
    await ask(pool, owner, dict.fromkeys(range(1, 20_000), "refunds"))
    await db.execute("ANALYZE commerce.refetches")
    explain = "EXPLAIN (ANALYZE, FORMAT JSON) " + refetches.SQL["due"]
    async with pool.acquire() as conn:
        known = (["order"], ["orders"], [], [], 4, 4)
        plan = orjson.loads(await conn.fetchval(explain, 4, *known))[0]["Plan"]

    assert plan["Actual Rows"] == 4
    assert most_rows(plan) < 200


async def ask(pool, owner: Owner, wishes: dict[int, str]) -> None:
    async with pool.acquire() as conn:
        await refetches.ask(
            conn,
            {
                (owner.tenant_id, owner.shop_id, "order", number): reason
                for number, reason in wishes.items()
            },
        )


async def claimed_ids(pool) -> list[int]:
    async with pool.acquire() as conn, conn.transaction():
        (group,) = await refetches.claim(conn, limits={"order": 1}, groups=1)
    return list(group.ids)
