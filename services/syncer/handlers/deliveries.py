"""Webhook deliveries off the bus, into the tables: one transaction per batch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import msgspec
import structlog

from services.syncer import applying, metrics, notices, privacy_redacting
from services.syncer.domain.arrivals import Arrival, Way, arrival, moment, sorted_out
from services.syncer.domain.parts import parts_of
from services.syncer.store import inbox
from services.syncer.writing import Written
from shared.bus.protocol import BatchHandler, Bury, Bus, Done, Message, Outcome
from shared.clock import Clock, now
from shared.deliveries import Delivery, unpack
from shared.errors import Rejected
from shared.postgres import REFUSED, Pool, said, translated
from shared.shopify import copytext

log = structlog.get_logger()

# So many bodies take longer to compress than another thread takes to begin.
_MANY = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What one transaction did."""

    arrivals: Sequence[Arrival]
    written: Written


def consumer(pool: Pool, bus: Bus, *, clock: Clock = now) -> BatchHandler:
    """Return the handler of the deliveries queue."""
    return partial(_on_deliveries, pool=pool, bus=bus, clock=clock)


async def _on_deliveries(
    messages: Sequence[Message], *, pool: Pool, bus: Bus, clock: Clock
) -> Sequence[Outcome]:
    outcomes: list[Outcome] = []
    deliveries: list[Delivery] = []
    ways: list[Way] = []
    taken_at = clock()
    for message in messages:
        try:
            unpacked = unpack(message.body)
        except Rejected as exc:
            outcomes.append(Bury(str(exc)))
        else:
            outcomes.append(Done())
            deliveries += unpacked
            way = Way.of(message.headers, attempt=message.attempt, taken_at=taken_at)
            ways += [way] * len(unpacked)
    with translated():
        for part in parts_of(deliveries):
            await apply(deliveries[part], pool=pool, bus=bus, clock=clock, ways=ways[part])
    return outcomes


async def apply(
    deliveries: Sequence[Delivery],
    *,
    pool: Pool,
    bus: Bus,
    clock: Clock = now,
    ways: Sequence[Way] = (),
) -> list[Applied]:
    """Apply *deliveries*, each exactly once; what cannot be applied is kept as dead.

    *ways* tells of each how it came. Raises Unavailable, or a driver error that may pass, with
    nothing of the current part written.
    """
    started = time.perf_counter()
    known = ways or [Way()] * len(deliveries)
    whole = [await _complete(pool, delivery) for delivery in deliveries]
    frames = await _frames(whole)
    arrivals = [
        applying.read(delivery, way, frame)
        for delivery, way, frame in zip(whole, known, frames, strict=True)
    ]
    applied = await _apply(arrivals, pool=pool, bus=bus, clock=clock)
    for part in applied:
        _count(part, clock())
        await notices.orders_changed(bus, part.written.shops, clock=clock)
    metrics.BATCH_SECONDS.observe(time.perf_counter() - started)
    return applied


async def _apply(
    arrivals: Sequence[Arrival], *, pool: Pool, bus: Bus, clock: Clock
) -> list[Applied]:
    try:
        return [await _in_one_transaction(arrivals, pool=pool, bus=bus, clock=clock)]
    except REFUSED as exc:
        if len(arrivals) == 1:
            log.exception("delivery refused by the database", topic=arrivals[0].delivery.topic)
            (one,) = arrivals
            why = f"refused by the database: {said(exc)}"
            dead = arrival(one.delivery, (), frame=one.frame, error=why, way=one.way)
            return [await _in_one_transaction([dead], pool=pool, bus=bus, clock=clock)]
    middle = len(arrivals) // 2
    return [
        *await _apply(arrivals[:middle], pool=pool, bus=bus, clock=clock),
        *await _apply(arrivals[middle:], pool=pool, bus=bus, clock=clock),
    ]


async def _in_one_transaction(
    arrivals: Sequence[Arrival], *, pool: Pool, bus: Bus, clock: Clock
) -> Applied:
    async with pool.acquire() as conn, conn.transaction():
        shops = await privacy_redacting.guarded(conn, arrivals)
        unknown = await inbox.unknown(conn, privacy_redacting.kept_out(arrivals, shops))
        candidates = sorted_out(unknown, await inbox.known_bodies(conn, unknown))
        done, written = await applying.write(conn, candidates, guards=shops)
        settled = await applying.without_twins(conn, done, written)
        new = await inbox.record(conn, settled, now=clock())
        fresh = [one for one in settled if one.key in new]
        await privacy_redacting.forget_bodies(conn, fresh, shops)
        facts = [fact for one in fresh for fact in one.facts]
        await applying.pass_on(conn, bus, facts, at=clock())
    return Applied(arrivals=fresh, written=written)


async def _frames(deliveries: Sequence[Delivery]) -> Sequence[bytes | None]:
    """Compress the bodies of many in another thread; of few in passing."""
    bodies = [one.body for one in deliveries]
    if len(bodies) < _MANY or not all(bodies):
        return [None] * len(bodies)
    return await asyncio.to_thread(copytext.frames, bodies)


async def _complete(pool: Pool, delivery: Delivery) -> Delivery:
    if not delivery.body_id:
        return delivery
    body = await _large_body(pool, delivery)
    return msgspec.structs.replace(delivery, body=body or b"")


async def _large_body(pool: Pool, delivery: Delivery) -> bytes | None:
    async with pool.acquire() as conn:
        return await inbox.large_body(conn, delivery.tenant_id, delivery.shop_id, delivery.body_id)


def _count(applied: Applied, at: datetime) -> None:
    for one in applied.arrivals:
        metrics.DELIVERIES_TOTAL.labels(one.state).inc()
        received = moment(one.delivery.received_at)
        if received:
            metrics.VISIBLE_SECONDS.observe(max(0.0, (at - received).total_seconds()))
    for (kind, outcome), count in applied.written.outcomes.items():
        metrics.ROWS_TOTAL.labels(kind, outcome).inc(count)
