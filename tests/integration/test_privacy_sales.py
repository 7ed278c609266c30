"""Redacting every customer changes no number, and no later telling brings a name back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import orjson
import pytest

from services.analytics.app import ROLE
from services.analytics.drain import drain
from services.syncer import privacy
from shared.postgres import close_pool, open_pool
from shared.shopify.snapshots import Owner
from tests.integration.histories import whole_orders
from tests.integration.outcomes import World, connected_tenant, deliver, equal_to_recompute
from tests.integration.syncer.test_deliveries import a_delivery

LATE = 40


@pytest.fixture
async def world(dsn: str, db: asyncpg.Connection) -> AsyncIterator[World]:
    syncer = await open_pool(dsn, role="tillstream_syncer", max_size=4)
    analytics = await open_pool(dsn, role=ROLE, max_size=2)
    yield World(db, syncer, analytics)
    await close_pool(analytics)
    await close_pool(syncer)


async def sales(world: World) -> list[tuple]:
    while await drain(world.analytics):
        pass
    rows = await world.db.fetch("SELECT * FROM analytics.daily_sales ORDER BY 1, 2, 3, 4, 5")
    return [tuple(row) for row in rows]


async def redact_everybody(world: World, owner: Owner) -> None:
    rows = await world.db.fetch(
        "SELECT COALESCE(customer_id, 0) AS customer, array_agg(order_id) AS orders"
        " FROM commerce.orders WHERE shop_id = $1 GROUP BY 1",
        owner.shop_id,
    )
    bodies = (
        {"customer": {"id": row["customer"]}, "orders_to_redact": row["orders"]} for row in rows
    )
    requests = [
        a_delivery(
            f"redact {number}",
            "customers/redact",
            orjson.dumps(body),
            tenant_id=owner.tenant_id,
            shop_id=owner.shop_id,
        )
        for number, body in enumerate(bodies)
    ]
    await deliver(world, requests)
    while await privacy.work_once(world.syncer, []):
        pass


async def named(world: World) -> int:
    found: int = await world.db.fetchval(
        "SELECT count(*) FROM commerce.orders WHERE email IS NOT NULL OR phone IS NOT NULL"
        " OR shipping_address IS NOT NULL OR billing_address IS NOT NULL"
        " OR raw <> commerce.nothing_archived()"
    )
    return found


async def test_sales_are_what_they_were_and_nothing_comes_back(world: World) -> None:
    owner, _ = await connected_tenant(world.db)
    told = [one.to(owner) for one in whole_orders(3) if one.shop == 0]
    await deliver(world, told)
    before = await sales(world)
    assert await named(world) > 0

    await redact_everybody(world, owner)

    assert await sales(world) == before
    assert await named(world) == 0
    await equal_to_recompute(world.analytics, owner)
    again = [one.to(owner) for one in whole_orders(3) if one.shop == 0][-LATE:]
    await deliver(world, again)
    await world.db.execute(
        "INSERT INTO analytics.order_marks SELECT tenant_id, shop_id, order_id FROM commerce.orders"
    )
    assert await named(world) == 0
    assert await sales(world) == before
    # Orders that were deleted before anything else was told of them have no row and no customer.
    left = "SELECT DISTINCT topic FROM commerce.webhook_events WHERE body IS NOT NULL"
    assert {row["topic"] for row in await world.db.fetch(left)} <= {"orders/delete"}
