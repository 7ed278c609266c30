"""Sales figures: sums per currency, rounded to its minor unit and exact beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from shared.money import exponent, rounded

_NO_CURRENCY = "XXX"  # as ISO 4217 calls it

COUNTS = ("orders", "units", "new_customers")
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


def priced(row: Mapping[str, object], currency: str | None) -> dict[str, object]:
    """Return *row* with its amounts as Shopify writes them: ``"299.00"``, ``"1200"`` for yen.

    At least the digits of the currency's minor unit; more only where the amount has more.
    """
    least = exponent(currency or _NO_CURRENCY)
    return {
        name: _text(value, least) if isinstance(value, Decimal) else value
        for name, value in row.items()
    }


def _text(amount: Decimal, least: int) -> str:
    whole, _, fraction = format(amount, "f").partition(".")
    fraction = fraction.rstrip("0").ljust(least, "0")
    return f"{whole}.{fraction}" if fraction else whole
