"""A connected store, and a pool that acts as the syncer."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest

from services.syncer.store import domain_events
from services.syncer.writing import write
from shared.outgoing import Told
from shared.postgres import Pool, close_pool, open_pool
from shared.shopify.snapshots import Fact
from tests.integration.syncer.objects import NOON, TENANT

DOMAIN = "tea.myshopify.com"
Save = Callable[..., Awaitable[None]]


@pytest.fixture
async def store(db: asyncpg.Connection) -> None:
    """Store 1, connected a minute before the objects of the tests change."""
    await db.execute(
        "INSERT INTO accounts.tenants (tenant_id, name) VALUES ($1, 'tea')", uuid.UUID(TENANT)
    )
    await db.execute(
        "INSERT INTO accounts.stores (tenant_id, shop_id, shop_domain, connected_at)"
        " OVERRIDING SYSTEM VALUE VALUES ($1, 1, $2, $3)",
        uuid.UUID(TENANT),
        DOMAIN,
        NOON - timedelta(minutes=1),
    )


@pytest.fixture
async def pool(dsn: str, store: None) -> AsyncIterator[Pool]:
    """The syncer's pool where events are published."""
    own = {"tillstream.domain_events": "on"}
    opened = await open_pool(dsn, role="tillstream_syncer", max_size=6, own=own)
    yield opened
    await close_pool(opened)


@pytest.fixture
async def quiet_pool(dsn: str, store: None) -> AsyncIterator[Pool]:
    """The syncer's pool where events are not published."""
    opened = await open_pool(dsn, role="tillstream_syncer", max_size=6)
    yield opened
    await close_pool(opened)


async def save(pool: Pool, *facts: Fact) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await write(conn, facts)


async def taken(pool: Pool) -> list[Told]:
    """What a relay would hand on now."""
    async with pool.acquire() as conn:
        return await domain_events.claim(conn, limit=100, lease_seconds=60)
