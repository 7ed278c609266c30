"""Endpoints of outgoing webhooks: add, change, try, look at what was sent, send again."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from services.gateway import domain
from services.gateway.endpoints import (
    Endpoint,
    EndpointSecret,
    EndpointWanted,
    MessageQuery,
    Replayed,
    ResendWanted,
    RotationWanted,
)
from services.gateway.handlers.catalogue import paged
from services.gateway.routing import Call, Nothing, Reply
from services.gateway.shopify import SHOPIFY
from services.gateway.store import accounts, endpoints
from shared.clock import now
from shared.errors import Conflict, NotFound
from shared.outgoing import Told
from shared.outgoing_webhooks import checked_url, new_secret
from shared.postgres import POOL, Connection, tenant_transaction, translated

# Whether webhooks may go to http and into private networks: while developing.
ANYWHERE = web.AppKey("ANYWHERE", bool)

_MOST: Final = 20


@asynccontextmanager
async def _tenants(call: Call[Any]) -> AsyncIterator[Connection]:
    with translated():
        async with tenant_transaction(call.app[POOL], call.principal.tenant_id) as conn:
            yield conn


@asynccontextmanager
async def _named(call: Call[Any]) -> AsyncIterator[tuple[Connection, uuid.UUID]]:
    """Open the caller's transaction and find the endpoint that the path names."""
    endpoint_id = uuid.UUID(call.text("endpoint_id"))
    async with _tenants(call) as conn:
        await _shown(conn, endpoint_id)
        yield conn, endpoint_id


async def _shown(conn: Connection, endpoint_id: uuid.UUID) -> Endpoint:
    found = await endpoints.endpoints(conn, endpoint_id)
    if not found:
        raise NotFound("no such endpoint", details={"resource": "endpoint", "id": str(endpoint_id)})
    return found[0]


async def list_endpoints(call: Call[Nothing]) -> Reply:
    """List your endpoints."""
    async with _tenants(call) as conn:
        return Reply(data=await endpoints.endpoints(conn))


async def show_endpoint(call: Call[Nothing]) -> Reply:
    """Show an endpoint and how it fares."""
    async with _named(call) as (conn, endpoint_id):
        return Reply(data=await _shown(conn, endpoint_id))


async def add_endpoint(call: Call[EndpointWanted]) -> Reply:
    """Add an endpoint; its secret is shown this once."""
    checked_url(call.asked.url, anywhere=call.app[ANYWHERE])
    tenant_id, endpoint_id, secret = call.principal.tenant_id, uuid.uuid4(), new_secret()
    async with _tenants(call) as conn:
        if await endpoints.count(conn, tenant_id) >= _MOST:
            raise Conflict(f"there are {_MOST} endpoints already", code="too_many_endpoints")
        sealed = _sealed(call, endpoint_id, secret)
        await endpoints.insert(conn, tenant_id, endpoint_id, call.asked, sealed)
        await _note(conn, call, "endpoint.added", endpoint_id)
        shown = await _shown(conn, endpoint_id)
    return Reply(data=EndpointSecret(**shown.model_dump(), secret=secret))


async def change_endpoint(call: Call[EndpointWanted]) -> Reply:
    """Change where an endpoint is and what it gets."""
    checked_url(call.asked.url, anywhere=call.app[ANYWHERE])
    async with _named(call) as (conn, endpoint_id):
        await endpoints.update(conn, endpoint_id, call.asked)
        await _note(conn, call, "endpoint.changed", endpoint_id)
        return Reply(data=await _shown(conn, endpoint_id))


async def delete_endpoint(call: Call[Nothing]) -> Reply:
    """Delete an endpoint with all that was or is to be sent to it."""
    async with _named(call) as (conn, endpoint_id):
        shown = await _shown(conn, endpoint_id)
        await endpoints.delete(conn, endpoint_id)
        await _note(conn, call, "endpoint.deleted", endpoint_id)
    return Reply(data=shown)


