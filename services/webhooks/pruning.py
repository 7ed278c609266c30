"""Once an hour: forget large bodies as old as those that the event log forgets."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from aiohttp import web

from services.webhooks import store
from shared.background import pause
from shared.errors import Unavailable
from shared.postgres import POOL, Pool

log = structlog.get_logger()

_HOUR_SECONDS: Final = 3600.0
# Each is up to 16 MiB, so few at once hold neither locks nor the log of Postgres for long.
_AT_ONCE: Final = 20
_BREATH_SECONDS: Final = 0.05


async def prune(app: web.Application, stop: asyncio.Event) -> None:
    """Prune at the start and then hourly until *stop*; any number of replicas may."""
    going_on = True
    while going_on:
        try:
            await prune_once(app[POOL], stop)
        except Unavailable as exc:
            log.info("pruning waits", reason=str(exc))
        going_on = await pause(stop, _HOUR_SECONDS)


async def prune_once(pool: Pool, stop: asyncio.Event) -> int:
    """Remove every body that is too old, a few at a time; return how many that were."""
    total = 0
    removed = _AT_ONCE
    while removed == _AT_ONCE and not stop.is_set():
        removed = await store.prune_bodies(pool, limit=_AT_ONCE)
        total += removed
        await asyncio.sleep(_BREATH_SECONDS)
    return total
