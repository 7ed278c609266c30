"""The webhook subscriptions of a store, as the syncer last saw them at Shopify."""

from __future__ import annotations

from services.gateway.subscriptions import Subscription
from shared.postgres import Connection, load_queries

SQL = load_queries("services.gateway.store", "subscriptions.sql")


async def subscriptions(conn: Connection, shop_id: int) -> list[Subscription]:
    """Return a store's subscriptions by topic."""
    rows = await conn.fetch(SQL["subscriptions"], shop_id)
    return [Subscription.model_validate(dict(row)) for row in rows]
