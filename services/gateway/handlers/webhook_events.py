"""The history of webhook deliveries."""

from __future__ import annotations

from datetime import datetime

from services.gateway import domain
from services.gateway.handlers.catalogue import paged, store_of
from services.gateway.models import WebhookQuery
from services.gateway.routing import Call, Reply
from services.gateway.store import commerce


async def list_events(call: Call[WebhookQuery]) -> Reply:
    """List deliveries, newest first; meta counts them by state over the same time."""
    position = domain.decode_cursor(call.asked.cursor, tuple[datetime, str, str])
    async with store_of(call) as (conn, store):
        rows = await commerce.webhook_events(conn, store.shop_id, call.asked, after=position)
        counts = await commerce.webhook_counts(conn, store.shop_id, call.asked)
    reply = paged(rows, call.asked.limit, "received_at", "topic", "webhook_id")
    return Reply(data=reply.data, page=reply.page, meta={"counts": counts})
