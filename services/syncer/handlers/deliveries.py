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
from services.syncer.domain.parts import first_and_again, parts_of
from services.syncer.store import inbox
from services.syncer.writing import Written
from shared.bus.protocol import BatchHandler, Bury, Bus, Done, Message, Outcome
from shared.clock import Clock, now
from shared.deliveries import Delivery, unpack
from shared.errors import Rejected
from shared.postgres import REFUSED, Pool, said, translated

log = structlog.get_logger()

# While Postgres writes one part, the next is read.
_PARTS_AT_ONCE = 2


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
    turn = asyncio.Semaphore(_PARTS_AT_ONCE)

    async def apply_part(part: Sequence[int]) -> None:
        async with turn:
            some = [deliveries[place] for place in part]
            known = [ways[place] for place in part]
            await apply(some, pool=pool, bus=bus, clock=clock, ways=known)

    with translated():
        for places in first_and_again(deliveries):
            parts = parts_of(deliveries, places)
            # As values: none may still be under way when the batch is given back.
            for error in await asyncio.gather(*map(apply_part, parts), return_exceptions=True):
                if error is not None:
                    raise error
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
    arrivals = [
        applying.read(await _complete(pool, delivery), way)
        for delivery, way in zip(deliveries, known, strict=True)
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
        done, written = await applying.write(conn, candidates)
        new = await inbox.record(conn, done, now=clock())
        fresh = [one for one in done if one.key in new]
        await privacy_redacting.forget_bodies(conn, fresh, shops)
        facts = [fact for one in fresh for fact in one.facts]
        await applying.pass_on(conn, bus, facts, at=clock())
    return Applied(arrivals=fresh, written=written)


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
