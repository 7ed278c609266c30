"""Sync jobs: ask for them, follow them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from services.gateway import domain
from services.gateway.handlers.catalogue import paged, store_of
from services.gateway.models import JobQuery, SyncOneWanted, SyncWanted
from services.gateway.routing import Call, Nothing, Reply
from services.gateway.store import commerce
from services.gateway.telling import tell_jobs_wait
from shared.clock import now
from shared.errors import Conflict, NotFound


async def start(call: Call[SyncWanted]) -> Reply:
    """Queue a job for each kind; one that is queued or running already is returned instead."""
    return await _started(call, call.asked.kinds, full=call.asked.full_sync)


async def start_one(call: Call[SyncOneWanted]) -> Reply:
    """Queue a job for one kind."""
    return await _started(call, [call.text("kind")], full=call.asked.full_sync)


async def _started(
    call: Call[SyncWanted] | Call[SyncOneWanted], kinds: Sequence[str], *, full: bool
) -> Reply:
    async with store_of(call) as (conn, store):
        if not store.is_active:
            raise Conflict(f"the store is {store.status}", code="store_not_active")
        wanted = commerce.JobWanted(
            tenant_id=call.principal.tenant_id,
            shop_id=store.shop_id,
            kinds=kinds,
            mode="full" if full else "incremental",
            trigger="manual",
            requested_by=call.principal.subject,
        )
        await commerce.queue_jobs(conn, wanted)
        jobs = await commerce.live_jobs(conn, wanted, now())
    await tell_jobs_wait(call.app, call.principal.tenant_id, store.shop_id)
    return Reply(data=jobs)


async def list_jobs(call: Call[JobQuery]) -> Reply:
    """List sync jobs, newest first, with their progress."""
    position = domain.decode_cursor(call.asked.cursor, tuple[datetime, uuid.UUID])
    async with store_of(call) as (conn, store):
        rows = await commerce.jobs(conn, store.shop_id, call.asked, after=position, now=now())
    return paged(rows, call.asked.limit, "created_at", "job_id")


async def show_job(call: Call[Nothing]) -> Reply:
    """Show a sync job with its progress."""
    job_id = call.text("job_id")
    async with store_of(call) as (conn, store):
        job = await commerce.job(conn, store.shop_id, job_id, now())
    if job is None:
        raise NotFound("no such job", details={"resource": "job", "id": job_id})
    return Reply(data=job)


async def show_status(call: Call[Nothing]) -> Reply:
    """Show where the polls of each kind stand."""
    async with store_of(call) as (conn, store):
        return Reply(data=await commerce.sync_states(conn, store.shop_id))
