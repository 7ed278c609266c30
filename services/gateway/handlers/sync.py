"""Sync jobs and verifications: ask for them, follow them, and see what there is."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from services.gateway import domain
from services.gateway.handlers.catalogue import paged, store_of
from services.gateway.models import Paging, Store
from services.gateway.routing import Call, Nothing, Reply
from services.gateway.store import accounts, syncing
from services.gateway.syncing import (
    JobQuery,
    SyncOneWanted,
    SyncWanted,
    Topics,
    TopicsWanted,
    UsageQuery,
    VerificationWanted,
)
from services.gateway.telling import tell_jobs_wait
from shared.errors import Conflict, NotFound
from shared.postgres import Connection


async def start(call: Call[SyncWanted]) -> Reply:
    """Queue a job for each kind; one that is queued or running already is returned instead."""
    return await _started(call, call.asked.kinds, mode=_mode(full=call.asked.full_sync))


async def start_one(call: Call[SyncOneWanted]) -> Reply:
    """Queue a job for one kind."""
    return await _started(call, [call.text("kind")], mode=_mode(full=call.asked.full_sync))


async def start_verification(call: Call[VerificationWanted]) -> Reply:
    """Queue a comparison of each kind with Shopify; see the verification of each job's id."""
    return await _started(call, call.asked.kinds, mode="verify", repair=call.asked.repair)


def _mode(*, full: bool) -> Literal["full", "incremental"]:
    return "full" if full else "incremental"


async def _started(
    call: Call[Any],
    kinds: Sequence[str],
    *,
    mode: Literal["full", "incremental", "verify"],
    repair: bool = False,
) -> Reply:
    async with store_of(call) as (conn, store):
        if not store.is_active:
            raise Conflict(f"the store is {store.status}", code="store_not_active")
        wanted = syncing.JobWanted(
            tenant_id=call.principal.tenant_id,
            shop_id=store.shop_id,
            kinds=kinds,
            mode=mode,
            trigger="manual",
            requested_by=call.principal.subject,
            repair=repair,
        )
        await syncing.queue_jobs(conn, wanted)
        jobs = await syncing.live_jobs(conn, wanted)
        if repair and not all(job.repair for job in jobs):
            raise Conflict(
                "a verification that does not repair is under way", code="verification_running"
            )
    await tell_jobs_wait(call.app, call.principal.tenant_id, store.shop_id)
    return Reply(data=jobs)


async def list_jobs(call: Call[JobQuery]) -> Reply:
    """List sync jobs, newest first, with their progress."""
    position = domain.decode_cursor(call.asked.cursor, tuple[datetime, uuid.UUID])
    async with store_of(call) as (conn, store):
        rows = await syncing.jobs(conn, store.shop_id, call.asked, after=position)
    return paged(rows, call.asked.limit, "created_at", "job_id")


async def show_job(call: Call[Nothing]) -> Reply:
    """Show a sync job with its progress and its windows."""
    job_id = call.text("job_id")
    async with store_of(call) as (conn, store):
        job = await syncing.job(conn, store.shop_id, job_id)
    if job is None:
        raise NotFound("no such job", details={"resource": "job", "id": job_id})
    return Reply(data=job)


async def show_verification(call: Call[Paging]) -> Reply:
    """Show what a verification or a nightly sample found; the page is one of its differences."""
    job_id, limit = call.text("job_id"), call.asked.limit
    position = domain.decode_cursor(call.asked.cursor, tuple[int])
    async with store_of(call) as (conn, store):
        found = await syncing.verification(
            conn, store.shop_id, job_id, after=position[0] if position else None, limit=limit
        )
    if found is None:
        raise NotFound("no such verification", details={"resource": "verification", "id": job_id})
    differences = paged(found.difference_list, limit, "id")
    return Reply(
        data=found.model_copy(update={"difference_list": differences.data}), page=differences.page
    )


async def show_status(call: Call[Nothing]) -> Reply:
    """Show where the polls of each kind stand."""
    async with store_of(call) as (conn, store):
        return Reply(data=await syncing.sync_states(conn, store.shop_id))


async def list_resources(call: Call[Nothing]) -> Reply:
    """List what Shopify lets us read of a store, what is missing for the rest, and what is here."""
    async with store_of(call) as (conn, store):
        return Reply(data=await syncing.resources(conn, store.shop_id))


async def show_usage(call: Call[UsageQuery]) -> Reply:
    """Show the Admin API requests and points of each day, newest first."""
    async with store_of(call) as (conn, store):
        return Reply(data=await syncing.usage(conn, store.shop_id, call.asked.days))


async def list_schema_drift(call: Call[Paging]) -> Reply:
    """List API versions, words and fields of Shopify's that we do not know, newest first."""
    limit = call.asked.limit
    position = domain.decode_cursor(call.asked.cursor, tuple[datetime, str, str])
    async with store_of(call) as (conn, store):
        rows = await syncing.schema_drift(conn, store.shop_id, after=position, limit=limit)
    return paged(rows, limit, "first_seen", "kind", "what")


async def show_topics(call: Call[Nothing]) -> Reply:
    """Show which webhook topics a store is to send."""
    async with store_of(call) as (conn, store):
        return Reply(data=Topics(topics=await syncing.topics(conn, store.shop_id)))


async def choose_topics(call: Call[TopicsWanted]) -> Reply:
    """Choose which webhook topics a store is to send; the next shop job, queued now, sees to it."""
    async with store_of(call) as (conn, store):
        await choose(call, conn, store, call.asked.topics)
    await tell_jobs_wait(call.app, call.principal.tenant_id, store.shop_id)
    return Reply(data=Topics(topics=call.asked.topics))


async def choose(call: Call[Any], conn: Connection, store: Store, topics: list[str] | None) -> None:
    """Write down the *topics* that a store is to send, and queue the job that sees to it."""
    await syncing.choose_topics(conn, store.shop_id, topics)
    await queue_shop_job(call, conn, store)
    entry = accounts.Entry(
        tenant_id=call.principal.tenant_id,
        actor=call.principal.subject,
        action="store.topics_chosen",
        target=store.shop_domain,
        details={"shop_id": store.shop_id, "topics": topics},
        request_id=call.request_id,
    )
    await accounts.audit(conn, entry)


async def queue_shop_job(call: Call[Any], conn: Connection, store: Store) -> syncing.JobWanted:
    """Queue what makes a store's subscriptions right, unless it waits or runs already."""
    wanted = syncing.JobWanted(
        tenant_id=call.principal.tenant_id,
        shop_id=store.shop_id,
        kinds=["shop"],
        mode="incremental",
        trigger="manual",
        requested_by=call.principal.subject,
    )
    await syncing.queue_jobs(conn, wanted)
    return wanted
