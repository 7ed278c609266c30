"""What the database and the bus hold when everything is quiet, read once, as plain values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from services.analytics.app import ROLE
from services.analytics.shop import ShopKey
from services.analytics.verify import unbalanced_buckets, verify_shop
from shared.postgres import close_pool, open_pool
from tests.faults.orders import version_of

OrderKey = tuple[str, int, int]

_INBOX = """
SELECT webhook_id, tenant_id::text AS tenant, shop_id, state, coalesce(error, '') AS error,
    encode(body_sha256, 'hex') AS sha256
FROM commerce.webhook_events
"""
_ORDERS = """
SELECT tenant_id::text AS tenant, shop_id, order_id, updated_at, total_price
FROM commerce.orders WHERE deleted_at IS NULL
"""
_GONE = """
SELECT tenant_id::text AS tenant, shop_id, id FROM commerce.tombstones WHERE kind = 'order'
"""
_GROSS = """
SELECT tenant_id::text AS tenant, shop_id, sum(gross_sales)::bigint AS gross
FROM analytics.contributions GROUP BY tenant_id, shop_id
"""
_LEFT = """
SELECT (SELECT count(*) FROM intake.spool) AS "rows in intake.spool",
    (SELECT count(*) FROM bus.messages) AS "rows in bus.messages",
    (SELECT count(*) FROM bus.dead) AS "rows in bus.dead",
    (SELECT count(*) FROM analytics.order_marks) AS "rows in analytics.order_marks"
"""
# What must not change when everything is sent again.
_TABLES = (
    *("commerce.webhook_events", "commerce.orders", "commerce.order_lines", "commerce.tombstones"),
    *("analytics.contributions", "analytics.daily_sales"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the inbox."""

    webhook_id: str
    tenant: str
    shop: int
    state: str
    error: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Living:
    """One order as it is now."""

    version: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Everything that the checker looks at beside the ledger."""

    inbox: Sequence[Entry]
    orders: Mapping[OrderKey, Living]
    gone: frozenset[OrderKey]
    gross: Mapping[tuple[str, int], int]
    left: Mapping[str, int]
    differences: Sequence[str]


async def look(dsn: str, on_broker: Mapping[str, int]) -> Found:
    """Read it all; the services are stopped, and *on_broker* is what they left there."""
    db = await asyncpg.connect(dsn)
    try:
        inbox = [Entry(*row) for row in await db.fetch(_INBOX)]
        orders = {
            (row["tenant"], row["shop_id"], row["order_id"]): Living(
                version_of(row["updated_at"]), int(row["total_price"])
            )
            for row in await db.fetch(_ORDERS)
        }
        gone = frozenset((row[0], row[1], row[2]) for row in await db.fetch(_GONE))
        gross = {(row[0], row[1]): row[2] for row in await db.fetch(_GROSS)}
        left = dict(await db.fetchrow(_LEFT))
    finally:
        await db.close()
    return Found(
        inbox=inbox,
        orders=orders,
        gone=gone,
        gross=gross,
        left={**left, **on_broker},
        differences=await _differences(dsn, list(gross)),
    )


async def fingerprints(db: asyncpg.Pool) -> dict[str, str]:
    """Return a digest of all rows of each table that a replay must not change."""
    found = {}
    for table in _TABLES:
        rows = await db.fetch(f"SELECT t::text AS row FROM {table} t ORDER BY 1")
        found[table] = hashlib.sha256("\n".join(row["row"] for row in rows).encode()).hexdigest()
    return found


async def _differences(dsn: str, shops: Sequence[tuple[str, int]]) -> list[str]:
    """Say where ledger and rollup are not what a full recompute says."""
    pool = await open_pool(dsn, role=ROLE, max_size=2)
    try:
        async with pool.acquire() as conn:
            found: list[str] = []
            for tenant, shop_id in shops:
                shop = ShopKey(tenant, shop_id)
                found += (await verify_shop(conn, shop)).sample
                found += await unbalanced_buckets(conn, shop)
            return found
    finally:
        await close_pool(pool)
