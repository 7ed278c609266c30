"""What becomes of a writer that froze: whoever takes over is not held up by its locks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.syncer import frozen
from services.syncer.writing import write
from shared.errors import Unavailable
from shared.postgres import translated
from tests.integration.syncer.objects import an_order


async def _freezing(pool, thawed: asyncio.Event) -> None:
    """Write an order, and stop in the middle of a COPY until *thawed*."""

    async def rows() -> AsyncIterator[bytes]:
        yield b"1\n"
        await thawed.wait()
        yield b"2\n"

    with translated():
        async with pool.acquire() as conn, conn.transaction():
            await write(conn, [an_order(1)])
            await conn.execute("CREATE TEMP TABLE staged_ones (one integer) ON COMMIT DROP")
            await conn.copy_to_table("staged_ones", source=rows())


async def _is_copying(db) -> None:
    asked = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE query LIKE 'COPY%staged_ones%' AND datname = current_database()"
    )
    async with asyncio.timeout(5):
        while not await db.fetchval(asked):
            await asyncio.sleep(0.02)


async def test_a_writer_that_froze_in_the_middle_of_a_copy_loses_its_locks(pool, save, db):
    thawed = asyncio.Event()
    writer = asyncio.create_task(_freezing(pool, thawed))
    await _is_copying(db)
    successor = asyncio.create_task(save(an_order(1, 5)))
    await asyncio.sleep(0.2)

    assert await frozen.end(pool, patience=0.1) == 1

    await asyncio.wait_for(successor, 5)
    thawed.set()
    with pytest.raises(Unavailable):
        await writer


async def test_a_writer_at_work_keeps_its_connection(pool, db):
    thawed = asyncio.Event()
    writer = asyncio.create_task(_freezing(pool, thawed))
    await _is_copying(db)

    assert await frozen.end(pool) == 0

    thawed.set()
    await writer
