"""Replays: which deliveries they concern, how far they are, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import zstandard

from services.syncer.domain.arrivals import Arrival
from services.syncer.domain.jobs import Job
from services.syncer.domain.replays import Kept, state_after
from shared.postgres import Connection, Record, load_queries
from shared.shopify.snapshots import Owner

SQL = load_queries(__package__, "replays.sql")

# Compressed; Shopify's JSON is some ten times as large, and some of it a hundred times.
_BYTES_AT_ONCE = 2 * 1024 * 1024
_UNPACKED_AT_ONCE = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A replay that was asked for. *values* are the arguments of ``commerce.events_matching``."""

    values: tuple[object, ...]
    rate: float
    place: tuple[datetime | None, str | None, str | None]


async def wanted(conn: Connection, job: Job) -> Wanted:
    """Return what *job* is to replay, and the place it has reached."""
    row = await conn.fetchrow(SQL["wanted"], *_key(job))
    assert row is not None  # noqa: S101 - queued with its job
    filters = tuple(row)[:8]
    return Wanted(
        values=(job.owner.tenant_id, job.owner.shop_id, *filters),
        rate=row["rate"],
        place=(row["place_received_at"], row["place_topic"], row["place_webhook_id"]),
    )


async def left(conn: Connection, replay: Wanted) -> int:
    """Count the deliveries behind the place whose bodies are still kept."""
    async with conn.transaction():
        await conn.execute(SQL["known_filters"])
        count: int = await conn.fetchval(SQL["left"], *replay.values, *replay.place)
    return count


async def next_events(conn: Connection, replay: Wanted, *, limit: int) -> list[Kept]:
    """Lock and return the next deliveries, in the order of receipt."""
    await conn.execute(SQL["known_filters"])
    rows = await conn.fetch(
        SQL["next_events"], *replay.values, *replay.place, limit, _BYTES_AT_ONCE
    )
    decompress = zstandard.ZstdDecompressor().decompress
    return [Kept(**(dict(row) | {"body": decompress(row["body"])})) for row in _some(rows)]


def _some(rows: Iterable[Record]) -> Iterator[Record]:
    """Yield the first of *rows*, and those behind it that fit into memory with it."""
    size = 0
    for place, row in enumerate(rows):
        size += zstandard.frame_content_size(row["body"])
        if place and size > _UNPACKED_AT_ONCE:
            return
        yield row


async def settle(
    conn: Connection, job: Job, events: Sequence[Kept], again: Sequence[Arrival]
) -> None:
    """Keep what *events* did *again*, and the place behind them."""
    pairs = list(zip(events, again, strict=True))
    states = [state_after(event.state, one) for event, one in pairs]
    await conn.execute(
        SQL["settle"],
        *_key(job)[:2],
        [event.topic for event in events],
        [event.webhook_id for event in events],
        states,
        [one.error if state == "dead" else None for one, state in zip(again, states, strict=True)],
        [one.outcome for one in again],
        [one.resource_id for one in again],
    )
    last = events[-1]
    done = Counter(one.state for one in again)
    await conn.execute(
        SQL["advance"],
        *_key(job),
        *(last.received_at, last.topic, last.webhook_id),
        len(events),
        *(done[state] for state in ("applied", "stale", "ignored", "dead")),
    )


async def domains(conn: Connection, owner: Owner) -> Sequence[str]:
    """Return every domain that a shop has or had, the present one first."""
    row = await conn.fetchrow(SQL["domains"], owner.tenant_id, owner.shop_id)
    return [row["shop_domain"], *row["former"]] if row else [""]


def _key(job: Job) -> tuple[object, ...]:
    return (job.owner.tenant_id, job.owner.shop_id, job.job_id)
