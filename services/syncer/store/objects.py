"""Which Shopify objects we have."""

from __future__ import annotations

from collections.abc import Sequence

from services.syncer.domain.jobs import Job
from shared.postgres import Connection, load_queries
from shared.shopify.snapshots import Owner

SQL = load_queries(__package__, "objects.sql")


async def hidden_orders(conn: Connection, owner: Owner, ids: Sequence[int]) -> set[int]:
    """Return which of *ids* Shopify may hide: orders too old for an app without read_all_orders."""
    rows = await conn.fetch(SQL["hidden_orders"], owner.tenant_id, owner.shop_id, ids)
    return {row["order_id"] for row in rows}


async def level_keys(conn: Connection, owner: Owner, items: Sequence[int]) -> list[tuple[int, int]]:
    """Return (inventory_item_id, location_id) of the levels we have of *items*."""
    rows = await conn.fetch(SQL["level_keys"], owner.tenant_id, owner.shop_id, items)
    return [(row["inventory_item_id"], row["location_id"]) for row in rows]


async def unseen(conn: Connection, job: Job, *, after: int, limit: int) -> list[int]:
    """Return ids of the job's kind that nothing confirmed since the job started, by id."""
    key = (job.owner.tenant_id, job.owner.shop_id)
    rows = await conn.fetch(SQL[f"unseen_{job.kind}"], *key, job.started_at, after, limit)
    return [row[0] for row in rows]
