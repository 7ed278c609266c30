"""When marks became numbers, for the trace of a delivery."""

from __future__ import annotations

from collections.abc import Sequence

from services.analytics.shop import ShopKey
from shared.postgres import Connection, load_queries

SQL = load_queries("services.analytics", "folds.sql")


async def note(conn: Connection, shop: ShopKey, order_ids: Sequence[int]) -> None:
    """Remember that *order_ids* were counted in this transaction; forget what is two weeks old."""
    await conn.execute(SQL["note"], shop.tenant_id, shop.shop_id, order_ids)
