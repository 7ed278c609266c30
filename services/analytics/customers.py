"""New and returning customers in Postgres: their orders, and what these change in the rollup."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from services.analytics.domain.customers import CustomerOrder
from services.analytics.shop import ShopKey
from shared.postgres import Connection, load_queries

SQL = load_queries("services.analytics", "customers.sql")

_COLUMNS = ("tenant_id", "shop_id", *CustomerOrder._fields)


async def successors(
    conn: Connection, shop: ShopKey, customer_ids: Iterable[int]
) -> dict[int, int]:
    """Return those of *customer_ids* that were merged, with whom they are now."""
    wanted = list(customer_ids)
    rows = await conn.fetch(SQL["successors"], shop.tenant_id, shop.shop_id, wanted)
    return {row["customer_id"]: row["merged_into"] for row in rows}


async def add_incoming(conn: Connection, shop: ShopKey, orders: Sequence[CustomerOrder]) -> None:
    """Copy *orders* beside those already incoming."""
    if not orders:
        return
    owner = f"{shop.tenant_id}\t{shop.shop_id}\t"
    text = "".join(
        f"{owner}{one.order_id}\t{one.customer_id}\t{one.processed_at.isoformat()}\t{one.day}"
        f"\t{one.currency}\n"
        for one in orders
    )
    await conn.copy_to_table(
        "incoming_customers",
        source=io.BytesIO(text.encode()),
        columns=_COLUMNS,
        schema_name="pg_temp",
        format="text",
    )


async def replace_orders(conn: Connection, shop: ShopKey, order_ids: Sequence[int]) -> None:
    """Make the customers of *order_ids* what is incoming, in all days that this changes.

    The buckets of these orders are in the rollup already.
    """
    await conn.execute(SQL["replace_orders"], shop.tenant_id, shop.shop_id, order_ids)


async def enrol_all(conn: Connection, shop: ShopKey) -> None:
    """Replace all customers of *shop* by what is incoming; its rollup was just made."""
    await conn.execute(SQL["enrol_all"], shop.tenant_id, shop.shop_id)
    await conn.execute(SQL["keep_all"])
