"""Shops whose webhooks have stopped while their polls still find changes."""

from __future__ import annotations

from shared.postgres import Connection, load_queries
from shared.shopify.snapshots import Owner

SQL = load_queries(__package__, "stalls.sql")


async def note_untold(conn: Connection, owner: Owner, kind: str) -> None:
    """Note that a poll of *kind* found a change that a webhook should have told."""
    await conn.execute(SQL["note_untold"], owner.tenant_id, owner.shop_id, kind)


async def silent_shops(conn: Connection) -> list[int]:
    """Return the shops from which no webhook came in the half hour before such a change."""
    return [row["shop_id"] for row in await conn.fetch(SQL["silent_shops"])]
