"""What is forgotten, and what is not."""

from __future__ import annotations

import asyncio

from services.syncer.pruning import prune_once
from tests.integration.syncer.objects import TENANT


async def add_events(db, days: int, ids: range) -> None:
    await db.execute(
        "INSERT INTO commerce.webhook_events (tenant_id, shop_id, topic, webhook_id, received_at,"
        " body_sha256, body, state) SELECT $1, 1, 'orders/create', 'w' || n,"
        " now() - $2 * interval '1 day', '', 'body', 'applied' FROM unnest($3::int[]) AS n",
        TENANT,
        days,
        list(ids),
    )


async def add_job(db, days: int | None) -> None:
    await db.execute(
        "WITH job AS (INSERT INTO commerce.sync_jobs (tenant_id, shop_id, kind, mode, trigger,"
        " status, finished_at) VALUES ($1, 1, 'orders', 'full', 'manual',"
        " CASE WHEN $2::int IS NULL THEN 'running' ELSE 'succeeded' END,"
        " now() - $2::int * interval '1 day') RETURNING tenant_id, shop_id, job_id)"
        " INSERT INTO commerce.bulk_operations (tenant_id, shop_id, job_id, window_no, search)"
        " SELECT tenant_id, shop_id, job_id, 1, '' FROM job",
        TENANT,
        days,
    )


async def test_bodies_go_after_two_weeks_and_what_became_of_them_stays(pool, db):
    await add_events(db, 13, range(3))
    await add_events(db, 15, range(3, 1500))

    await prune_once(pool, asyncio.Event())

    kept = "SELECT count(*), count(body) FROM commerce.webhook_events"
    assert tuple(await db.fetchrow(kept)) == (1500, 3)


async def test_finished_jobs_go_after_a_month_with_their_operations(pool, db):
    for days in (None, 29, 31, 400):
        await add_job(db, days)

    await prune_once(pool, asyncio.Event())

    assert await db.fetchval("SELECT count(*) FROM commerce.sync_jobs") == 2
    assert await db.fetchval("SELECT count(*) FROM commerce.bulk_operations") == 2


async def test_what_nobody_publishes_goes_after_a_month(pool, db):
    await db.execute(
        "INSERT INTO commerce.announcements (tenant_id, shop_id, event_id, type, body, queued_at)"
        " SELECT $1, 1, gen_random_uuid(), 'order.changed', '{}', now() - n * interval '1 day'"
        " FROM unnest(ARRAY[1, 29, 31, 400]) AS n",
        TENANT,
    )

    await prune_once(pool, asyncio.Event())

    assert await db.fetchval("SELECT count(*) FROM commerce.announcements") == 2
