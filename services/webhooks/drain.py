"""Publishes what was spooled, oldest first, once the broker is back."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import structlog
from aiohttp import web

from services.webhooks import store
from services.webhooks.domain import BATCH_BYTES, BATCH_DELIVERIES, one_message
from services.webhooks.metrics import SPOOL_DELIVERIES
from shared.background import pause
from shared.bus.connect import BUS
from shared.bus.protocol import Bus
from shared.clock import now
from shared.deliveries import TOPIC, pack, sent_headers
from shared.errors import Unavailable
from shared.postgres import POOL, Pool, translated

log = structlog.get_logger()

_POLL_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 5.0
_MEASURE_SECONDS: Final = 5.0


async def drain(app: web.Application, stop: asyncio.Event) -> None:
    """Empty the spool whenever it holds something and the bus takes it."""
    delay = _POLL_SECONDS
    drained = 0
    going_on = True
    while going_on:
        try:
            sent = await drain_once(app[POOL], app[BUS])
            delay = _POLL_SECONDS
            drained += sent
            if drained and not sent:
                log.info("spool drained", deliveries=drained)
                drained = 0
        except Unavailable as exc:
            log.info("spool not drained", reason=str(exc), seconds=delay)
            sent = 0
            delay = min(delay * 2, _LONGEST_PAUSE_SECONDS)
        going_on = not stop.is_set() if sent else await pause(stop, delay)


async def drain_once(pool: Pool, bus: Bus) -> int:
    """Publish and delete one message's worth of the spool; return how many deliveries that was.

    The rows stay locked until the bus has confirmed, so other drainers skip them; a crash in
    between publishes them again. One message in a transaction and no more: Postgres ends a session
    that idles in one for long, and what was published would be published again, for ever.
    """
    with translated():
        async with pool.acquire() as conn, conn.transaction():
            batch = one_message(
                await store.oldest_spooled(conn, limit=BATCH_DELIVERIES, size=BATCH_BYTES)
            )
            if batch:
                deliveries = [one.delivery for one in batch]
                headers = sent_headers(deliveries, at=now(), spooled=True)
                await bus.publish(TOPIC, pack(deliveries), headers=headers)
                await store.unspool(conn, batch)
    return len(batch)


async def measure(app: web.Application, stop: asyncio.Event) -> None:
    """Tell how much is spooled; apart from draining, because counting reads all of it."""
    while True:
        with contextlib.suppress(Unavailable), translated():
            async with app[POOL].acquire() as conn:
                SPOOL_DELIVERIES.set(await store.spool_depth(conn))
        if not await pause(stop, _MEASURE_SECONDS):
            return
