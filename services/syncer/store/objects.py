"""Which Shopify objects we have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from services.syncer.domain.jobs import Job
from services.syncer.store.statements import statements
from shared.postgres import Connection, load_queries
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Kind, Owner

SQL = load_queries(__package__, "objects.sql")

_HIDDEN: Mapping[str, str] = MappingProxyType(
    {
        "order": "hidden_orders",
        "order_details": "hidden_orders",
        "fulfillment_order": "hidden_fulfillment_orders",
    }
)


_SHOWN: Mapping[str, str] = MappingProxyType(
    {
        "orders": "shown_orders_unseen",
        "order_details": "shown_details_unseen",
        "fulfillment_orders": "shown_fulfillment_orders_unseen",
    }
)


async def hidden(conn: Connection, kind: Kind, owner: Owner, ids: Sequence[int]) -> set[int]:
    """Return which of *ids* Shopify may hide: of orders too old for an app without read_all_orders.

    Of other kinds it hides none.
    """
    if kind not in _HIDDEN or await sees_all_orders(conn, owner):
        return set()
    rows = await conn.fetch(SQL[_HIDDEN[kind]], owner.tenant_id, owner.shop_id, ids)
    return {row["id"] for row in rows}


async def level_keys(conn: Connection, owner: Owner, items: Sequence[int]) -> list[tuple[int, int]]:
    """Return (inventory_item_id, location_id) of the levels we have of *items*."""
    rows = await conn.fetch(SQL["level_keys"], owner.tenant_id, owner.shop_id, items)
    return [(row["inventory_item_id"], row["location_id"]) for row in rows]


async def unlisted_locations(conn: Connection, owner: Owner, listed: Collection[int]) -> list[int]:
    """Return the locations that we have besides those *listed*."""
    rows = await conn.fetch(SQL["unlisted_locations"], owner.tenant_id, owner.shop_id, listed)
    return [row["location_id"] for row in rows]


async def unseen(conn: Connection, job: Job, *, after: int, limit: int) -> list[int]:
    """Return ids of the job's kind that nothing confirmed since the job started, by id."""
    key = (job.owner.tenant_id, job.owner.shop_id)
    query = SQL.get(f"unseen_{job.kind}") or statements(RESOURCES[job.kind].kind)["unseen"]
    if job.kind in _SHOWN and not await sees_all_orders(conn, job.owner):
        query = SQL[_SHOWN[job.kind]]
    rows = await conn.fetch(query, *key, job.started_at, after, limit)
    return [row[0] for row in rows]


async def sees_all_orders(conn: Connection, owner: Owner) -> bool:
    """Return whether Shopify shows also the orders that are older than sixty days."""
    found: bool = await conn.fetchval(SQL["sees_all_orders"], owner.tenant_id, owner.shop_id)
    return found
