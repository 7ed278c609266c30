"""Puts order values into commerce's rows as the syncer would: guarded nowhere, marked always."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import asyncpg

from services.analytics.domain.orders import Line, OrderSnapshot, Refund
from services.analytics.shop import ShopKey

_ORDER = """
INSERT INTO commerce.orders (
    tenant_id, shop_id, order_id, name, created_at, processed_at, updated_at, cancelled_at,
    deleted_at, test, currency, presentment_currency, taxes_included, duties_included,
    estimated_taxes, confirmed, tags, payment_gateway_names, subtotal_price, total_discounts,
    total_shipping, total_tax, total_duties, total_tip, total_price, current_subtotal_price,
    current_total_discounts, current_total_tax, current_total_price, total_outstanding,
    presentment_subtotal_price, presentment_total_discounts, presentment_total_shipping,
    presentment_total_tax, presentment_total_price, presentment_current_total_price, attributes,
    tax_lines, shipping_lines, discount_applications, raw, source
) SELECT $1, $2, $3, '#1', $4, $4, now(), $5, CASE WHEN $6::boolean THEN now() END, $7, $8, $8, $9,
    $10, false, true, '{}', '{}', 0, 0, 0, $11, $12, $13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '[]',
    '[]', $14, '[]', '', 'poll'
"""
_LINE = """
INSERT INTO commerce.order_lines VALUES (
    $1, $2, $3, $4, 1, $5, $6, NULL, 'thing', NULL, NULL, $7, $8, $9, $9, $10, $11, $12, $13,
    true, true, '[]', $14, '[]', $15
)
"""
_REFUND = """
INSERT INTO commerce.refunds VALUES ($1, $2, $3, $4, $5, $5, NULL, 0, $6, $7, $8)
"""
_REFUND_LINE = """
INSERT INTO commerce.refund_lines VALUES (
    $1, $2, $3, $4, $5, $6, $7, 'return', NULL, $8, $9, $8, $9
)
"""
_MARK = "INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id) VALUES ($1, $2, $3)"
_TABLES = ("orders", "order_lines", "refunds", "refund_lines")


@dataclass(frozen=True)
class Shop:
    """A connected shop and a superuser's hand in its rows."""

    db: asyncpg.Connection
    key: ShopKey

    @property
    def ids(self) -> tuple[str, int]:
        return self.key.tenant_id, self.key.shop_id

    async def put(self, order: OrderSnapshot) -> None:
        """Replace *order*'s rows and mark it, in one transaction."""
        async with self.db.transaction():
            await self.remove(order.order_id)
            await self._insert(order)

    async def put_many(self, orders: Iterable[OrderSnapshot]) -> None:
        """Insert many new orders and mark them, in one transaction."""
        async with self.db.transaction():
            for order in orders:
                await self._insert(order)

    async def remove(self, order_id: int) -> None:
        for table in _TABLES:
            await self.db.execute(
                f"DELETE FROM commerce.{table} WHERE tenant_id = $1 AND shop_id = $2"
                " AND order_id = $3",
                *self.ids,
                order_id,
            )

    async def mark(self, order_id: int) -> None:
        await self.db.execute(_MARK, *self.ids, order_id)

    async def move_to(self, timezone: str) -> None:
        await self.db.execute(
            "INSERT INTO commerce.shops (tenant_id, shop_id, shopify_shop_id, shop_domain, name,"
            " currency, iana_timezone) VALUES ($1, $2, 1, 'a.myshopify.com', 'A', 'GBP', $3)"
            " ON CONFLICT (tenant_id, shop_id) DO UPDATE SET iana_timezone = $3",
            *self.ids,
            timezone,
        )

    async def days(self, basis: str = "event") -> list[asyncpg.Record]:
        return await self.db.fetch(
            "SELECT * FROM analytics.daily_sales WHERE tenant_id = $1 AND shop_id = $2"
            " AND basis = $3 ORDER BY day, currency",
            *self.ids,
            basis,
        )

    async def everything(self) -> tuple[list[asyncpg.Record], list[asyncpg.Record]]:
        """The whole ledger and the whole rollup."""
        return (
            await self.db.fetch("SELECT * FROM analytics.contributions ORDER BY 1, 2, 3, 4"),
            await self.db.fetch("SELECT * FROM analytics.daily_sales ORDER BY 1, 2, 3, 4, 5"),
        )

    async def _insert(self, order: OrderSnapshot) -> None:
        key = (*self.ids, order.order_id)
        shipping = [
            {
                "discounted_price": str(x.charged),
                "price": str(x.charged),
                "tax_lines": _taxes(x.tax),
            }
            for x in order.shipping
        ]
        await self.db.execute(
            _ORDER,
            *key,
            order.processed_at,
            order.cancelled_at,
            order.deleted,
            order.test,
            order.currency,
            order.taxes_included,
            order.duties_included,
            order.total_tax,
            order.total_duties,
            order.total_tip,
            json.dumps(shipping),
        )
        for line in order.lines:
            await self._insert_line(key, line)
        for refund in order.refunds:
            await self._insert_refund(key, refund)
        await self.db.execute(_MARK, *key)

    async def _insert_line(self, key: tuple[str, int, int], line: Line) -> None:
        duties = [{"amount": str(line.duty), "tax_lines": _taxes(line.duty_tax)}]
        await self.db.execute(
            _LINE,
            *key,
            line.line_id,
            line.product_id,
            line.variant_id,
            line.quantity,
            line.current_quantity,
            line.price,
            line.discount,
            line.tax,
            line.duty,
            line.gift_card,
            json.dumps(_taxes(line.tax, line.tax_rate)),
            json.dumps(duties if line.duty else []),
        )

    async def _insert_refund(self, key: tuple[str, int, int], refund: Refund) -> None:
        adjustment, shipping = refund.adjustment, refund.shipping
        adjusted = {"amount": str(adjustment.amount), "tax_amount": str(adjustment.tax)}
        shipped = {"amount": str(shipping.amount), "tax": str(shipping.tax)}
        await self.db.execute(
            _REFUND,
            *key,
            refund.refund_id,
            refund.processed_at,
            json.dumps([adjusted] if adjustment.amount or adjustment.tax else []),
            json.dumps([shipped] if shipping.amount or shipping.tax else []),
            json.dumps([{"amount": str(refund.duties)}] if refund.duties else []),
        )
        for line in refund.lines:
            await self.db.execute(
                _REFUND_LINE,
                *key,
                refund.refund_id,
                line.refund_line_id,
                line.line_id,
                line.quantity,
                line.subtotal,
                line.tax,
            )


def _taxes(amount: Decimal, rate: Decimal = Decimal(0)) -> list[dict[str, str]]:
    return [{"title": "VAT", "amount": str(amount), "rate": str(rate)}] if amount or rate else []


def a_key(shop_id: int = 1) -> ShopKey:
    return ShopKey(str(uuid.uuid4()), shop_id)
