"""The windows of a full sync, each with its bulk operation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from services.syncer.domain.jobs import Job
from services.syncer.domain.operations import Operation, Planned
from services.syncer.domain.windows import Piece
from shared.postgres import Connection, load_queries
from shared.shopify.snapshots import BulkFinished

SQL = load_queries(__package__, "operations.sql")

# At most so many bulk queries of one app run at once in a shop, from API version 2026-01 on.
SLOTS = 5


async def plan(conn: Connection, job: Job, pieces: Sequence[Piece], *, after: int = 0) -> None:
    """Add windows, numbered from *after* + 1."""
    await conn.execute(
        SQL["plan"],
        *_key(job),
        after,
        [one.search for one in pieces],
        [one.start for one in pieces],
        [one.end for one in pieces],
        [one.count for one in pieces],
    )


async def windows(conn: Connection, job: Job) -> list[Planned]:
    """Return the windows of *job*, newest first, without those that were cut."""
    rows = await conn.fetch(SQL["windows"], *_key(job))
    return [
        Planned(
            number=row["window_no"],
            search=row["search"],
            start=row["created_from"],
            end=row["created_until"],
            gid=row["gid"],
            roots_done=row["roots_done"],
            roots=row["roots"],
            done=row["done"],
            error=row["error"],
        )
        for row in rows
    ]


async def claim_slot(conn: Connection, job: Job, number: int) -> bool:
    """Take one of the shop's slots for a window, in the caller's transaction; say whether."""
    await conn.execute(SQL["lock_slots"], str(job.owner.shop_id))
    return bool(await conn.fetchval(SQL["claim_slot"], *_key(job), number, SLOTS))


async def note(
    conn: Connection,
    job: Job,
    number: int,
    *,
    operation: Operation | None,
    error: str | None = None,
) -> None:
    """Remember how far Shopify is with a window; no operation means that it starts again."""
    known = operation or Operation(id="", status="planned")
    await conn.execute(
        SQL["note"],
        *_key(job),
        number,
        known.id or None,
        known.status.lower(),
        int(known.object_count),
        int(known.root_object_count),
        known.url,
        error,
    )


async def tell(conn: Connection, ends: Iterable[BulkFinished]) -> None:
    """Remember that Shopify announced the end of operations."""
    known = sorted({(one.owner.tenant_id, one.owner.shop_id, one.gid) for one in ends})
    if known:
        await conn.execute(SQL["tell"], *([key[n] for key in known] for n in range(3)))


async def was_told(conn: Connection, job: Job, number: int, gid: str) -> bool:
    """Say whether Shopify announced the end of a window's operation."""
    return bool(await conn.fetchval(SQL["was_told"], *_key(job), number, gid))


async def count(conn: Connection, job: Job, number: int, roots: int) -> None:
    """Count objects of a window's file as done, in the transaction that writes them."""
    await conn.execute(SQL["count"], *_key(job), number, roots)


async def done(conn: Connection, job: Job, number: int) -> None:
    """End a window: everything in its file is committed."""
    await conn.execute(SQL["done"], *_key(job), number)


async def split(
    conn: Connection, job: Job, number: int, pieces: Sequence[Piece], *, why: str
) -> list[Planned]:
    """Put *pieces* in the place of a window; return them."""
    last = await conn.fetchval(SQL["last_number"], *_key(job))
    await conn.execute(SQL["split"], *_key(job), number, why)
    await plan(conn, job, pieces, after=last)
    return [one for one in await windows(conn, job) if one.number > last]


async def reopen(conn: Connection, job: Job, number: int, *, why: str) -> None:
    """Let a window that was done run once more."""
    await conn.execute(SQL["reopen"], *_key(job), number, why)


def _key(job: Job) -> tuple[str, int, UUID]:
    return (job.owner.tenant_id, job.owner.shop_id, job.job_id)
