"""How far copies and verifications are, and the one write that the syncer invites: a job."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.gateway.syncing import (
    DayUsage,
    Difference,
    Job,
    JobDetail,
    JobQuery,
    JobWindow,
    ResourceState,
    SchemaDrift,
    SyncStatus,
    Verification,
)
from shared.postgres import Connection, Record, load_queries
from shared.shopify.resources import RESOURCES

SQL = load_queries("services.gateway.store", "syncing.sql")
# Each resource and a kind of object that is read again by id for it.
_READ_AGAIN = (
    *((name, resource.kind) for name, resource in RESOURCES.items()),
    ("inventory", "inventory_level"),
    ("inventory", "location"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWanted:
    """What to queue for a store: one job per kind."""

    tenant_id: str
    shop_id: int
    kinds: Sequence[str]
    mode: Literal["full", "incremental", "verify"]
    trigger: Literal["connect", "manual"]
    requested_by: str
    repair: bool = False


async def queue_jobs(conn: Connection, wanted: JobWanted) -> None:
    """Queue what is not queued or running already."""
    for kind in wanted.kinds:
        await conn.execute(
            SQL["insert_job"],
            wanted.tenant_id,
            wanted.shop_id,
            kind,
            wanted.mode,
            wanted.trigger,
            wanted.requested_by,
            wanted.repair,
        )


async def live_jobs(conn: Connection, wanted: JobWanted) -> list[Job]:
    """Return the queued and running jobs that answer *wanted*."""
    rows = await conn.fetch(SQL["live_jobs"], wanted.shop_id, wanted.mode, list(wanted.kinds))
    return [Job.model_validate(_job(row)) for row in rows]


async def jobs(
    conn: Connection, shop_id: int, query: JobQuery, *, after: tuple[datetime, uuid.UUID] | None
) -> list[Job]:
    """Return a page of jobs, newest first, and one more when there are more."""
    rows = await conn.fetch(
        SQL["jobs"],
        shop_id,
        query.kind,
        query.mode,
        query.status,
        *(after or (None, None)),
        query.limit + 1,
    )
    return [Job.model_validate(_job(row)) for row in rows]


async def job(conn: Connection, shop_id: int, job_id: str) -> JobDetail | None:
    """Return one job with its progress and its windows."""
    row = await conn.fetchrow(SQL["job"], shop_id, job_id)
    if row is None:
        return None
    windows = await conn.fetch(SQL["windows"], shop_id, job_id)
    window_list = [JobWindow.model_validate(dict(window)) for window in windows]
    return JobDetail.model_validate(_job(row) | {"window_list": window_list})


def _job(row: Record) -> dict[str, object]:
    rate, eta = row["rate"], row["eta"]
    if row["finished_at"] and row["started_at"]:
        seconds = (row["finished_at"] - row["started_at"]).total_seconds()
        rate = row["rows_done"] / seconds if seconds and row["rows_done"] else None
    if row["status"] == "succeeded":
        eta = 0
    return dict(row) | {
        "rows_total": row["total"],
        "rows_per_second": None if rate is None else round(rate),
        "eta_seconds": eta,
    }


async def sync_states(conn: Connection, shop_id: int) -> list[SyncStatus]:
    """Return where the polls of each kind stand."""
    rows = await conn.fetch(SQL["sync_states"], shop_id, *zip(*_READ_AGAIN, strict=True))
    return [SyncStatus.model_validate(dict(row)) for row in rows]


async def verification(
    conn: Connection, shop_id: int, job_id: str, *, after: int | None, limit: int
) -> Verification | None:
    """Return a verification with a page of its differences, and one more when there are more."""
    row = await conn.fetchrow(SQL["verification"], shop_id, job_id)
    if row is None:
        return None
    rows = await conn.fetch(SQL["differences"], shop_id, job_id, after, limit + 1)
    found = [Difference.model_validate(dict(one)) for one in rows]
    return Verification.model_validate(dict(row) | {"difference_list": found})


async def resources(conn: Connection, shop_id: int) -> list[ResourceState]:
    """Return what Shopify lets us read of each resource, and what we have of it."""
    rows = await conn.fetch(SQL["resources"], shop_id, list(RESOURCES))
    return [ResourceState.model_validate(dict(row)) for row in rows]


async def usage(conn: Connection, shop_id: int, days: int) -> list[DayUsage]:
    """Return the last *days* on which the Admin API was asked, newest first."""
    rows = await conn.fetch(SQL["usage"], shop_id, days)
    return [DayUsage.model_validate(dict(row)) for row in rows]


async def schema_drift(
    conn: Connection, shop_id: int, *, after: tuple[datetime, str, str] | None, limit: int
) -> list[SchemaDrift]:
    """Return what Shopify answered that we do not know, newest first, and one more."""
    position = after or (None, None, None)
    rows = await conn.fetch(SQL["schema_drift"], shop_id, *position, limit + 1)
    return [SchemaDrift.model_validate(dict(row)) for row in rows]


async def topics(conn: Connection, shop_id: int) -> list[str] | None:
    """Return which webhook topics the owner of a store chose; None for all."""
    chosen: list[str] | None = await conn.fetchval(SQL["topics"], shop_id)
    return chosen


async def lock_topics(conn: Connection, shop_id: int) -> list[str] | None:
    """Return a store's topics, which nobody else changes until the transaction ends."""
    topics: list[str] | None = await conn.fetchval(SQL["lock_topics"], shop_id)
    return topics


async def choose_topics(conn: Connection, shop_id: int, chosen: list[str] | None) -> None:
    await conn.execute(SQL["choose_topics"], shop_id, chosen)
