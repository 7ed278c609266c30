"""The loops of analytics: drain when nudged or twice a second, verify once a day."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import structlog
from aiohttp import web

from services.analytics import agreements, store
from services.analytics.drain import drain
from services.analytics.metrics import LEDGER_GAPS, MARKS_PENDING, VERIFY_DIFFERENCES
from services.analytics.verify import verify_all
from shared.background import pause
from shared.bus.connect import BUS
from shared.bus.protocol import Done, Message, Outcome
from shared.bus.topology import MARKS
from shared.errors import Unavailable
from shared.postgres import POOL, translated

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much at once and how often; 0 *verify_hours* is never."""

    batch_max: int
    poll_seconds: float
    verify_hours: float


PACE = web.AppKey("PACE", Pace)
NUDGE = web.AppKey("NUDGE", asyncio.Event)


async def nudged(app: web.Application) -> AsyncIterator[None]:
    """Wake the drain for every message; the marks in Postgres are the truth, not the message."""

    async def wake(messages: Sequence[Message]) -> Sequence[Outcome]:
        app[NUDGE].set()
        return [Done() for _ in messages]

    async with app[BUS].consuming(MARKS, wake, batch_max=500, prefetch=500):
        yield


async def keep_draining(app: web.Application, stop: asyncio.Event) -> None:
    """Drain until no mark waits, then rest until a nudge or the next poll."""
    pace = app[PACE]
    while not stop.is_set():
        app[NUDGE].clear()
        try:
            done = await drain(app[POOL], batch_max=pace.batch_max)
        except Unavailable:
            log.warning("drain paused: PostgreSQL does not answer")
            await pause(stop, pace.poll_seconds)
            continue
        if not done:
            await _rest(app[NUDGE], stop, pace.poll_seconds)


async def _rest(nudge: asyncio.Event, stop: asyncio.Event, seconds: float) -> None:
    waits = [asyncio.create_task(one.wait()) for one in (nudge, stop)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def keep_measuring(app: web.Application, stop: asyncio.Event) -> None:
    """Tell how many marks wait, and how many ledgers are not followed."""
    while True:
        with contextlib.suppress(Unavailable), translated():
            async with app[POOL].acquire() as conn:
                MARKS_PENDING.set(await store.marks_pending(conn))
                LEDGER_GAPS.set(await agreements.count_gaps(conn))
        if not await pause(stop, 5):
            return


async def keep_verifying(app: web.Application, stop: asyncio.Event) -> None:
    """Recompute and compare every shop; a difference is a bug and is logged as an error."""
    hours = app[PACE].verify_hours
    while hours and await pause(stop, hours * 3600):
        try:
            verdicts = await verify_all(app[POOL])
        except Unavailable:
            log.warning("verification skipped: PostgreSQL does not answer")
            continue
        VERIFY_DIFFERENCES.set(sum(verdict.differences for verdict in verdicts))


async def database_answers(app: web.Application) -> None:
    """Raise Unavailable when Postgres does not answer."""
    with translated():
        async with app[POOL].acquire() as conn:
            await store.ask_anything(conn)
