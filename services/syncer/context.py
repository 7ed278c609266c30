"""What every job works with, and the one way in which it commits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from services.syncer import metrics, notices, privacy_redacting, writing
from services.syncer.room import Room
from services.syncer.shops import Shops
from services.syncer.writing import Written
from shared.bus.protocol import Bus
from shared.clock import Clock, now
from shared.postgres import Connection, Pool, translated
from shared.shopify.snapshots import Fact

Also: TypeAlias = Callable[[Connection], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """*overlap* is how far a poll looks back; *lag* keeps it behind the present.

    *search_depth* is after how many objects a poll begins a new search, before Shopify ends it.
    *sample_size* is how many random objects of each resource are compared each night.
    """

    pool: Pool
    bus: Bus
    shops: Shops
    overlap: timedelta = timedelta(seconds=120)
    lag: timedelta = timedelta(seconds=5)
    webhook_url: str = ""
    roots_per_window: int = 2500
    search_depth: int = 20_000
    sample_size: int = 200
    room: Room = field(default_factory=Room)
    clock: Clock = now


async def save(
    context: Context,
    facts: Iterable[Fact],
    *,
    also: Also | None = None,
    before: Also | None = None,
) -> Written:
    """Commit what *before* does, *facts* and what *also* does in one transaction.

    Wakes analytics afterwards.

    Raises Unavailable when Postgres is away; nothing is written then.
    """
    with translated():
        async with context.pool.acquire() as conn, conn.transaction():
            if before is not None:
                await before(conn)
            told = list(facts)
            async with privacy_redacting.respected(conn, told):
                written = await writing.write(conn, told)
            if also is not None:
                await also(conn)
    for (kind, outcome), count in written.outcomes.items():
        metrics.ROWS_TOTAL.labels(kind, outcome).inc(count)
    await notices.orders_changed(context.bus, written.shops, clock=context.clock)
    return written
