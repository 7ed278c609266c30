"""The relay: waiting events are published and delivered, at least once, each object's in order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog
from pydantic import ValidationError

from services.syncer import metrics
from services.syncer.store import domain_events, outgoing
from shared.background import pause
from shared.bus.announcing import Announcement, Announcer
from shared.errors import Unavailable
from shared.outgoing import Told
from shared.postgres import Pool, translated

log = structlog.get_logger()

_AT_ONCE: Final = 200
_LEASE_SECONDS: Final = 30.0
_IDLE_SECONDS: Final = 0.5


async def relay(pool: Pool, announcer: Announcer | None, stop: asyncio.Event) -> None:
    """Hand events on until *stop*; any number of replicas may."""
    while not stop.is_set():
        done = 0
        try:
            done = await relay_once(pool, announcer)
        except Unavailable as exc:
            log.warning("events wait", error=str(exc))
        if done < _AT_ONCE:
            await pause(stop, _IDLE_SECONDS)
    if announcer is not None:
        await announcer.close()


async def relay_once(pool: Pool, announcer: Announcer | None) -> int:
    """Hand on what waits and return how many events that were.

    They are deleted after they were handed on, so a kill in between repeats them under their ids.
    Raises Unavailable when the broker or Postgres is away; the events wait on.
    """
    with translated():
        async with pool.acquire() as conn:
            events = await domain_events.claim(conn, limit=_AT_ONCE, lease_seconds=_LEASE_SECONDS)
    bodies = {one: body for one in events if (body := _body(one))}
    if not bodies:
        return 0
    if announcer is not None:
        await _announced(pool, announcer, bodies)
    with translated():
        async with pool.acquire() as conn, conn.transaction():
            await outgoing.fan_out(conn, list(bodies), list(bodies.values()))
            await domain_events.handed_on(conn, list(bodies))
    for one in bodies:
        metrics.EVENTS_TOTAL.labels(one.type).inc()
    return len(bodies)


def _body(event: Told) -> bytes | None:
    """Return what is sent; None of an event that a newer release wrote, which may relay it."""
    try:
        return event.body
    except (KeyError, ValidationError):
        log.exception("event is not known here", type=event.type, id=str(event.event_id))
        return None


async def _announced(pool: Pool, announcer: Announcer, bodies: Mapping[Told, bytes]) -> None:
    try:
        await announcer.announce(
            [
                Announcement(topic=one.type, announced_id=str(one.event_id), body=body)
                for one, body in bodies.items()
            ]
        )
    except Unavailable:
        with translated():
            async with pool.acquire() as conn:
                await domain_events.give_back(conn, list(bodies))
        raise
