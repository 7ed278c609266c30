"""Once a day: forget bodies of deliveries after two weeks, jobs and messages after a month."""

from __future__ import annotations

import asyncio

import structlog

from services.syncer.store import prune
from shared.background import pause
from shared.errors import Unavailable
from shared.postgres import Pool, translated

log = structlog.get_logger()

_AT_ONCE = 1000
_DAY_SECONDS = 86_400.0
_RETRY_SECONDS = 300.0
_BREATH_SECONDS = 0.1


async def run(pool: Pool, stop: asyncio.Event) -> None:
    """Prune at the start and then daily until *stop*; any number of replicas may."""
    while True:
        seconds = _DAY_SECONDS
        try:
            await prune_once(pool, stop)
        except Unavailable as exc:
            log.warning("pruning waits", error=str(exc))
            seconds = _RETRY_SECONDS
        if not await pause(stop, seconds):
            return


async def prune_once(pool: Pool, stop: asyncio.Event) -> None:
    """Remove everything that is too old, in pieces that hold no lock for long."""
    for what in ("bodies", "jobs", "messages", "announcements"):
        removed = _AT_ONCE
        while removed == _AT_ONCE and not stop.is_set():
            with translated():
                async with pool.acquire() as conn:
                    removed = await prune.piece(conn, what, limit=_AT_ONCE)
            await asyncio.sleep(_BREATH_SECONDS)
