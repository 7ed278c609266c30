"""Privacy requests of Shopify's: list, show, and download what a customer asked to see."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from aiohttp import web

from services.gateway import domain
from services.gateway.handlers.catalogue import paged
from services.gateway.privacy import PrivacyRequest, RequestQuery
from services.gateway.routing import Call, Nothing, Reply
from services.gateway.store import accounts, privacy
from shared.errors import Conflict, NotFound
from shared.postgres import POOL, Connection, tenant_transaction, translated


async def list_requests(call: Call[RequestQuery]) -> Reply:
    """List privacy requests of your stores, newest first, with deadline and proof."""
    position = domain.decode_cursor(call.asked.cursor, tuple[datetime, UUID])
    with translated():
        async with tenant_transaction(call.app[POOL], call.principal.tenant_id) as conn:
            rows = await privacy.requests(conn, call.asked, after=position)
    return paged(rows, call.asked.limit, "received_at", "request_id")


async def show_request(call: Call[Nothing]) -> Reply:
    """Show a privacy request with its deadline and its proof."""
    with translated():
        async with tenant_transaction(call.app[POOL], call.principal.tenant_id) as conn:
            return Reply(data=await _named(call, conn))


async def download_export(call: Call[Nothing]) -> web.StreamResponse:
    """Return what is held about a customer as JSON Lines; the audit log tells who took it."""
    with translated():
        async with tenant_transaction(call.app[POOL], call.principal.tenant_id) as conn:
            found = await _named(call, conn)
            first = await privacy.part(conn, found.shop_id, UUID(found.request_id), 0)
            if first is None:
                raise Conflict("there is no export, or it has expired", code="no_export")
            await _audit(call, conn, found)
    response = web.StreamResponse(
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="customer-{found.customer_id}.jsonl"',
            "Content-Type": "application/jsonl",
            "X-Content-Type-Options": "nosniff",
        }
    )
    await response.prepare(call.request)
    await response.write(first)
    for number in count(1):
        with translated():
            async with tenant_transaction(call.app[POOL], call.principal.tenant_id) as conn:
                part = await privacy.part(conn, found.shop_id, UUID(found.request_id), number)
        if part is None:
            break
        await response.write(part)
    await response.write_eof()
    return response


async def _named(call: Call[Any], conn: Connection) -> PrivacyRequest:
    named = call.text("request_id")
    found = await privacy.request(conn, UUID(named))
    if found is None:
        raise NotFound(
            "no such privacy request", details={"resource": "privacy_request", "id": named}
        )
    return found


async def _audit(call: Call[Any], conn: Connection, found: PrivacyRequest) -> None:
    entry = accounts.Entry(
        tenant_id=call.principal.tenant_id,
        actor=call.principal.subject,
        action="privacy.export_downloaded",
        target=found.request_id,
        details={"shop_id": found.shop_id, "webhook_id": found.webhook_id},
        request_id=call.request_id,
    )
    await accounts.audit(conn, entry)
