"""A consumer as most people write it: a message, a transaction, a statement per row.

``python -m bench.peers.naive_syncer`` with PORT, QUEUE, AMQP_URL and DATABASE_URL; it begins with
``GET /go``. It fills the columns that must be filled and keeps the body, fewer than ours does.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aio_pika
import asyncpg
import uvloop
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue
from aiohttp import web

_PREFETCH = 100
_CONNECTIONS = 4
POOL = web.AppKey("POOL", asyncpg.Pool)
QUEUE: web.AppKey[AbstractQueue] = web.AppKey("QUEUE")

_INBOX = """
INSERT INTO commerce.webhook_events (
    tenant_id, shop_id, topic, webhook_id, event_id, triggered_at, received_at, api_version,
    resource_id, body_sha256, body, state, taken_at, processed_at
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'applied', $12, clock_timestamp())
ON CONFLICT DO NOTHING
"""
_ORDER = """
INSERT INTO commerce.orders AS t (
    tenant_id, shop_id, order_id, name, email, customer_id, created_at, processed_at, updated_at,
    financial_status, currency, presentment_currency, taxes_included, duties_included,
    estimated_taxes, test, confirmed, tags, payment_gateway_names, subtotal_price, total_discounts,
    total_shipping, total_tax, total_tip, total_price, current_subtotal_price,
    current_total_discounts, current_total_tax, current_total_price, total_outstanding,
    presentment_subtotal_price, presentment_total_discounts, presentment_total_shipping,
    presentment_total_tax, presentment_total_price, presentment_current_total_price,
    billing_address, shipping_address, attributes, tax_lines, shipping_lines,
    discount_applications, raw, source
) VALUES (
    $1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $10, false, false, false, false, true, '{}', '{}',
    $11, 0, 0, 0, 0, $12, $11, 0, 0, $12, 0, $11, 0, 0, 0, $12, $12, $13, $14, '[]', '[]', '[]',
    '[]', $15, 'webhook'
)
ON CONFLICT (tenant_id, shop_id, order_id) DO UPDATE SET
    email = excluded.email, updated_at = excluded.updated_at,
    financial_status = excluded.financial_status, total_price = excluded.total_price,
    current_total_price = excluded.current_total_price, raw = excluded.raw
WHERE t.updated_at < excluded.updated_at
"""
_NO_LINES = "DELETE FROM commerce.order_lines WHERE (tenant_id, shop_id, order_id) = ($1, $2, $3)"
_LINE = """
INSERT INTO commerce.order_lines (
    tenant_id, shop_id, order_id, line_id, position, product_id, variant_id, sku, title, quantity,
    current_quantity, price, presentment_price, discount, tax, duty, gift_card, requires_shipping,
    taxable, attributes, tax_lines, discount_allocations, duties
) VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $11, 0, 0, 0, false, $12, $13, $14, $15,
    $16, '[]'
)
"""
_MARK = "INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id) VALUES ($1, $2, $3)"


async def apply(pool: asyncpg.Pool, message: AbstractIncomingMessage) -> None:
    """Write what one message says, then acknowledge it."""
    taken_at = datetime.now(UTC)
    order = json.loads(message.body)
    said = message.headers
    key = (said["tenant_id"], int(str(said["shop_id"])), order["id"])
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute(
            _INBOX, *key[:2], "orders/updated", said["webhook_id"], said["event_id"], taken_at,
            taken_at, "2026-10", order["id"], hashlib.sha256(message.body).digest(),
            zlib.compress(message.body, 1), taken_at,
        )  # fmt: skip
        await conn.execute(_ORDER, *key, *_order(order), zlib.compress(message.body, 1))
        await conn.execute(_NO_LINES, *key)
        for position, line in enumerate(order["line_items"], start=1):
            await conn.execute(_LINE, *key, *_line(line, position))
        await conn.execute(_MARK, *key)
    await message.ack()


def _order(order: dict[str, Any]) -> tuple[Any, ...]:
    return (
        order["name"], order["email"], order["customer"]["id"],
        datetime.fromisoformat(order["created_at"]), datetime.fromisoformat(order["updated_at"]),
        order["financial_status"], order["currency"],
        Decimal(order["subtotal_price_set"]["shop_money"]["amount"]),
        Decimal(order["total_price"]), json.dumps(order["billing_address"]),
        json.dumps(order["shipping_address"]),
    )  # fmt: skip


def _line(line: dict[str, Any], position: int) -> tuple[Any, ...]:
    return (
        line["id"], position, line["product_id"], line["variant_id"], line["sku"], line["title"],
        line["quantity"], Decimal(line["price"]), line["requires_shipping"], line["taxable"],
        json.dumps(line["properties"]), json.dumps(line["tax_lines"]),
        json.dumps(line["discount_allocations"]),
    )  # fmt: skip


async def connected(app: web.Application) -> AsyncIterator[None]:
    pool = await asyncpg.create_pool(
        os.environ["DATABASE_URL"], min_size=_CONNECTIONS, max_size=_CONNECTIONS
    )
    async with await aio_pika.connect_robust(os.environ["AMQP_URL"]) as connection, pool:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=_PREFETCH)
        app[POOL], app[QUEUE] = pool, await channel.get_queue(os.environ["QUEUE"])
        yield


async def go(request: web.Request) -> web.Response:
    pool = request.app[POOL]

    async def on_message(message: AbstractIncomingMessage) -> None:
        await apply(pool, message)

    await request.app[QUEUE].consume(on_message)
    return web.Response()


async def ready(_: web.Request) -> web.Response:
    return web.Response()


def main() -> None:
    app = web.Application()
    app.cleanup_ctx.append(connected)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/go", go)
    port = int(os.environ["PORT"])
    web.run_app(
        app, port=port, host="127.0.0.1", loop=uvloop.new_event_loop(), access_log=None, print=None
    )


if __name__ == "__main__":
    main()