async def rotate_secret(call: Call[RotationWanted]) -> Reply:
    """Make a new secret, shown this once; the former signs too for some hours."""
    secret, hours = new_secret(), call.asked.overlap_hours
    async with _named(call) as (conn, endpoint_id):
        sealed = _sealed(call, endpoint_id, secret)
        await endpoints.rotate(conn, endpoint_id, sealed, overlap_hours=hours)
        await _note(conn, call, "endpoint.rotated", endpoint_id, {"overlap_hours": hours})
        shown = await _shown(conn, endpoint_id)
    return Reply(data=EndpointSecret(**shown.model_dump(), secret=secret))


async def enable_endpoint(call: Call[Nothing]) -> Reply:
    """Enable an endpoint; what waits is sent."""
    async with _named(call) as (conn, endpoint_id):
        await endpoints.enable(conn, endpoint_id)
        await _note(conn, call, "endpoint.enabled", endpoint_id)
        return Reply(data=await _shown(conn, endpoint_id))


async def disable_endpoint(call: Call[Nothing]) -> Reply:
    """Disable an endpoint; events of the time until it is enabled are not kept for it."""
    async with _named(call) as (conn, endpoint_id):
        await endpoints.disable(conn, endpoint_id, "by its owner")
        await _note(conn, call, "endpoint.disabled", endpoint_id)
        return Reply(data=await _shown(conn, endpoint_id))


async def ping(call: Call[Nothing]) -> Reply:
    """Send a ping to an endpoint; look at its message for what came of it."""
    event = Told(
        event_id=uuid.uuid4(),
        tenant_id=uuid.UUID(call.principal.tenant_id),
        shop_id=0,
        shop_domain=None,
        type="ping",
        occurred_at=now(),
    )
    async with _named(call) as (conn, endpoint_id):
        if (await _shown(conn, endpoint_id)).disabled_at:
            raise Conflict("the endpoint is disabled, enable it first", code="endpoint_disabled")
        await endpoints.queue(conn, endpoint_id, event)
        await _note(conn, call, "endpoint.pinged", endpoint_id)
        return Reply(data=await endpoints.message(conn, endpoint_id, event.event_id))


async def list_messages(call: Call[MessageQuery]) -> Reply:
    """List what was or is to be sent to an endpoint, newest first."""
    position = domain.decode_cursor(call.asked.cursor, tuple[datetime, uuid.UUID])
    async with _named(call) as (conn, endpoint_id):
        rows = await endpoints.messages(conn, endpoint_id, call.asked, after=position)
    return paged(rows, call.asked.limit, "created_at", "event_id")


async def show_message(call: Call[Nothing]) -> Reply:
    """Show a message with its body and each attempt to send it."""
    event_id = uuid.UUID(call.text("event_id"))
    async with _named(call) as (conn, endpoint_id):
        found = await endpoints.message(conn, endpoint_id, event_id)
    if found is None:
        raise _no_message(event_id)
    return Reply(data=found)


async def replay(call: Call[ResendWanted]) -> Reply:
    """Send messages again: one, or those of a state and time; failed ones if nothing is said."""
    async with _named(call) as (conn, endpoint_id):
        found = await endpoints.replay(conn, endpoint_id, call.asked)
        if call.asked.event_id and not found:
            raise _no_message(call.asked.event_id)
        await _note(conn, call, "endpoint.replayed", endpoint_id, {"messages": found})
    return Reply(data=Replayed(messages=found))


def _no_message(event_id: uuid.UUID) -> NotFound:
    return NotFound("no such message", details={"resource": "message", "id": str(event_id)})


def _sealed(call: Call[Any], endpoint_id: uuid.UUID, secret: str) -> str:
    purpose = f"endpoint {endpoint_id}"
    tenant_id = call.principal.tenant_id
    return call.app[SHOPIFY].ring.seal(secret, tenant_id=tenant_id, shop_id=0, purpose=purpose)


async def _note(
    conn: Connection,
    call: Call[Any],
    action: str,
    endpoint_id: uuid.UUID,
    details: Mapping[str, object] | None = None,
) -> None:
    entry = accounts.Entry(
        tenant_id=call.principal.tenant_id,
        actor=call.principal.subject,
        action=action,
        target=str(endpoint_id),
        details=dict(details or {}),
        request_id=call.request_id,
    )
    await accounts.audit(conn, entry)
