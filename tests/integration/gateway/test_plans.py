"""A page deep in a large list costs as much as the first: the index leads to it."""

from __future__ import annotations

import json
import uuid

import pytest

from services.gateway.store import commerce
from shared.postgres import open_pool, tenant_transaction
from tests.integration.gateway import rows

ROWS = 20_000


@pytest.fixture
async def many_orders(db, gateway, alba):
    await rows.insert_order(db, uuid.UUID(alba.tenant_id), alba.shop_id, 1)
    columns = await db.fetch(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'commerce' AND table_name = 'orders'"
        " AND column_name NOT IN ('order_id', 'processed_at') AND is_generated = 'NEVER'"
    )
    names = ", ".join(row["column_name"] for row in columns)
    await db.execute(
        f"INSERT INTO commerce.orders (order_id, processed_at, {names})"
        f" SELECT 100000 + n, processed_at - n * interval '1 min', {names}"
        f" FROM commerce.orders, generate_series(1, {ROWS}) n WHERE order_id = 1"
    )
    await db.execute("ANALYZE commerce.orders")
    return alba


async def test_a_page_of_orders_reads_only_its_own_rows_however_often_asked(dsn, many_orders):
    pool = await open_pool(dsn, role="tillstream_gateway", max_size=1)
    position = f"'{rows.MOMENT.replace(month=10).isoformat()}', 0"
    try:
        async with tenant_transaction(pool, many_orders.tenant_id) as conn:
            await conn.execute("PREPARE page AS " + commerce.SQL["orders"])
            page = f"EXECUTE page ({many_orders.shop_id}, {'NULL, ' * 7} {position}, 51)"
            # After five executions the server may settle on one plan for all parameters.
            for _ in range(8):
                await conn.execute(page)
            text = await conn.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {page}")
    finally:
        await pool.close()

    scans = []

    def walk(node):
        if "Scan" in node["Node Type"]:
            read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            scans.append((node["Node Type"], node.get("Index Name"), read <= 60))
        for child in node.get("Plans", []):
            walk(child)

    walk(json.loads(text)[0]["Plan"])
    assert scans == [("Index Scan", "orders_processed", True)]
