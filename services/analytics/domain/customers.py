"""Which orders make their customer new or returning.

Shopify's definition: the first order of a customer makes it new, every later one returning, and
only test orders do not count (Admin API, ``CustomerJourneySummary.customerOrderIndex``); an order
that was cancelled remains the first. Deleted orders are no more, and orders of no customer make
nobody new.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from services.analytics.domain.contributions import Contribution
from services.analytics.domain.orders import OrderSnapshot


class CustomerOrder(NamedTuple):
    """An order that counts for its customer, whose first is the earliest *processed_at*."""

    order_id: int
    customer_id: int
    processed_at: datetime
    day: date
    currency: str


def customer_order(order: OrderSnapshot, rows: Sequence[Contribution]) -> CustomerOrder | None:
    """Return *order* as one of its customer's, if *rows* count it as an order."""
    counted = next((row for row in rows if row.measures.orders), None)
    if counted is None or order.customer_id is None:
        return None
    return CustomerOrder(
        order_id=order.order_id,
        customer_id=order.customer_id,
        processed_at=order.processed_at,
        day=counted.order_day,
        currency=order.currency,
    )
