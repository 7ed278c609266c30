"""Deliveries applied again: in the order of receipt, not faster than asked for, part by part."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import replace

from services.syncer import applying, metrics, notices
from services.syncer.context import Context
from services.syncer.domain.arrivals import Arrival, Way, arrival
from services.syncer.domain.jobs import Job, TurnEnded
from services.syncer.domain.replays import Kept, cautious, pause_after
from services.syncer.store import jobs, replays
from services.syncer.store.replays import Wanted
from shared.postgres import REFUSED, said
from shared.shopify import copytext
from shared.shopify.snapshots import Owner

_AT_ONCE = 200
# Then other jobs get the place for a while: a slow replay may take days.
_TURN_SECONDS = 60.0


async def replay(context: Context, job: Job) -> None:
    """Apply the deliveries that *job* names; what is committed is not done again after a kill."""
    wanted = await _begun(context, job)
    most = max(1, min(_AT_ONCE, math.floor(wanted.rate)))
    turn_ends = time.monotonic() + _TURN_SECONDS
    size = most
    while True:
        started = time.monotonic()
        try:
            done = await _part(context, job, limit=size)
        except REFUSED as exc:
            if size > 1:
                size //= 2
                continue
            done = await _part(context, job, limit=1, error=f"refused by the database: {said(exc)}")
        if not done:
            return
        size = most
        seconds = time.monotonic() - started
        await asyncio.sleep(pause_after(done, rate=wanted.rate, seconds=seconds))
        if time.monotonic() > turn_ends:
            raise TurnEnded


async def _begun(context: Context, job: Job) -> Wanted:
    async with context.pool.acquire() as conn:
        wanted = await replays.wanted(conn, job)
        if await jobs.expected(conn, job) is None:
            await jobs.expect(conn, job, await replays.left(conn, wanted))
    return wanted


async def _part(context: Context, job: Job, *, limit: int, error: str | None = None) -> int:
    """Replay the next deliveries in one transaction; with *error* they are dead of it."""
    async with context.pool.acquire() as conn, conn.transaction():
        wanted = await replays.wanted(conn, job)
        events = await replays.next_events(conn, wanted, limit=limit)
        if not events:
            return 0
        domains = await replays.domains(conn, job.owner)
        arrivals = _arrivals(events, job.owner, domains, error)
        again, written = await applying.write(conn, arrivals)
        await replays.settle(conn, job, events, again)
        await jobs.progress(conn, job, len(events))
        facts = [fact for one in again for fact in one.facts]
        await applying.pass_on(conn, context.bus, facts, at=context.clock())
    for (kind, outcome), count in written.outcomes.items():
        metrics.ROWS_TOTAL.labels(kind, outcome).inc(count)
    await notices.orders_changed(context.bus, written.shops, clock=context.clock)
    return len(events)


def _arrivals(
    events: Sequence[Kept], owner: Owner, domains: Sequence[str], error: str | None
) -> list[Arrival]:
    deliveries = [event.delivery(owner, domains) for event in events]
    if error is not None:
        return [arrival(one, (), frame=copytext.frame(one.body), error=error) for one in deliveries]
    found = [applying.read(delivery, Way()) for delivery in deliveries]
    return [replace(one, facts=list(cautious(one.facts))) for one in found]
