"""Tenants with shops, what is delivered to them, and what their tables then say."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from services.analytics.shop import ShopKey
from services.analytics.verify import unbalanced_buckets, verify_shop
from services.syncer.handlers.deliveries import apply
from shared.deliveries import Delivery
from shared.postgres import Pool
from shared.shopify.snapshots import Owner
from tests.integration.histories import SHOPS
from tests.integration.syncer.test_deliveries import RecordingBus

CHILDREN = ("order_lines", "refunds", "refund_lines", "transactions", "fulfillments")
# What says whose a row is, and from where and when it came.
OURS = {"tenant_id", "shop_id", "raw", "source", "synced_at"}
LIVE = """
SELECT t.* FROM commerce.{table} t JOIN commerce.orders o USING (tenant_id, shop_id, order_id)
WHERE t.tenant_id = $1 AND t.shop_id = $2 AND o.deleted_at IS NULL
"""


@dataclass(frozen=True)
class World:
    """One database and two roles in it."""

    db: asyncpg.Connection
    syncer: Pool
    analytics: Pool


async def connected_tenant(db: asyncpg.Connection) -> list[Owner]:
    """Connect both shops for a new tenant; their orders of all times may be read."""
    tenant_id = str(uuid.uuid4())
    await db.execute("INSERT INTO accounts.tenants (tenant_id, name) VALUES ($1, 'A')", tenant_id)
    owners = []
    for place, shop in enumerate(SHOPS):
        domain = f"history-{place}-{tenant_id[:8]}.myshopify.com"
        shop_id = await db.fetchval(
            "INSERT INTO accounts.stores (tenant_id, shop_domain) VALUES ($1, $2)"
            " RETURNING shop_id",
            tenant_id,
            domain,
        )
        await db.execute(
            "INSERT INTO accounts.credentials (tenant_id, shop_id, grant_type, access_token_enc,"
            " scopes, token_last4) VALUES ($1, $2, 'static_token', 'x', $3, 'last')",
            tenant_id,
            shop_id,
            ["read_orders", "read_all_orders"],
        )
        await db.execute(
            "INSERT INTO commerce.shops (tenant_id, shop_id, shopify_shop_id, shop_domain, name,"
            " currency, iana_timezone) VALUES ($1, $2, $3, $4, 'A', $5, $6)",
            *(tenant_id, shop_id, place, domain, shop["currency"], shop["timezone"]),
        )
        owners.append(Owner(tenant_id=tenant_id, shop_id=shop_id))
    return owners


async def deliver(world: World, deliveries: Sequence[Delivery]) -> None:
    """Apply *deliveries* as the syncer does; none may be unreadable."""
    for part in await apply(deliveries, pool=world.syncer, bus=RecordingBus()):
        assert [one.error for one in part.arrivals if one.error] == []


async def rows_of(db: asyncpg.Connection, owner: Owner) -> dict[str, list[object]]:
    """Read what is known of living orders, the tombstones and the daily sales."""
    key = (owner.tenant_id, owner.shop_id)
    found = {
        table: _told(await db.fetch(LIVE.format(table=table), *key))
        for table in ("orders", *CHILDREN)
    }
    sales = "SELECT * FROM analytics.daily_sales WHERE tenant_id = $1 AND shop_id = $2"
    gone = "SELECT kind, id FROM commerce.tombstones WHERE tenant_id = $1 AND shop_id = $2"
    found["daily_sales"] = _told(await db.fetch(sales, *key))
    found["tombstones"] = _told(await db.fetch(gone, *key))
    return found


def _told(rows: Sequence[asyncpg.Record]) -> list[object]:
    return sorted(
        ({name: value for name, value in row.items() if name not in OURS} for row in rows), key=repr
    )


async def equal_to_recompute(analytics: Pool, owner: Owner) -> None:
    """Ledger and rollup are what a full recompute says."""
    shop = ShopKey(owner.tenant_id, owner.shop_id)
    async with analytics.acquire() as conn:
        verdict = await verify_shop(conn, shop)
        assert (verdict.sample, verdict.pending) == ([], 0)
        assert await unbalanced_buckets(conn, shop) == []
