"""One row of the ledger: what one part of an order adds to which measures, on which days."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias

from services.analytics.domain.orders import ZERO

Kind: TypeAlias = Literal[
    "order",
    "charge",
    "sale",
    "gift_card",
    "refund",
    "adjustment",
    "shipping_reversal",
    "duty_reversal",
    "removal",
    "cancellation",
]


class Measures(NamedTuple):
    """What adds up. Reversals are positive and are subtracted; all else has its natural sign.

    *adjustments* are sales reversals that belong to no line (refund discrepancies).
    """

    orders: int = 0
    units: int = 0
    gross_sales: Decimal = ZERO
    discounts: Decimal = ZERO
    gross_reversals: Decimal = ZERO
    discount_reversals: Decimal = ZERO
    adjustments: Decimal = ZERO
    shipping: Decimal = ZERO
    taxes: Decimal = ZERO
    duties: Decimal = ZERO
    additional_fees: Decimal = ZERO
    tips: Decimal = ZERO
    gift_card_sales: Decimal = ZERO

    @property
    def sales_reversals(self) -> Decimal:
        return self.gross_reversals - self.discount_reversals + self.adjustments

    @property
    def net_sales(self) -> Decimal:
        return self.gross_sales - self.discounts - self.sales_reversals

    @property
    def total_sales(self) -> Decimal:
        return self.net_sales + self.shipping + self.duties + self.additional_fees + self.taxes


MEASURES = Measures._fields


class Contribution(NamedTuple):
    """*ckey* is unique within the order and follows from Shopify's ids alone."""

    order_id: int
    ckey: str
    kind: Kind
    happened_at: datetime
    event_day: date
    order_day: date
    currency: str
    line_id: int | None
    product_id: int | None
    variant_id: int | None
    measures: Measures


def total(parts: Iterable[Measures]) -> Measures:
    """Add *parts* up."""
    sums = Measures()
    for part in parts:
        sums = Measures(*map(operator.add, sums, part))
    return sums


def less(whole: Measures, part: Measures) -> Measures:
    """Take *part* out of *whole*."""
    return Measures(*map(operator.sub, whole, part))


def undoing(done: Measures) -> Measures:
    """Return what brings every amount of *done* to zero; the order itself stays counted."""
    return Measures(
        units=-done.units,
        gross_reversals=done.gross_sales - done.gross_reversals,
        discount_reversals=done.discounts - done.discount_reversals,
        adjustments=-done.adjustments,
        shipping=-done.shipping,
        taxes=-done.taxes,
        duties=-done.duties,
        additional_fees=-done.additional_fees,
        tips=-done.tips,
        gift_card_sales=-done.gift_card_sales,
    )
