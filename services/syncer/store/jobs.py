"""Sync jobs: claimed by lease, fenced by its id, with progress anyone can read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from services.syncer.domain.jobs import LEASE, Job, LeaseLost
from shared.postgres import Connection, load_queries
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Owner

SQL = load_queries(__package__, "jobs.sql")

_KINDS = ("shop", "webhooks", *RESOURCES)


async def claim(conn: Connection, *, may_be_full: bool = True) -> Job | None:
    """Take the next job that is due, or one whose owner died."""
    row = await conn.fetchrow(SQL["claim"], uuid.uuid4(), LEASE, may_be_full, _KINDS)
    if row is None:
        return None
    return Job(
        owner=Owner(tenant_id=row["tenant_id"], shop_id=row["shop_id"]),
        job_id=row["job_id"],
        lease_id=row["lease_id"],
        kind=row["kind"],
        mode=row["mode"],
        attempts=row["attempts"],
        started_at=row["started_at"],
    )


async def renew(conn: Connection, job: Job) -> None:
    """Keep the lease; raise LeaseLost when it is another's."""
    if not await conn.fetchval(SQL["renew"], *_key(job), LEASE):
        raise LeaseLost


async def progress(conn: Connection, job: Job, rows: int, *, forgives: bool = True) -> None:
    """Count *rows* as done in the transaction that writes them; raise LeaseLost to undo it.

    It *forgives* earlier failures unless the next run does the same again.
    """
    if not await conn.fetchval(SQL["progress"], *_key(job), rows, LEASE, forgives):
        raise LeaseLost


async def expect(conn: Connection, job: Job, rows: int) -> None:
    await conn.execute(SQL["expect"], *_key(job), rows)


async def expected(conn: Connection, job: Job) -> int | None:
    """Return how many rows were expected when the job was planned."""
    found: int | None = await conn.fetchval(SQL["expected"], *_key(job)[:3])
    return found


async def warn(conn: Connection, job: Job, warning: str | None) -> None:
    """Tell what is doubtful about a job that goes on nevertheless."""
    await conn.execute(SQL["warn"], *_key(job), warning)


async def recount(conn: Connection, job: Job) -> None:
    """Make rows_done the sum of the windows: after a restart some are read again."""
    await conn.execute(SQL["recount"], *_key(job))


async def attempts(conn: Connection, job: Job) -> int:
    """Return how often the job failed since its last progress; raise LeaseLost when not ours."""
    found: int | None = await conn.fetchval(SQL["attempts"], *_key(job))
    if found is None:
        raise LeaseLost
    return found


async def put_back(conn: Connection, job: Job, *, seconds: float, error: str | None) -> None:
    """Let the job wait; *error* counts as one more attempt, none as a pause."""
    wait = timedelta(seconds=seconds)
    await conn.execute(SQL["put_back"], *_key(job), int(error is not None), wait, error)


async def finish(
    conn: Connection,
    job: Job,
    *,
    error: str | None,
    outcome: Literal["failed", "skipped"] = "failed",
) -> None:
    """End the job and note when its kind was last synced; raise LeaseLost when it is not ours.

    *outcome* is what an *error* makes of it.
    """
    status = "succeeded" if error is None else outcome
    if not await conn.fetchval(SQL["finish"], *_key(job), status, error):
        raise LeaseLost
    if not job.writes:
        return
    owner = job.owner
    await conn.execute(SQL["remember_run"], owner.tenant_id, owner.shop_id, job.kind, error)
    if error is None and job.mode == "full":
        key = (owner.tenant_id, owner.shop_id)
        await conn.execute(SQL["remember_full"], *key, job.kind, job.started_at)
        if job.kind == "inventory":
            await conn.execute(SQL["remember_levels"], *key, job.started_at)


async def cursor(conn: Connection, job: Job, kind: str) -> tuple[datetime | None, int | None]:
    """Return where the polls of *kind* stand."""
    row = await conn.fetchrow(SQL["cursor"], job.owner.tenant_id, job.owner.shop_id, kind)
    return (row["cursor_updated_at"], row["cursor_id"]) if row else (None, None)


async def move_cursor(
    conn: Connection, job: Job, kind: str, *, to: datetime, object_id: int | None = None
) -> None:
    """Move the cursor forward, never back."""
    owner = job.owner
    await conn.execute(SQL["move_cursor"], owner.tenant_id, owner.shop_id, kind, to, object_id)


async def place(conn: Connection, job: Job) -> tuple[datetime, int] | None:
    """Return the (updated_at, id) up to which an earlier run of *job* got, None at its first."""
    row = await conn.fetchrow(SQL["place"], *_key(job))
    return (row["at"], row["id"]) if row and row["at"] else None


async def remember_place(conn: Connection, job: Job, at: datetime, object_id: int) -> None:
    """Have the next run go on here; a new place forgives earlier failures."""
    await conn.execute(SQL["remember_place"], *_key(job), at, object_id)


async def ask_for_shops(conn: Connection, owners: Sequence[Owner]) -> None:
    """Queue a job that reads these shops and what they allow, unless one waits already."""
    await conn.execute(
        SQL["ask_for_shops"], [one.tenant_id for one in owners], [one.shop_id for one in owners]
    )


async def ask_for_full(conn: Connection, owner: Owner, kinds: Sequence[str]) -> None:
    """Queue full syncs of *kinds*, unless they wait already."""
    await conn.execute(SQL["ask_for_full"], owner.tenant_id, owner.shop_id, kinds)


async def cancel_left(conn: Connection) -> None:
    """End the jobs of disconnected stores that no process has in hand."""
    await conn.execute(SQL["cancel_left"])


async def level_cursors(conn: Connection, job: Job) -> dict[int, datetime | None]:
    """Return where the polls of each location's levels stand; None where they never began."""
    rows = await conn.fetch(SQL["level_cursors"], job.owner.tenant_id, job.owner.shop_id)
    return {row["location_id"]: row["cursor_updated_at"] for row in rows}


async def move_level_cursor(conn: Connection, job: Job, location_id: int, *, to: datetime) -> None:
    owner = job.owner
    await conn.execute(SQL["move_level_cursor"], owner.tenant_id, owner.shop_id, location_id, to)


async def schedule(conn: Connection, intervals: Mapping[str, int]) -> None:
    """Queue the polls that are due; *intervals* are seconds per job kind."""
    await conn.execute(SQL["schedule"], list(intervals), list(intervals.values()))


async def schedule_full(conn: Connection, kinds: Sequence[str], seconds: int) -> None:
    """Queue full syncs of *kinds*: those older than *seconds*, and first ones that are owed."""
    await conn.execute(SQL["schedule_full"], seconds, kinds)


def _key(job: Job) -> tuple[str, int, uuid.UUID, uuid.UUID]:
    return (job.owner.tenant_id, job.owner.shop_id, job.job_id, job.lease_id)
