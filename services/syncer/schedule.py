"""The clockwork: queues the jobs that are due; safe with any number of replicas."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping

import structlog

from services.syncer.context import Context
from services.syncer.store import jobs, subscriptions
from services.syncer.watch import watch
from shared.background import pause
from shared.errors import Unavailable
from shared.postgres import Connection, translated

log = structlog.get_logger()

_TICK_SECONDS = 2.0
_TICKS_PER_WATCH = 30


async def keep_time(
    context: Context, stop: asyncio.Event, *, intervals: Mapping[str, int], full_interval: int
) -> None:
    """Keep the jobs table in order every tick until *stop*.

    *intervals* are seconds between polls per job kind, *full_interval* those between full syncs.
    On the first tick also have those shops corrected that deliver to another address than ours.
    """
    address = context.webhook_url
    silent: frozenset[int] = frozenset()
    for tick in itertools.count():
        try:
            with translated():
                async with context.pool.acquire() as conn:
                    if address:
                        await _correct(conn, address)
                        address = ""
                    await jobs.cancel_left(conn)
                    await jobs.schedule(conn, intervals)
                    await jobs.schedule_full(conn, list(intervals), full_interval)
                    if tick % _TICKS_PER_WATCH == 0:
                        silent = await watch(conn, silent)
        except Unavailable as exc:
            log.warning("scheduler pauses", error=str(exc))
        if not await pause(stop, _TICK_SECONDS):
            return


async def _correct(conn: Connection, address: str) -> None:
    if moved := await subscriptions.ask_where_moved(conn, address):
        log.info("webhook address moved", shops=moved)
