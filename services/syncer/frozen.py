"""Ends connections of syncers that froze, or were cut off, while they sent the rows of a COPY.

They would keep the locks of what they wrote for as long as they are frozen. Who froze in any other
place of a transaction loses them by PostgreSQL's own limit (``shared.postgres``).
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from services.syncer.store import frozen
from shared.background import pause
from shared.errors import Unavailable
from shared.postgres import Pool, translated

log = structlog.get_logger()

# With a look's own seconds less than a lease on the bus, so that who takes over is not held up.
_PATIENCE_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 5.0


async def watch(pool: Pool, stop: asyncio.Event) -> None:
    """Look until *stop*; any number of replicas may."""
    while await pause(stop, _LOOK_SECONDS):
        try:
            await end(pool)
        except Unavailable as exc:
            log.debug("frozen writers not looked for", error=str(exc))


async def end(pool: Pool, *, patience: float = _PATIENCE_SECONDS) -> int:
    """End what has waited *patience* seconds for its rows; return how many that were."""
    with translated():
        async with pool.acquire() as conn, conn.transaction():
            ended = await frozen.end(conn, seconds=patience)
    for pid in ended:
        log.warning("connection of a frozen writer ended", pid=pid)
    return len(ended)
