"""Reads of what the syncer wrote."""

from __future__ import annotations

from datetime import date, datetime

from services.gateway import resources
from services.gateway.figures import priced
from services.gateway.models import HealthSummary
from services.gateway.store.objects import archived
from shared.postgres import Connection, load_queries

SQL = load_queries("services.gateway.store", "commerce.sql")


async def day_bounds(
    conn: Connection, timezone: str, since: date | None, until: date | None
) -> tuple[datetime | None, datetime | None]:
    """Return the moments at which the shop's day *since* begins and *until* ends."""
    row = await conn.fetchrow(SQL["day_bounds"], timezone, since, until)
    return (row["since"], row["until"]) if row else (None, None)


async def orders(
    conn: Connection,
    shop_id: int,
    query: resources.OrderQuery,
    *,
    bounds: tuple[datetime | None, datetime | None],
    after: tuple[datetime, int] | None,
) -> list[resources.Order]:
    """Return a page of orders, newest first, and one more when there are more."""
    rows = await conn.fetch(
        SQL["orders"],
        shop_id,
        None if query.status == "any" else query.status,
        query.financial_status,
        query.fulfillment_status,
        *bounds,
        query.customer_id,
        query.q,
        *(after or (None, None)),
        query.limit + 1,
    )
    return [resources.Order.model_validate(priced(dict(row), row["currency"])) for row in rows]


async def order_detail(
    conn: Connection, shop_id: int, order_id: int, *, with_raw: bool
) -> resources.OrderDetail | None:
    """Return one order with its children, and the payload it came from when asked."""
    row = await conn.fetchrow(SQL["one_order"], shop_id, order_id)
    if row is None:
        return None
    key, currency = (shop_id, order_id), row["currency"]
    refund_lines = [
        priced(dict(line), currency) for line in await conn.fetch(SQL["refund_lines"], *key)
    ]
    refunds = [
        priced(dict(refund), currency)
        | {"lines": [x for x in refund_lines if x["refund_id"] == refund["refund_id"]]}
        for refund in await conn.fetch(SQL["refunds"], *key)
    ]
    raw = archived(row["raw"]) if with_raw else None
    children = {
        "lines": [
            priced(dict(line), currency) for line in await conn.fetch(SQL["order_lines"], *key)
        ],
        "refunds": refunds,
        "transactions": [
            priced(dict(t), t["currency"]) for t in await conn.fetch(SQL["transactions"], *key)
        ],
        "fulfillments": [dict(f) for f in await conn.fetch(SQL["fulfillments"], *key)],
    }
    return resources.OrderDetail.model_validate(
        priced(dict(row), currency) | children | {"raw": raw}
    )


async def products(
    conn: Connection, shop_id: int, query: resources.ProductQuery, *, after: int | None
) -> list[resources.Product]:
    """Return a page of products, newest first, and one more when there are more."""
    rows = await conn.fetch(
        SQL["products"],
        shop_id,
        None,
        query.status,
        query.product_type,
        query.vendor,
        query.updated_since,
        query.q,
        after,
        query.limit + 1,
    )
    return [resources.Product.model_validate(dict(row)) for row in rows]


async def product_detail(
    conn: Connection, shop_id: int, product_id: int, *, currency: str | None
) -> resources.ProductDetail | None:
    """Return one product with its variants, whose prices are in the shop's *currency*."""
    nothing = (None,) * 6
    row = await conn.fetchrow(SQL["products"], shop_id, product_id, *nothing, 1)
    if row is None:
        return None
    variants = await conn.fetch(SQL["variants"], shop_id, product_id)
    return resources.ProductDetail.model_validate(
        dict(row) | {"variant_list": [priced(dict(variant), currency) for variant in variants]}
    )


async def customers(
    conn: Connection,
    shop_id: int,
    query: resources.CustomerQuery,
    *,
    after: int | None,
    customer_id: int | None = None,
) -> list[resources.Customer]:
    """Return a page of customers, newest first, and one more when there are more."""
    rows = await conn.fetch(
        SQL["customers"],
        shop_id,
        customer_id,
        query.updated_since,
        query.q,
        after,
        query.limit + 1,
    )
    return [resources.Customer.model_validate(priced(dict(row), row["currency"])) for row in rows]


async def levels(
    conn: Connection,
    shop_id: int,
    query: resources.InventoryQuery,
    *,
    after: tuple[int, int] | None,
) -> list[resources.InventoryLevel]:
    """Return a page of inventory levels by item and location, and one more if there are more."""
    rows = await conn.fetch(
        SQL["levels"],
        shop_id,
        query.inventory_item_id,
        query.location_id,
        query.sku,
        *(after or (None, None)),
        query.limit + 1,
    )
    return [resources.InventoryLevel.model_validate(dict(row)) for row in rows]


async def summary(conn: Connection) -> HealthSummary:
    """Return the tenant's health in counts."""
    row = await conn.fetchrow(SQL["summary"])
    return HealthSummary.model_validate(dict(row or {}))
