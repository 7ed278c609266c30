"""The relay: waiting events are queued for whoever listens, and published, at least once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import structlog
from pydantic import ValidationError

from services.syncer import metrics
from services.syncer.store import announcements, domain_events, outgoing
from shared.background import pause
from shared.bus.announcing import Announcer
from shared.errors import Unavailable
from shared.outgoing import Told
from shared.postgres import Pool, translated

log = structlog.get_logger()

_AT_ONCE: Final = 200
_LEASE_SECONDS: Final = 30.0
_IDLE_SECONDS: Final = 0.5


async def relay(pool: Pool, stop: asyncio.Event, *, announced: bool) -> None:
    """Queue events for endpoints until *stop*, and for the exchange if they are *announced*.

    Any number of replicas may.
    """
    await _until(stop, partial(relay_once, pool, announced=announced))


async def announce(pool: Pool, announcer: Announcer, stop: asyncio.Event) -> None:
    """Publish what is queued for the exchange until *stop*; replicas take turns."""
    await _until(stop, partial(announce_once, pool, announcer))
    await announcer.close()


async def relay_once(pool: Pool, *, announced: bool = False) -> int:
    """Queue what waits and return how many events that were; each object's are kept in order.

    Raises Unavailable when Postgres is away; the events wait on.
    """
    with translated():
        async with pool.acquire() as conn:
            events = await domain_events.claim(conn, limit=_AT_ONCE, lease_seconds=_LEASE_SECONDS)
    bodies = {one: body for one in events if (body := _body(one))}
    if not bodies:
        return 0
    told = list(bodies)
    with translated():
        async with pool.acquire() as conn, conn.transaction():
            await outgoing.fan_out(conn, told, list(bodies.values()))
            if announced:
                await announcements.add(conn, told, list(bodies.values()))
            await domain_events.handed_on(conn, told)
    for one in told:
        metrics.EVENTS_TOTAL.labels(one.type).inc()
    return len(told)


async def announce_once(pool: Pool, announcer: Announcer) -> int:
    """Publish the oldest events and return how many that were.

    They are deleted after the broker has them, so a kill in between repeats them under their ids.
    Raises Unavailable when the broker or Postgres is away; the events wait on.
    """
    with translated():
        async with pool.acquire() as conn, conn.transaction():
            waiting = await announcements.oldest(conn, limit=_AT_ONCE)
            if waiting:
                await announcer.announce(list(waiting.values()))
                await announcements.published(conn, waiting)
    return len(waiting)


async def _until(stop: asyncio.Event, once: Callable[[], Awaitable[int]]) -> None:
    while not stop.is_set():
        done = 0
        try:
            done = await once()
        except Unavailable as exc:
            log.warning("events wait", error=str(exc))
        if done < _AT_ONCE:
            await pause(stop, _IDLE_SECONDS)


def _body(event: Told) -> bytes | None:
    """Return what is sent; None of an event that a newer release wrote, which may relay it."""
    try:
        return event.body
    except (KeyError, ValidationError):
        log.exception("event is not known here", type=event.type, id=str(event.event_id))
        return None
