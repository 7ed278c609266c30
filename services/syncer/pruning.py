"""Once a day: forget what is too old to be kept.

Bodies of deliveries after two weeks, jobs and messages after a month; what deliveries did and what
lies dead on the bus after as long as the operator says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.syncer.store import prune
from shared.background import pause
from shared.bus.dead import expire
from shared.bus.protocol import Bus
from shared.bus.topology import QUEUES
from shared.clock import now
from shared.errors import Unavailable
from shared.postgres import Pool, translated

log = structlog.get_logger()

_AT_ONCE = 1000
_DAY_SECONDS = 86_400.0
_RETRY_SECONDS = 300.0
_BREATH_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How long the operator wants it kept."""

    events: timedelta
    dead_letters: timedelta


async def run(pool: Pool, buses: Sequence[Bus], stop: asyncio.Event, *, kept: Kept) -> None:
    """Prune at the start and then daily until *stop*; any number of replicas may.

    *buses* are all on which letters may lie dead.
    """
    while True:
        seconds = _DAY_SECONDS
        try:
            await prune_once(pool, stop, events_kept=kept.events)
            await expire_once(buses, before=now() - kept.dead_letters)
        except Unavailable as exc:
            log.warning("pruning waits", error=str(exc))
            seconds = _RETRY_SECONDS
        if not await pause(stop, seconds):
            return


async def prune_once(pool: Pool, stop: asyncio.Event, *, events_kept: timedelta) -> None:
    """Remove every row that is too old, in pieces that hold no lock for long."""
    await _all(pool, stop, "events", events_kept)
    for what in ("bodies", "jobs", "messages", "announcements"):
        await _all(pool, stop, what)


async def expire_once(buses: Sequence[Bus], *, before: datetime) -> None:
    """Forget the letters that died *before*; raises Unavailable as ``expire`` does."""
    for bus in buses:
        for queue in QUEUES:
            if letters := await expire(bus, queue, before=before):
                log.warning("dead letters expired", queue=queue, letters=letters)


async def _all(pool: Pool, stop: asyncio.Event, what: str, *kept: timedelta) -> None:
    removed = _AT_ONCE
    while removed == _AT_ONCE and not stop.is_set():
        with translated():
            async with pool.acquire() as conn:
                removed = await prune.piece(conn, what, _AT_ONCE, *kept)
        await asyncio.sleep(_BREATH_SECONDS)
