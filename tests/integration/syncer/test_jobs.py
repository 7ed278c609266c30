"""Jobs in the table: claimed once, fenced, taken over, scheduled."""

from __future__ import annotations

import asyncio

import pytest

from services.syncer.domain.jobs import LeaseLost
from services.syncer.store import jobs
from shared.shopify.snapshots import Owner
from tests.integration.syncer.objects import TENANT
from tests.integration.syncer.shopify import ask_for, connect_store, new_keys

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


async def test_the_shop_comes_before_its_orders(pool, db, owner):
    await ask_for(db, owner, "orders", "full")
    await ask_for(db, owner, "shop", "full")

    assert [(await claim(pool)).kind, (await claim(pool)).kind] == ["shop", "orders"]


async def test_a_job_of_a_lost_store_waits(pool, db, owner):
    await ask_for(db, owner, "orders", "full")
    await db.execute("UPDATE accounts.stores SET status = 'reauth_required'")

    assert await claim(pool) is None


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
