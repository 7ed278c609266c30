"""Sales: on which day, in which money, and counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from services.analytics.app import ROLE
from services.analytics.drain import drain
from shared.postgres import Pool, close_pool, open_pool
from tests.integration.pains.shop import OpenShop, Shop

REVERSED = """
SELECT event_day, sum(gross_reversals - discount_reversals + adjustments)
FROM analytics.contributions WHERE kind IN ('refund', 'adjustment') GROUP BY 1
"""
NET_OF = """
SELECT sum(gross_sales - discounts - gross_reversals + discount_reversals - adjustments)
FROM analytics.contributions WHERE order_id = ANY ($1) GROUP BY order_id
"""
NET_BY_DAY = """
SELECT event_day, sum(gross_sales - discounts - gross_reversals + discount_reversals - adjustments)
FROM analytics.contributions WHERE order_id = ANY ($1) GROUP BY 1
"""
ORDERS_BY_DAY = """
SELECT day, orders FROM analytics.daily_sales WHERE basis = 'order' AND orders > 0
"""
# As one writes it first: every table that has something to say, and then a sum.
NAIVE_GROSS = """
SELECT sum(l.price * l.quantity)
FROM commerce.orders o
JOIN commerce.order_lines l USING (tenant_id, shop_id, order_id)
JOIN commerce.transactions t USING (tenant_id, shop_id, order_id)
WHERE NOT o.test AND NOT l.gift_card AND t.status = 'success'
"""


@pytest.fixture
async def books(dsn: str, db: asyncpg.Connection) -> AsyncIterator[Pool]:
    """Connections of analytics."""
    opened = await open_pool(dsn, role=ROLE, max_size=2)
    yield opened
    await close_pool(opened)


async def counted(shop: Shop, books: Pool, *kinds: str) -> list[dict[str, Any]]:
    """Sync and count; return Shopify's own orders that are no tests."""
    await shop.sync("full", "shop", "orders", *kinds)
    await count(books)
    return [one for one in await shop.truth("orders") if not one["test"]]


async def count(books: Pool) -> None:
    while await drain(books):
        pass


def by_day(rows: Iterator[tuple[date, Decimal]]) -> dict[date, Decimal]:
    sums: Counter[date] = Counter()
    for day, amount in rows:
        sums[day] += amount
    return {day: amount for day, amount in sums.items() if amount}


def refunds(order: dict[str, Any], money: str) -> Iterator[tuple[dict[str, Any], Decimal]]:
    """Yield each refund of goods and what it takes from sales, without tax."""
    for refund in order["refunds"]:
        lines = sum(
            Decimal(line["subtotal_set"][money]["amount"])
            for line in refund["refund_line_items"]
            if not line["line_item"]["gift_card"]
        )
        adjusted = sum(
            Decimal(one["amount_set"][money]["amount"])
            for one in refund["order_adjustments"]
            if one["kind"] == "refund_discrepancy"
        )
        yield refund, lines - adjusted


def local_day(moment: str) -> date:
    """Shopify writes times with the shop's own offset."""
    return date.fromisoformat(moment[:10])


async def test_pain_16_a_refund_counts_on_its_own_day_in_the_shops_money(
    open_shop: OpenShop, books: Pool
):
    shop = await open_shop(orders=120)
    orders = await counted(shop, books)

    truth = by_day(
        (local_day(refund["processed_at"]), amount)
        for order in orders
        for refund, amount in refunds(order, "shop_money")
    )
    on_the_orders_day = by_day(
        (local_day(order["processed_at"]), amount)
        for order in orders
        for _, amount in refunds(order, "shop_money")
    )
    as_the_buyer_paid = by_day(
        (local_day(refund["processed_at"]), amount)
        for order in orders
        for refund, amount in refunds(order, "presentment_money")
    )
    ours = by_day((row[0], row[1]) for row in await shop.db.fetch(REVERSED))
    assert ours == truth
    assert on_the_orders_day != truth
    assert as_the_buyer_paid != truth
    assert sum(on_the_orders_day.values()) == sum(truth.values())


async def test_pain_16_what_was_cancelled_and_refunded_is_taken_back_once(
    open_shop: OpenShop, books: Pool
):
    """Shopify refunds what it cancels; who subtracts both counts it twice."""
    shop = await open_shop(orders=60)
    await shop.simulator.act("cancel_order", 4)
    orders = await counted(shop, books)

    cancelled = [one for one in orders if one["cancelled_at"]]
    sold = sum(Decimal(one["subtotal_price"]) for one in cancelled)
    paid_back = sum(amount for one in cancelled for _, amount in refunds(one, "shop_money"))
    naive = sold - sold - paid_back
    ours = await shop.column(NET_OF, [one["id"] for one in cancelled])
    assert naive < 0
    assert ours == [0] * len(cancelled)


async def test_pain_16_what_an_exchange_adds_counts_on_its_own_day(
    open_shop: OpenShop, books: Pool
):
    """The order's lines do not say when they came; its agreements do."""
    shop = await open_shop(orders=0)
    (order,) = await shop.simulator.act("create_order", at=_days_ago(6))
    for _ in range(4):
        await shop.simulator.act("edit_order", id=order, at=_days_ago(2))
    await counted(shop, books, "order_details")

    days = await shop.column(
        "SELECT day FROM analytics.daily_sales WHERE basis = 'event' AND gross_sales > 0"
    )
    assert len(days) == 2


