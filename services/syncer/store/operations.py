"""The windows of a full sync, each with its bulk operation."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.syncer.domain.jobs import Job
from services.syncer.domain.operations import Operation, Planned
from shared.postgres import Connection, load_queries

SQL = load_queries(__package__, "operations.sql")


async def plan(conn: Connection, job: Job, searches: Sequence[str]) -> None:
    await conn.execute(SQL["plan"], *_key(job), list(searches))


async def windows(conn: Connection, job: Job) -> list[Planned]:
    rows = await conn.fetch(SQL["windows"], *_key(job))
    return [
        Planned(number=row["window_no"], search=row["search"], gid=row["gid"], done=row["done"])
        for row in rows
    ]


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


async def count(conn: Connection, job: Job, number: int, roots: int) -> None:
    await conn.execute(SQL["count"], *_key(job), number, roots)


async def done(conn: Connection, job: Job, number: int) -> None:
    await conn.execute(SQL["done"], *_key(job), number)


def _key(job: Job) -> tuple[str, int, UUID]:
    return (job.owner.tenant_id, job.owner.shop_id, job.job_id)
