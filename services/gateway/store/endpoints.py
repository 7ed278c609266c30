"""Endpoints of outgoing webhooks, and what was sent to them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.gateway.endpoints import (
    Attempt,
    Endpoint,
    EndpointWanted,
    Message,
    MessageDetail,
    MessageQuery,
    ResendWanted,
)
from shared.outgoing import Told
from shared.postgres import Connection, load_queries

SQL = load_queries("services.gateway.store", "endpoints.sql")


async def endpoints(conn: Connection, endpoint_id: UUID | None = None) -> list[Endpoint]:
    """Return the tenant's endpoints, or the one named."""
    rows = await conn.fetch(SQL["endpoints"], endpoint_id)
    return [Endpoint.model_validate(dict(row)) for row in rows]


async def count(conn: Connection, tenant_id: str) -> int:
    """Return how many there are; nobody else adds one until the transaction ends."""
    await conn.execute(SQL["lock_tenant"], tenant_id)
    found: int = await conn.fetchval(SQL["count"])
    return found


async def insert(
    conn: Connection, tenant_id: str, endpoint_id: UUID, wanted: EndpointWanted, sealed: str
) -> None:
    """Add an endpoint with its sealed secret."""
    facts = (wanted.url, wanted.description, wanted.event_types)
    await conn.execute(SQL["insert"], tenant_id, endpoint_id, *facts, sealed)


async def update(conn: Connection, endpoint_id: UUID, wanted: EndpointWanted) -> None:
    """Change where an endpoint is and what it gets."""
    facts = (wanted.url, wanted.description, wanted.event_types)
    await conn.execute(SQL["update"], endpoint_id, *facts)


async def delete(conn: Connection, endpoint_id: UUID) -> None:
    """Forget an endpoint and everything that was or is to be sent to it."""
    await conn.execute(SQL["delete"], endpoint_id)


async def rotate(conn: Connection, endpoint_id: UUID, sealed: str, *, overlap_hours: int) -> None:
    """Sign by a new secret from now on, and for some hours by the former too."""
    await conn.execute(SQL["rotate"], endpoint_id, sealed, overlap_hours)


async def enable(conn: Connection, endpoint_id: UUID) -> None:
    """Send again, beginning with what waits."""
    await conn.execute(SQL["enable"], endpoint_id)


async def disable(conn: Connection, endpoint_id: UUID, reason: str) -> None:
    """Send nothing until it is enabled."""
    await conn.execute(SQL["disable"], endpoint_id, reason)


async def queue(conn: Connection, endpoint_id: UUID, event: Told) -> None:
    """Send *event* to one endpoint."""
    await conn.execute(
        SQL["insert_message"],
        event.tenant_id,
        event.shop_id,
        endpoint_id,
        event.event_id,
        event.type,
        event.body.decode(),
    )


async def messages(
    conn: Connection,
    endpoint_id: UUID,
    query: MessageQuery,
    *,
    after: tuple[datetime, UUID] | None,
) -> list[Message]:
    """Return a page of messages, newest first, and one more."""
    at, event_id = after or (None, None)
    rows = await conn.fetch(
        SQL["messages"], endpoint_id, query.state, at, event_id, query.limit + 1
    )
    return [Message.model_validate(dict(row)) for row in rows]


async def message(conn: Connection, endpoint_id: UUID, event_id: UUID) -> MessageDetail | None:
    """Return a message with its attempts."""
    row = await conn.fetchrow(SQL["message"], endpoint_id, event_id)
    if row is None:
        return None
    rows = await conn.fetch(SQL["attempts"], row["shop_id"], endpoint_id, event_id)
    attempts = [Attempt.model_validate(dict(one)) for one in rows]
    return MessageDetail.model_validate({**row, "attempt_list": attempts})


async def replay(conn: Connection, endpoint_id: UUID, wanted: ResendWanted) -> int:
    """Send messages again, from the first attempt on; return how many."""
    done = await conn.execute(
        SQL["replay"],
        endpoint_id,
        wanted.event_id,
        wanted.states,
        wanted.created_from,
        wanted.created_to,
    )
    return int(done.rpartition(" ")[2])
