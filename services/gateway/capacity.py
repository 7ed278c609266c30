"""How large the database is, for whoever has to buy its next disk."""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import web

from services.gateway.metrics import DATABASE_BYTES, TABLE_BYTES
from services.gateway.store import capacity
from shared.background import pause
from shared.errors import Unavailable
from shared.postgres import POOL, Pool, translated

log = structlog.get_logger()

_EVERY_SECONDS = 60


async def keep_measuring(app: web.Application, stop: asyncio.Event) -> None:
    """Tell each minute how large the database and its tables are."""
    going_on = True
    while going_on:
        try:
            await measure(app[POOL])
        except Unavailable:
            log.debug("database not measured")
        going_on = await pause(stop, _EVERY_SECONDS)


async def measure(pool: Pool) -> None:
    """Tell how large the database and its tables are now."""
    with translated():
        async with pool.acquire() as conn:
            DATABASE_BYTES.set(await capacity.database_bytes(conn))
            for table, size in (await capacity.table_bytes(conn)).items():
                TABLE_BYTES.labels(table).set(size)
