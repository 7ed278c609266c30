"""An order as the ledger sees it: typed values of commerce's rows, in the shop's currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line item. *discount* holds every allocation, *tax_rate* is the sum of its tax rates."""

    line_id: int
    product_id: int | None = None
    variant_id: int | None = None
    quantity: int
    current_quantity: int
    price: Decimal
    discount: Decimal = ZERO
    tax: Decimal = ZERO
    tax_rate: Decimal = ZERO
    duty: Decimal = ZERO
    duty_tax: Decimal = ZERO
    gift_card: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipping:
    """One shipping line: what was charged after shipping discounts, and its tax."""

    charged: Decimal
    tax: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLine:
    """Units of one line given back. *subtotal* includes tax when the order's prices do."""

    refund_line_id: int
    line_id: int
    quantity: int
    subtotal: Decimal
    tax: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """An amount of a refund that belongs to no line, and its tax."""

    amount: Decimal
    tax: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """One refund. *adjustment* has Shopify's sign: negative is given back beyond the lines."""

    refund_id: int
    processed_at: datetime
    lines: tuple[RefundLine, ...] = ()
    adjustment: Reversal = Reversal(amount=ZERO)
    shipping: Reversal = Reversal(amount=ZERO)
    duties: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSnapshot:
    """The newest known state of one order."""

    order_id: int
    currency: str
    processed_at: datetime
    cancelled_at: datetime | None = None
    deleted: bool = False
    test: bool = False
    taxes_included: bool = False
    duties_included: bool = False
    total_tax: Decimal = ZERO
    total_duties: Decimal = ZERO
    total_tip: Decimal = ZERO
    lines: tuple[Line, ...] = ()
    shipping: tuple[Shipping, ...] = ()
    refunds: tuple[Refund, ...] = ()
