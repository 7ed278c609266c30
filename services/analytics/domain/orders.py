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
class Sale:
    """One line of an agreement, signed as Shopify signs it: what is taken back is negative.

    *total* is after discounts and holds *tax*; *discount* holds none.
    """

    sale_id: int
    action: str
    line_type: str
    line_id: int | None = None
    quantity: int = 0
    total: Decimal
    discount: Decimal = ZERO
    tax: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What was sold or taken back at once: by the order, an edit, a refund or a return."""

    agreement_id: int
    happened_at: datetime
    reason: str
    sales: tuple[Sale, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSnapshot:
    """The newest known state of one order.

    *agreements* are Shopify's own ledger of it, empty where that is not synced; *fees* are the
    additional fees that it must add up to, None where they are not known.
    """

    order_id: int
    currency: str
    processed_at: datetime
    customer_id: int | None = None
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
    agreements: tuple[Agreement, ...] = ()
    fees: Decimal | None = None
