"""Large bodies do not stay for ever."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.webhooks.pruning import prune_once
from shared.postgres import Pool, open_pool
from tests.integration.webhooks.conftest import Shop, running, settings_for


@pytest.fixture
async def own_pool(dsn: str) -> AsyncIterator[Pool]:
    pool = await open_pool(dsn, role="tillstream_webhooks")
    yield pool
    await pool.close()


async def keep(db: asyncpg.Connection, shop: Shop, *, days: int, count: int) -> None:
    await db.executemany(
        "INSERT INTO intake.bodies (tenant_id, shop_id, body_id, body, stored_at)"
        " VALUES ($1, $2, $3, 'x', now() - $4 * interval '1 day')",
        [(shop.tenant_id, shop.shop_id, uuid.uuid4(), days) for _ in range(count)],
    )


async def ages(db: asyncpg.Connection) -> list[int]:
    rows = await db.fetch("SELECT (now()::date - stored_at::date) AS days FROM intake.bodies")
    return sorted({row["days"] for row in rows})


async def test_bodies_older_than_the_event_logs_are_forgotten_a_few_at_a_time(
    db: asyncpg.Connection, shop: Shop, own_pool: Pool
):
    for days, count in ((40, 30), (15, 25), (13, 3), (0, 3)):
        await keep(db, shop, days=days, count=count)

    removed = await prune_once(own_pool, asyncio.Event())

    assert removed == 55
    assert await ages(db) == [0, 13]


async def test_it_stops_between_pieces_when_told_to(
    db: asyncpg.Connection, shop: Shop, own_pool: Pool
):
    await keep(db, shop, days=40, count=100)
    stop = asyncio.Event()
    stop.set()

    assert await prune_once(own_pool, stop) == 0


async def test_the_service_prunes_when_it_starts(dsn: str, db: asyncpg.Connection, shop: Shop):
    await keep(db, shop, days=40, count=1)

    async with running(settings_for(dsn, ""), None):
        async with asyncio.timeout(10):
            while await ages(db):
                await asyncio.sleep(0.02)
