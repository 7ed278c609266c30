"""Whatever order deliveries come in, however often and in what batches, the end is the same."""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.analytics.app import ROLE
from services.analytics.drain import drain
from services.analytics.shop import ShopKey
from services.analytics.verify import unbalanced_buckets, verify_shop
from services.syncer import refetch
from services.syncer.context import Context
from services.syncer.handlers.deliveries import apply
from shared.deliveries import Delivery
from shared.postgres import Pool, close_pool, open_pool
from shared.shopify.snapshots import Owner
from tests.integration.histories import SHOPS, Clients, Notice, Shops, Step, steps
from tests.integration.syncer.test_deliveries import RecordingBus
from tests.simulator.money import exponent

CHILDREN = ("order_lines", "refunds", "refund_lines", "transactions", "fulfillments")
# What says whose a row is, and from where and when it came.
OURS = {"tenant_id", "shop_id", "raw", "source", "synced_at"}
LIVE = """
SELECT t.* FROM commerce.{table} t JOIN commerce.orders o USING (tenant_id, shop_id, order_id)
WHERE t.tenant_id = $1 AND t.shop_id = $2 AND o.deleted_at IS NULL
"""
KEPT = """
SELECT sum(gross_sales - discounts - gross_reversals + discount_reversals - adjustments
           + shipping + duties + additional_fees + taxes + tips + gift_card_sales)
FROM analytics.contributions WHERE tenant_id = $1 AND shop_id = $2
"""
WAITING = "SELECT count(*) FROM commerce.refetches"


@dataclass(frozen=True)
class World:
    """One database and two roles in it."""

    db: asyncpg.Connection
    syncer: Pool
    analytics: Pool


@pytest.fixture
async def world(dsn: str, db: asyncpg.Connection) -> AsyncIterator[World]:
    syncer = await open_pool(dsn, role="tillstream_syncer", max_size=4)
    analytics = await open_pool(dsn, role=ROLE, max_size=2)
    yield World(db, syncer, analytics)
    await close_pool(analytics)
    await close_pool(syncer)


async def _tenant(db: asyncpg.Connection) -> list[Owner]:
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


async def _forget_what_waits(world: World) -> None:
    for table in ("commerce.refetches", "analytics.order_marks"):
        await world.db.execute(f"DELETE FROM {table}")


async def _deliver(
    world: World, batches: Sequence[Sequence[Delivery]], context: Context, chance: random.Random
) -> None:
    for batch in batches:
        for part in await apply(batch, pool=world.syncer, bus=context.bus):
            assert [one.error for one in part.arrivals if one.error] == []
        if chance.random() < 0.2:
            await drain(world.analytics, batch_max=chance.randint(1, 4))
        if chance.random() < 0.1:
            await refetch.drain_once(context)
    await _settle(world, context)


async def _settle(world: World, context: Context) -> None:
    for _ in range(20):
        while await refetch.drain_once(context):
            pass
        if not await world.db.fetchval(WAITING):
            break
        # As if the time between two readings had passed.
        await world.db.execute("UPDATE commerce.refetches SET not_before = now()")
    assert await world.db.fetchval(WAITING) == 0
    while await drain(world.analytics):
        pass


async def _rows(db: asyncpg.Connection, owner: Owner) -> dict[str, list[object]]:
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


def _disordered(
    notices: Sequence[Notice], owners: Sequence[Owner], chance: random.Random
) -> list[list[Delivery]]:
    """Shuffle, repeat some deliveries and resend some bodies, and cut into batches."""
    once = [one.to(owners[one.shop]) for one in notices]
    again = [one for one in once if chance.random() < 0.3]
    resent = [one.to(owners[one.shop]) for one in notices if chance.random() < 0.2]
    mixed = [*once, *again, *resent]
    chance.shuffle(mixed)
    batches = []
    while mixed:
        size = chance.choice((1, 2, 5, 20, 100))
        batches.append(mixed[:size])
        mixed = mixed[size:]
    return batches


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=steps(most=14), chance=st.randoms(use_true_random=False))
@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_a_history_ends_in_the_same_rows_and_sales_however_it_is_delivered(
    world: World, history: list[Step], chance: random.Random
) -> None:
    await _forget_what_waits(world)
    shops = Shops()
    notices = shops.live(history)
    tidy, wild = await _tenant(world.db), await _tenant(world.db)
    places = {owner: place for owners in (tidy, wild) for place, owner in enumerate(owners)}
    context = Context(pool=world.syncer, bus=RecordingBus(), shops=Clients(shops, places))

    in_order = [[one.to(tidy[one.shop])] for one in notices]
    await _deliver(world, in_order, context, chance)
    await _deliver(world, _disordered(notices, wild, chance), context, chance)

    for place, (one, other) in enumerate(zip(tidy, wild, strict=True)):
        rows = await _rows(world.db, other)
        assert await _rows(world.db, one) == rows
        assert await _kept(world.db, other) == _left(shops, place, rows)
        await _equal_to_recompute(world.analytics, other)


async def _kept(db: asyncpg.Connection, owner: Owner) -> Decimal:
    return await db.fetchval(KEPT, owner.tenant_id, owner.shop_id) or Decimal(0)


def _left(shops: Shops, place: int, rows: dict[str, list[object]]) -> Decimal:
    """What the simulator says is left of the orders that we were told of."""
    world = shops.stores[place].world
    orders = [world.orders.get(row["order_id"]) for row in rows["orders"]]
    assert None not in orders
    counted = [one for one in orders if not one.test and one.cancelled is None]
    whole = sum(one.totals.current_total.shop + one.totals.discrepancy.shop for one in counted)
    return Decimal(whole).scaleb(-exponent(world.shop.currency))


async def _equal_to_recompute(analytics: Pool, owner: Owner) -> None:
    shop = ShopKey(owner.tenant_id, owner.shop_id)
    async with analytics.acquire() as conn:
        verdict = await verify_shop(conn, shop)
        assert (verdict.sample, verdict.pending) == ([], 0)
        assert await unbalanced_buckets(conn, shop) == []
