"""The hot queries find their rows by key, as Postgres itself chooses on tables worth a choice."""

from __future__ import annotations

import json
from dataclasses import replace

import asyncpg

from services.analytics import agreements, customers, store
from services.analytics.domain.orders import RefundLine
from services.analytics.drain import drain, make_incoming
from shared.postgres import Pool
from tests.integration.analytics.orders import Shop
from tests.unit.analytics.agreements import agreements_of
from tests.unit.analytics.orders import MARCH, a_line, a_refund, an_order

ORDERS = 20_000
TABLES = {
    "commerce.orders": "order_id",
    "commerce.order_lines": "order_id",
    "commerce.refunds": "order_id, refund_id",
    "commerce.refund_lines": "order_id, refund_id, refund_line_id",
    "commerce.order_details": "order_id",
    "commerce.sales_agreements": "order_id, agreement_id",
    "commerce.sales": "order_id, agreement_id, sale_id",
    "analytics.contributions": "order_id",
    "analytics.customer_orders": "order_id, customer_id",
    "analytics.order_marks": "order_id",
}
HOT = {
    name: queries[name]
    for queries, names in (
        (store.SQL, ("take_marks", "orders", "order_lines", "refunds", "refund_lines", "retire")),
        (agreements.SQL, ("agreements", "sales")),
        (customers.SQL, ("replace_orders", "successors")),
    )
    for name in names
}
# Of a batch, or as small as the days of a shop.
SMALL = {"incoming", "incoming_customers", "daily_sales", "customer_merges"}


async def _seeded(shop: Shop, pool: Pool) -> None:
    given = RefundLine(refund_line_id=1, line_id=1, quantity=1, subtotal=5)
    order = an_order(a_line(quantity=2), refunds=(a_refund(given),), customer_id=1)
    await shop.put(replace(order, agreements=agreements_of(order, edited_at=MARCH)))
    await drain(pool)
    await shop.mark(1)
    for table, keys in TABLES.items():
        await _multiply(shop.db, table, keys)


async def _multiply(db: asyncpg.Connection, table: str, keys: str) -> None:
    """Copy the rows of *table*, each time under other ids, and let Postgres count them."""
    schema, _, name = table.partition(".")
    columns = await db.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = $1"
        " AND table_name = $2 AND is_generated = 'NEVER' AND is_identity = 'NO'",
        schema,
        name,
    )
    names = [row[0] for row in columns]
    values = [f"n * 10 + {one}" if one in keys.split(", ") else one for one in names]
    await db.execute(
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)}"
        f" FROM {table}, generate_series(1, {ORDERS}) AS n"
    )
    await db.execute(f"ANALYZE {table}")


async def test_the_drain_never_reads_a_whole_table(shop: Shop, pool: Pool) -> None:
    await _seeded(shop, pool)
    await make_incoming(shop.db)

    plans = {}
    for name, query in HOT.items():
        arguments = [*shop.ids, 100 if name == "take_marks" else list(range(11, 1001, 10))]
        text = await shop.db.fetchval(f"EXPLAIN (FORMAT JSON) {query}", *arguments)
        plans[name] = _nodes(json.loads(text)[0]["Plan"])

    scanned = {name: _of_type(nodes, "Seq Scan") - SMALL for name, nodes in plans.items()}
    assert scanned == {name: set() for name in HOT}
    for name, nodes in plans.items():
        assert name == "successors" or any("_pkey" in str(one.get("Index Name")) for one in nodes)


def _of_type(nodes: list[dict[str, object]], kind: str) -> set[object]:
    return {one["Relation Name"] for one in nodes if one["Node Type"] == kind}


def _nodes(plan: dict[str, object]) -> list[dict[str, object]]:
    below = [node for child in plan.get("Plans", []) for node in _nodes(child)]
    return [plan, *below]
