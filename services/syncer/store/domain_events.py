"""Events that wait to be told to other systems."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from services.syncer.domain.changes import Change
from services.syncer.domain.jobs import Job
from shared.outgoing import Told
from shared.postgres import Connection, Record, load_queries

SQL = load_queries(__package__, "domain_events.sql")


async def add_changes(conn: Connection, changes: Sequence[Change]) -> None:
    """Add an event for each of *changes* that somebody listens to."""
    await conn.execute(
        SQL["add_changes"],
        [one.tenant_id for one in changes],
        [one.shop_id for one in changes],
        [one.type for one in changes],
        [one.object_id for one in changes],
        [one.location_id for one in changes],
        [one.updated_at for one in changes],
        [one.deleted for one in changes],
    )


async def add_sync_completed(conn: Connection, job: Job) -> None:
    """Add the event that a sync was completed, if somebody listens."""
    owner = job.owner
    await conn.execute(
        SQL["add_sync_completed"], owner.tenant_id, owner.shop_id, job.kind, job.mode, job.job_id
    )


async def claim(conn: Connection, *, limit: int, lease_seconds: float) -> list[Told]:
    """Take up to *limit* events for *lease_seconds*, the oldest first."""
    return [_told(row) for row in await conn.fetch(SQL["claim"], limit, lease_seconds)]


async def handed_on(conn: Connection, events: Sequence[Told]) -> None:
    """Forget *events*: they are queued for whoever listens."""
    await conn.execute(
        SQL["handed_on"],
        [one.tenant_id for one in events],
        [one.shop_id for one in events],
        [one.event_id for one in events],
    )


def _told(row: Record) -> Told:
    return Told(**{**row, "details": orjson.loads(row["details"])})
