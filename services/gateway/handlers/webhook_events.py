"""The log of webhook deliveries: find, count, read, follow and replay them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from aiohttp import web

from services.gateway import domain
from services.gateway.events import (
    CountQuery,
    EventQuery,
    OneEventQuery,
    OneReplayWanted,
    Replay,
    ReplayAsked,
    ReplayWanted,
)
from services.gateway.handlers.catalogue import paged, store_of
from services.gateway.models import Paging, Store
from services.gateway.routing import Call, Nothing, Reply
from services.gateway.store import accounts, events
from services.gateway.telling import tell_jobs_wait
from shared.clock import now
from shared.errors import Conflict, NotFound, Rejected
from shared.event_log import Log, Search, media_type

_COUNTED = timedelta(days=1)
_LONGEST_COUNTED = timedelta(days=31)
_ALONE_RATE = 1.0


@asynccontextmanager
async def _log_of(call: Call[Any]) -> AsyncIterator[tuple[Log, Store]]:
    async with store_of(call) as (conn, store):
        yield Log(conn=conn, tenant_id=call.principal.tenant_id, shop_id=store.shop_id), store


async def list_events(call: Call[EventQuery]) -> Reply:
    """List deliveries, newest first."""
    position = domain.decode_cursor(call.asked.cursor, tuple[datetime, str, str])
    async with _log_of(call) as (log, _):
        rows = await events.page(log, call.asked, after=position)
    return paged(rows, call.asked.limit, "received_at", "topic", "webhook_id")


async def count_events(call: Call[CountQuery]) -> Reply:
    """Count deliveries by state, by topic and by hour; without times of the last 24 hours."""
    until = call.asked.received_to or now()
    since = call.asked.received_from or until - _COUNTED
    if not timedelta() <= until - since <= _LONGEST_COUNTED:
        fields = [{"field": "received_from", "message": "is not within 31 days of received_to"}]
        raise Rejected(
            "the request is not valid", code="validation_failed", details={"fields": fields}
        )
    async with _log_of(call) as (log, _):
        return Reply(data=await events.counts(log, call.asked, since=since, until=until))


async def show_event(call: Call[OneEventQuery]) -> Reply:
    """Show a delivery, with what became of each object and its way from Shopify to the rollup."""
    webhook_id = call.text("webhook_id")
    async with _log_of(call) as (log, _):
        topic = await log.topic_of(webhook_id, call.asked.topic)
        return Reply(data=await events.trace(log, webhook_id, topic))


async def trace_event(call: Call[OneEventQuery]) -> Reply:
    """Show the way of a delivery, step by step with the milliseconds between."""
    return await show_event(call)


async def show_body(call: Call[OneEventQuery]) -> web.Response:
    """Return the body of a delivery as Shopify sent it; that it was read is in the audit log."""
    webhook_id = call.text("webhook_id")
    async with _log_of(call) as (log, store):
        topic = await log.topic_of(webhook_id, call.asked.topic)
        body = await log.body(webhook_id, topic)
        details: dict[str, object] = {"webhook_id": webhook_id, "topic": topic}
        await _audit(call, log, store, "event.body_read", details)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": "attachment",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(body=body, content_type=media_type(body), headers=headers)


async def replay(call: Call[ReplayWanted]) -> Reply:
    """Apply kept deliveries again, or count them; one replay of a store at a time."""
    wanted = events.search(call.asked, call.asked.states)
    async with _log_of(call) as (log, store):
        found = await _replay(call, log, store, wanted, rate=call.asked.rate)
    return await _told(call, store, found)


async def replay_one(call: Call[OneReplayWanted]) -> Reply:
    """Apply one delivery again, whatever its state."""
    webhook_id = call.text("webhook_id")
    async with _log_of(call) as (log, store):
        topic = await log.topic_of(webhook_id, call.asked.topic)
        wanted = Search(webhook_id=webhook_id, topic=topic)
        found = await _replay(call, log, store, wanted, rate=_ALONE_RATE)
    return await _told(call, store, found)


async def _replay(
    call: Call[Any], log: Log, store: Store, wanted: Search, *, rate: float
) -> ReplayAsked:
    counted = dict(await log.matching(wanted) or {})
    if call.asked.dry_run:
        return ReplayAsked.model_validate(counted | {"replay": None})
    if not store.is_active:
        raise Conflict(f"the store is {store.status}", code="store_not_active")
    job_id = await log.ask_replay(wanted, rate=rate, by=call.principal.subject)
    asked = call.asked.model_dump(mode="json", exclude_none=True, exclude={"dry_run"})
    named = {"webhook_id": wanted.webhook_id, "topic": wanted.topic, "job_id": str(job_id)}
    await _audit(call, log, store, "events.replayed", {**asked, **named})
    (replay,) = await events.replays(log, job_id)
    return ReplayAsked.model_validate(counted | {"replay": replay})


async def _told(call: Call[Any], store: Store, found: ReplayAsked) -> Reply:
    if found.replay is not None:
        await tell_jobs_wait(call.app, call.principal.tenant_id, store.shop_id)
    return Reply(data=found)


async def list_replays(call: Call[Paging]) -> Reply:
    """List replays, newest first, with their progress."""
    limit = call.asked.limit
    position = domain.decode_cursor(call.asked.cursor, tuple[datetime, UUID])
    async with _log_of(call) as (log, _):
        rows = await events.replays(log, after=position, limit=limit + 1)
    return paged(rows, limit, "created_at", "job_id")


async def show_replay(call: Call[Nothing]) -> Reply:
    """Show a replay with its progress and what became of the deliveries."""
    async with _log_of(call) as (log, _):
        return Reply(data=await _shown(log, call.text("job_id")))


async def end_replay(call: Call[Nothing]) -> Reply:
    """End a replay; what it applied stays so. One that has ended is shown as it is."""
    job_id = call.text("job_id")
    async with _log_of(call) as (log, store):
        if await log.end_replay(UUID(job_id), by=call.principal.subject):
            await _audit(call, log, store, "events.replay_ended", {"job_id": job_id})
        return Reply(data=await _shown(log, job_id))


async def _shown(log: Log, job_id: str) -> Replay:
    found = await events.replays(log, UUID(job_id))
    if not found:
        raise NotFound("no such replay", details={"resource": "replay", "id": job_id})
    return found[0]


async def show_freshness(call: Call[Nothing]) -> Reply:
    """Show how far what we have is behind Shopify: deliveries, sales and polls."""
    async with store_of(call) as (conn, store):
        return Reply(data=await events.freshness(conn, store.shop_id))


async def _audit(
    call: Call[Any], log: Log, store: Store, action: str, details: dict[str, object]
) -> None:
    entry = accounts.Entry(
        tenant_id=call.principal.tenant_id,
        actor=call.principal.subject,
        action=action,
        target=store.shop_domain,
        details={"shop_id": store.shop_id, **details},
        request_id=call.request_id,
    )
    await accounts.audit(log.conn, entry)
