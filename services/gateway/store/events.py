"""The log of webhook deliveries as the API tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.gateway.events import (
    CountQuery,
    Counts,
    Event,
    EventQuery,
    Filters,
    Freshness,
    HourCount,
    Outcome,
    Replay,
    ResourceFreshness,
    State,
    Step,
    TopicCount,
    Trace,
)
from services.gateway.store import analytics
from shared.event_log import Log, Position, Search
from shared.postgres import Connection, Record, load_queries
from shared.shopify.resources import RESOURCES

SQL = load_queries("services.gateway.store", "events.sql")


def search(filters: Filters, states: Sequence[State] | None) -> Search:
    """Return what *filters* ask for, of these *states*."""
    return Search(
        states=states,
        topic=filters.topic,
        webhook_id=filters.webhook_id,
        event_id=filters.event_id,
        resource_id=filters.resource_id,
        order_name=filters.order_name,
        received_from=filters.received_from,
        received_to=filters.received_to,
    )


async def page(log: Log, query: EventQuery, *, after: Position | None) -> list[Event]:
    """Return a page of deliveries, newest first, and one more when there are more."""
    wanted = search(query, [query.state] if query.state else None)
    rows = await log.page(wanted, after=after, limit=query.limit + 1)
    return [Event.model_validate(_event(row)) for row in rows]


async def trace(log: Log, webhook_id: str, topic: str) -> Trace:
    """Return one delivery with its way."""
    wanted = Search(webhook_id=webhook_id, topic=topic)
    (row,) = await log.page(wanted, after=None, limit=1)
    steps = [Step.model_validate(dict(step)) for step in await log.steps(webhook_id, topic)]
    return Trace.model_validate(_event(row) | {"steps": steps})


async def counts(log: Log, query: CountQuery, *, since: datetime, until: datetime) -> Counts:
    """Count deliveries received from *since* until *until*."""
    between = query.model_copy(update={"received_from": since, "received_to": until})
    rows = await log.counts(search(between, [query.state] if query.state else None))
    topics = _by_state([row for row in rows if row["per"] == "topic"], "topic")
    hours = _by_state([row for row in rows if row["per"] == "hour"], "hour")
    return Counts(
        received_from=since,
        received_to=until,
        states={row["state"]: row["deliveries"] for row in rows if row["per"] == "state"},
        topics=[TopicCount.model_validate({"topic": k, "states": v}) for k, v in topics.items()],
        hours=[HourCount.model_validate({"hour": k, "states": v}) for k, v in hours.items()],
    )


async def replays(
    log: Log,
    job_id: UUID | None = None,
    *,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 1,
) -> list[Replay]:
    """Return replays with their progress, newest first."""
    rows = await log.replays(job_id, after=after, limit=limit)
    return [Replay.model_validate(dict(row)) for row in rows]


async def freshness(conn: Connection, shop_id: int) -> Freshness:
    """Return how far what we show is behind Shopify."""
    row = await conn.fetchrow(SQL["freshness"], shop_id)
    polled = await conn.fetch(SQL["polled"], shop_id, list(RESOURCES))
    pending, oldest = await analytics.freshness(conn, shop_id)
    resources = [ResourceFreshness.model_validate(dict(one)) for one in polled]
    return Freshness.model_validate(
        dict(row or {})
        | {"pending_orders": pending, "oldest_pending_at": oldest, "resources": resources}
    )


def _event(row: Record) -> dict[str, object]:
    told = [one.split(":", 2) for one in (row["outcome"] or "").split()]
    outcomes = [Outcome(kind=kind, id=key, outcome=what) for kind, key, what in told]
    return dict(row) | {"outcomes": outcomes}


def _by_state(rows: Sequence[Record], key: str) -> Mapping[object, dict[str, int]]:
    found: dict[object, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row[key], {})[row["state"]] = row["deliveries"]
    return found
