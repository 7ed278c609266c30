"""How fast marked orders become daily sales, on tables without statistics, beside raw COPY.

``python bench/rollup.py [orders]``; DATABASE_URL names the server, a database is made and dropped.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
import time
import uuid
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from services.analytics.app import ROLE
from services.analytics.drain import BATCH_MAX, drain
from services.analytics.verify import verify_all
from shared.migrate import migrate
from shared.postgres import close_pool, open_pool

SERVER = os.environ.get("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
TENANT = str(uuid.uuid4())

# 1 to 4 lines an order, a tenth refunded by one line, two years of days, prices with tax outside.
SEED = """
INSERT INTO commerce.shops (tenant_id, shop_id, shopify_shop_id, shop_domain, name, currency,
    iana_timezone)
VALUES ('{tenant}', 1, 1, 'bench.myshopify.com', 'Bench', 'GBP', 'Europe/London');
INSERT INTO commerce.orders (
    tenant_id, shop_id, order_id, name, created_at, processed_at, updated_at, test, currency,
    presentment_currency, taxes_included, duties_included, estimated_taxes, confirmed, tags,
    payment_gateway_names, subtotal_price, total_discounts, total_shipping, total_tax, total_tip,
    total_price, current_subtotal_price, current_total_discounts, current_total_tax,
    current_total_price, total_outstanding, presentment_subtotal_price,
    presentment_total_discounts, presentment_total_shipping, presentment_total_tax,
    presentment_total_price, presentment_current_total_price, attributes, tax_lines,
    shipping_lines, discount_applications, raw, source
)
SELECT '{tenant}', 1, n, '#' || n, t, t, t, false, 'GBP', 'GBP', false, false, false, true, '{{}}',
    '{{}}', 0, 0, 4.95, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '[]', '[]',
    '[{{"id": 1, "price": "4.95", "discounted_price": "4.95",
       "tax_lines": [{{"title": "VAT", "rate": "0.2", "amount": "0.99"}}]}}]', '[]', '', 'bulk'
FROM (SELECT n, timestamptz '2024-01-01' + n % 730 * interval '1 day' + n % 86400 * interval '1 s'
      AS t FROM generate_series(1, {orders}) n) made;
INSERT INTO commerce.order_lines
SELECT '{tenant}', 1, n, n * 10 + l, l, n % 500, n % 900, NULL, 'thing', NULL, NULL, 2, 2,
    10 + n % 40, 10 + n % 40, 1.50, 4, 0, false, true, true, '[]', '[]', '[]', '[]'
FROM generate_series(1, {orders}) n, generate_series(1, 1 + n % 4) l;
INSERT INTO commerce.refunds
SELECT '{tenant}', 1, n, n, t, t, NULL, 0, '[]', '[]', '[]'
FROM (SELECT n, timestamptz '2024-02-01' + n % 730 * interval '1 day' AS t
      FROM generate_series(10, {orders}, 10) n) made;
INSERT INTO commerce.refund_lines
SELECT '{tenant}', 1, n, n, n, n * 10 + 1, 1, 'return', NULL, 9.25 + n % 40, 2, 0, 0
FROM generate_series(10, {orders}, 10) n;
"""
MARK = """
INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id)
SELECT '{tenant}', 1, n FROM generate_series(1, {orders}) n
"""


async def main(orders: int) -> None:
    name = f"till_bench_{uuid.uuid4().hex[:8]}"
    admin = await asyncpg.connect(SERVER)
    await admin.execute(f"CREATE DATABASE {name}")
    dsn = urlunsplit(urlsplit(SERVER)._replace(path=f"/{name}"))
    try:
        await migrate(dsn)
        await measure(dsn, orders)
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


async def measure(dsn: str, orders: int) -> None:
    db = await asyncpg.connect(dsn)
    await db.execute(SEED.format(tenant=TENANT, orders=orders))
    pool = await open_pool(dsn, role=ROLE)
    for title in ("first time", "again, unchanged"):
        await db.execute(MARK.format(tenant=TENANT, orders=orders))
        started, cpu = time.perf_counter(), time.process_time()
        while await drain(pool):
            pass
        seconds = time.perf_counter() - started
        share = (time.process_time() - cpu) / seconds
        print(f"drain, {title}: {orders / seconds:,.0f} orders/s, Python {share:.0%} of the time")
    rows, seconds = await copied(db)
    print(f"raw COPY of the same {rows:,} contributions: {orders / seconds:,.0f} orders/s")
    started = time.perf_counter()
    (verdict,) = await verify_all(pool)
    print(f"verify: {orders / (time.perf_counter() - started):,.0f} orders/s; {verdict.lines()[0]}")
    await close_pool(pool)
    await db.close()


async def copied(db: asyncpg.Connection) -> tuple[int, float]:
    columns = "tenant_id, shop_id, order_id, ckey, kind, happened_at, event_day, order_day"
    rest = await db.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'analytics'"
        " AND table_name = 'contributions' AND is_generated = 'NEVER' ORDER BY ordinal_position"
    )
    names = [row[0] for row in rest]
    assert columns.split(", ") == names[:8]
    buffer = io.BytesIO()
    await db.copy_from_table("contributions", schema_name="analytics", columns=names, output=buffer)
    await db.execute("CREATE TABLE public.copied (LIKE analytics.contributions INCLUDING ALL)")
    buffer.seek(0)
    started = time.perf_counter()
    done = await db.copy_to_table("copied", source=buffer, columns=names)
    return int(done.split()[1]), time.perf_counter() - started


if __name__ == "__main__":
    print(f"batches of {BATCH_MAX}")
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30_000))
