"""Sales figures: sums per currency, rounded to its minor unit and exact beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from shared.money import rounded

COUNTS = ("orders", "units")
AMOUNTS = (
    "gross_sales",
    "discounts",
    "sales_reversals",
    "net_sales",
    "shipping",
    "taxes",
    "duties",
    "additional_fees",
    "total_sales",
    "tips",
    "gift_card_sales",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Sums of one period in one currency, unrounded."""

    period: date
    currency: str
    counts: dict[str, int]
    amounts: dict[str, Decimal]


def totals(buckets: Iterable[Bucket]) -> list[Bucket]:
    """Return one bucket per currency: the sum of the unrounded ones, from the first period."""
    sums: dict[str, Bucket] = {}
    for bucket in buckets:
        so_far = sums.get(bucket.currency)
        sums[bucket.currency] = _added(so_far, bucket) if so_far else bucket
    return [sums[currency] for currency in sorted(sums)]


def _added(one: Bucket, other: Bucket) -> Bucket:
    return Bucket(
        period=min(one.period, other.period),
        currency=one.currency,
        counts={name: one.counts[name] + other.counts[name] for name in COUNTS},
        amounts={name: one.amounts[name] + other.amounts[name] for name in AMOUNTS},
    )


def presented(bucket: Bucket) -> dict[str, object]:
    """Return the figures as the API gives them: numbers in minor units, and exact text."""
    return {
        "currency": bucket.currency,
        **bucket.counts,
        **{name: rounded(amount, bucket.currency) for name, amount in bucket.amounts.items()},
        "exact": {name: format(amount, "f") for name, amount in bucket.amounts.items()},
    }
