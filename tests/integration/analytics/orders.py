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
from services.syncer.store.snapshots import SQL as SYNCER

_ORDER = """
INSERT INTO commerce.orders (
    tenant_id, shop_id, order_id, name, created_at, processed_at, updated_at, cancelled_at,
    deleted_at, test, currency, presentment_currency, taxes_included, duties_included,
    estimated_taxes, confirmed, tags, payment_gateway_names, subtotal_price, total_discounts,
    total_shipping, total_tax, total_duties, total_tip, total_price, current_subtotal_price,
    current_total_discounts, current_total_tax, current_total_price, total_outstanding,
    presentment_subtotal_price, presentment_total_discounts, presentment_total_shipping,
    presentment_total_tax, presentment_total_price, presentment_current_total_price, attributes,
    tax_lines, shipping_lines, discount_applications, raw, source, customer_id
) SELECT $1, $2, $3, '#1', $4, $4, now(), $5, CASE WHEN $6::boolean THEN now() END, $7, $8, $8, $9,
    $10, false, true, '{}', '{}', 0, 0, 0, $11, $12, $13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '[]',
    '[]', $14, '[]', '', 'poll', $15
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
_DETAILS = """
INSERT INTO commerce.order_details (
    tenant_id, shop_id, order_id, edited, total_refunded, total_received, net_payment,
    current_total_additional_fees, updated_at, raw, source
) VALUES ($1, $2, $3, true, 0, 0, 0, $4, now(), '', 'poll')
"""
_AGREEMENT = """
INSERT INTO commerce.sales_agreements (
    tenant_id, shop_id, order_id, agreement_id, happened_at, reason
) VALUES ($1, $2, $3, $4, $5, $6)
"""
_SALE = """
INSERT INTO commerce.sales (
    tenant_id, shop_id, order_id, agreement_id, sale_id, action_type, line_type, line_id, quantity,
    total, discount_before_taxes, discount_after_taxes, tax, presentment_total, presentment_tax
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $10, $12)
"""
_MERGE = """
INSERT INTO commerce.customer_merges (tenant_id, shop_id, customer_id, merged_into, merged_at)
VALUES ($1, $2, $3, $4, now())
"""
_MARK = "INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id) VALUES ($1, $2, $3)"
_TABLES = (
    *("orders", "order_lines", "refunds", "refund_lines"),
    *("order_details", "sales_agreements", "sales"),
)


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

    async def merge(self, gone: int, kept: int) -> None:
        """Merge one customer into another; its orders keep naming it, and are marked."""
        async with self.db.transaction():
            await self.db.execute(_MERGE, *self.ids, gone, kept)
            await self.db.execute(SYNCER["mark_merged"], *self.ids, gone)

    async def customers(self, basis: str = "event") -> list[tuple[int, int, int]]:
        """Day of the month, new and returning customers, of the days that have any."""
        return [
            (one["day"].day, one["new_customers"], one["returning_customers"])
            for one in await self.days(basis)
            if one["new_customers"] or one["returning_customers"]
        ]

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
            order.customer_id,
        )
        for line in order.lines:
            await self._insert_line(key, line)
        for refund in order.refunds:
            await self._insert_refund(key, refund)
        if order.agreements:
            await self._insert_ledger(key, order)
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

    async def _insert_ledger(self, key: tuple[str, int, int], order: OrderSnapshot) -> None:
        await self.db.execute(_DETAILS, *key, order.fees)
        for one in order.agreements:
            agreement = (*key, one.agreement_id)
            await self.db.execute(_AGREEMENT, *agreement, one.happened_at, one.reason)
            for sale in one.sales:
                await self.db.execute(
                    _SALE,
                    *agreement,
                    sale.sale_id,
                    sale.action,
                    sale.line_type,
                    sale.line_id,
                    sale.quantity,
                    sale.total,
                    sale.discount,
                    sale.tax,
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
