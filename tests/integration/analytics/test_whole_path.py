"""A simulated shop's webhooks, mapped and written by the syncer, add up to its own totals."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal

import orjson
import pytest

from services.syncer.writing import write
from shared.deliveries import Delivery
from shared.postgres import close_pool, open_pool
from shared.shopify.snapshots import Fact
from shared.shopify.webhooks import facts_of
from tests.integration.analytics.orders import Shop
from tests.simulator.model import Order
from tests.simulator.payloads.orders import order_body
from tests.simulator.world import Recipe, World, build_world

ORDERS = 240
AS_OF = 1_790_000_000
KEPT = """
SELECT order_id, sum(orders) AS orders,
       sum(gross_sales - discounts - gross_reversals + discount_reversals - adjustments
           + shipping + duties + additional_fees + taxes + tips + gift_card_sales) AS kept,
       sum(gross_sales - discounts + gift_card_sales) FILTER (WHERE kind IN ('sale', 'gift_card'))
       + sum(shipping) FILTER (WHERE kind = 'order')
       + sum(duties + taxes) FILTER (WHERE kind IN ('sale', 'gift_card', 'order')) AS charged
FROM analytics.contributions GROUP BY order_id
"""


@pytest.mark.parametrize("taxes_included", [False, True])
async def test_every_order_keeps_what_its_shop_says_it_keeps(
    dsn: str,
    shop: Shop,
    at_rest: Callable[[], Awaitable[None]],
    proven: Callable[[Shop], Awaitable[None]],
    taxes_included: bool,
) -> None:
    world = _world(taxes_included=taxes_included)
    orders = [world.book.order(number) for number in range(ORDERS)]
    await _write(dsn, (fact for one in orders for fact in _facts(one, world, shop)))

    await at_rest()

    counted = [one for one in orders if not one.test]
    found = {row["order_id"]: row for row in await shop.db.fetch(KEPT)}
    charged = {one: row["charged"] for one, row in found.items()}
    off = {one.id: found[one.id]["kept"] - _kept(one) for one in counted}
    assert charged == {one.id: _charged(one) for one in counted}
    assert {order_id: amount for order_id, amount in off.items() if amount} == {}
    assert len({one.edited for one in counted}) == 2
    assert len({one.cancelled is not None for one in orders}) == 2
    await proven(shop)


async def _write(dsn: str, facts: Iterable[Fact]) -> None:
    pool = await open_pool(dsn, role="tillstream_syncer")
    try:
        async with pool.acquire() as conn, conn.transaction():
            await write(conn, facts)
    finally:
        await close_pool(pool)


def _world(*, taxes_included: bool) -> World:
    return build_world(
        Recipe(
            domain="whole-path.myshopify.com",
            orders=ORDERS,
            products=30,
            customers=60,
            currency="GBP",
            timezone="Europe/London",
            taxes_included=taxes_included,
            as_of=AS_OF,
        )
    )


def _facts(order: Order, world: World, shop: Shop) -> list[Fact]:
    return facts_of(
        Delivery(
            tenant_id=shop.key.tenant_id,
            shop_id=shop.key.shop_id,
            shop_domain="whole-path.myshopify.com",
            topic="orders/updated",
            webhook_id=str(uuid.uuid4()),
            event_id=str(uuid.uuid4()),
            triggered_at="",
            received_at="2026-11-21T08:00:00Z",
            api_version="2026-10",
            body=orjson.dumps(order_body(order, world)),
        )
    )


def _charged(order: Order) -> Decimal:
    """What the order came to, tip apart, by the simulator's own arithmetic."""
    assert order.totals is not None
    return Decimal(order.totals.total.shop - order.totals.tip.shop).scaleb(-2)


def _kept(order: Order) -> Decimal:
    """What is left of it after refunds, edits and adjustments; nothing when it was cancelled."""
    assert order.totals is not None
    if order.cancelled is not None:
        return Decimal(0)
    left = order.totals.current_total.shop + order.totals.discrepancy.shop
    return Decimal(left).scaleb(-2)
