"""A pool that acts as the syncer, and what the tables say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import pytest

from services.syncer.writing import Written, write
from shared.postgres import Pool, close_pool, open_pool
from shared.shopify.snapshots import Fact


@pytest.fixture
async def pool(dsn: str, db) -> AsyncIterator[Pool]:
    """Connections under the syncer's own role."""
    opened = await open_pool(dsn, role="tillstream_syncer", min_size=1, max_size=4)
    yield opened
    await close_pool(opened)


@pytest.fixture
def save(pool: Pool) -> Callable[..., Awaitable[Written]]:
    """Write facts in one transaction."""

    async def saving(*facts: Fact) -> Written:
        return await save_all(pool, facts)

    return saving


async def save_all(pool: Pool, facts: Iterable[Fact]) -> Written:
    async with pool.acquire() as conn, conn.transaction():
        return await write(conn, facts)


@pytest.fixture
def contents(db) -> Callable[..., Awaitable[dict[str, list[tuple]]]]:
    """Read whole tables, without the columns that only say when we wrote."""

    async def reading(*tables: str) -> dict[str, list[tuple]]:
        return {table: await rows_of(db, table) for table in tables}

    return reading


async def rows_of(conn, table: str, *, but: Iterable[str] = ("synced_at",)) -> list[tuple]:
    rows = await conn.fetch(f"SELECT * FROM commerce.{table}")
    return sorted(
        (tuple(value for name, value in row.items() if name not in but) for row in rows), key=repr
    )