@pytest.mark.parametrize("taxes_included", [False, True])
async def test_pain_16_every_day_is_what_shopifys_own_ledger_says_of_it(
    open_shop: OpenShop, books: Pool, taxes_included: bool
):
    """Orders, edits, refunds, returns; the ledgers arrive after the orders were counted."""
    shop = await open_shop(orders=60, taxes_included=taxes_included)
    for kind, days in (("edit_order", 3), ("return_order", 2), ("refund_order", 1)):
        await shop.simulator.act(kind, 20, at=_days_ago(days))
    orders = await counted(shop, books)
    # What a cancellation takes beyond its refunds is ours to date.
    kept = [one["id"] for one in orders if not one["cancelled_at"]]
    from_the_lines = by_day((row[0], row[1]) for row in await shop.db.fetch(NET_BY_DAY, kept))
    await counted(shop, books, "order_details")

    zone = ZoneInfo(await shop.value("SELECT iana_timezone FROM commerce.shops"))
    ledgers = [one for one in await shop.truth("order_details") if one["order_id"] in kept]
    truth = by_day(part for one in ledgers for part in _told(one, zone))
    ours = by_day((row[0], row[1]) for row in await shop.db.fetch(NET_BY_DAY, kept))
    assert await shop.column("SELECT reason FROM analytics.ledger_gaps") == []
    assert ours == truth
    assert from_the_lines != truth
    bases = "SELECT sum(total_sales) FROM analytics.daily_sales GROUP BY basis"
    event, order = await shop.column(bases)
    assert event == order


def _told(ledger: dict[str, Any], zone: ZoneInfo) -> Iterator[tuple[date, Decimal]]:
    """Yield what each sale of goods adds to net sales, on its agreement's day."""
    agreements = {
        one["agreement_id"]: datetime.fromisoformat(one["happened_at"]).astimezone(zone).date()
        for one in ledger["children"]["sales_agreements"]
    }
    for sale in ledger["children"]["sales"]:
        if sale["line_type"] in ("product", "adjustment"):
            yield agreements[sale["agreement_id"]], Decimal(sale["total"]) - Decimal(sale["tax"])


def _days_ago(days: int) -> int:
    noon = datetime.now(UTC).replace(hour=17, minute=0, second=0, microsecond=0)
    return int(noon.timestamp()) - days * 86_400


async def test_pain_17_an_order_of_many_parts_counts_once(open_shop: OpenShop, books: Pool):
    """Two payments double every line that is joined to them."""
    shop = await open_shop(orders=120)
    orders = await counted(shop, books)

    truth = sum(
        Decimal(line["price_set"]["shop_money"]["amount"]) * line["quantity"]
        for order in orders
        for line in order["line_items"]
        if not line["gift_card"]
    )
    gross = "SELECT sum(gross_sales) FROM analytics.daily_sales WHERE basis = $1"
    assert await shop.value(NAIVE_GROSS) > truth
    assert [await shop.value(gross, basis) for basis in ("event", "order")] == [truth, truth]


async def test_pain_18_a_customer_is_new_once(open_shop: OpenShop, books: Pool):
    """Also when their first orders and the later ones come in different runs."""
    shop = await open_shop(orders=60, customers=10)
    before = await counted(shop, books, "customers")
    created = set(await shop.simulator.act("create_order", 12))
    await shop.sync("incremental", "orders")
    await count(books)

    orders = [one for one in await shop.truth("orders") if not one["test"] and one["customer"]]
    truth = len({one["customer"]["id"] for one in orders})
    # A model that looks at the rows of its own run only.
    runs = [
        {one["customer"]["id"] for one in before if one["customer"]},
        {one["customer"]["id"] for one in orders if one["id"] in created},
    ]
    assert sum(map(len, runs)) > truth

    new = "SELECT sum(new_customers) FROM analytics.daily_sales WHERE basis = 'order'"
    assert await shop.value(new) == truth


async def test_pain_19_a_day_is_the_shops_own(open_shop: OpenShop, books: Pool):
    """Also when the shop moves, and on both bases."""
    shop = await open_shop(orders=120, timezone="America/Los_Angeles")
    orders = await counted(shop, books)

    async def ours() -> dict[date, int]:
        return {row[0]: row[1] for row in await shop.db.fetch(ORDERS_BY_DAY)}

    truth = Counter(local_day(order["processed_at"]) for order in orders)
    in_utc = Counter(
        datetime.fromisoformat(order["processed_at"]).astimezone(UTC).date() for order in orders
    )
    assert await ours() == truth
    assert in_utc != truth

    await shop.simulator.act("change_timezone", timezone="Asia/Tokyo")
    await shop.sync("incremental", "shop")
    await count(books)

    moved = [one for one in await shop.truth("orders") if not one["test"]]
    there = Counter(local_day(order["processed_at"]) for order in moved)
    assert there != truth
    assert await ours() == there
    bases = (
        "SELECT basis, sum(net_sales), count(*) FROM analytics.daily_sales GROUP BY 1 ORDER BY 1"
    )
    event, order = await shop.db.fetch(bases)
    assert event["sum"] == order["sum"]
    assert event["count"] > order["count"]  # refunds have days of their own
