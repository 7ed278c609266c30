"""Splitting money so that the parts add up: a left-over goes one minor unit at a time, first first.

Source: shopify-platform reference, "Allocation of remainders"; nothing is ever redistributed.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

from shared.money import minor_unit


def units_share(whole: Decimal, quantity: int, taken: range, currency: str) -> Decimal:
    """Return the part of *whole* that the units *taken*, of *quantity* equal units, carry.

    Units beyond *quantity* carry nothing.
    """
    if not whole or quantity <= 0:
        return Decimal(0)
    return _first_units(whole, quantity, taken.stop, currency) - _first_units(
        whole, quantity, taken.start, currency
    )


def _first_units(whole: Decimal, quantity: int, count: int, currency: str) -> Decimal:
    if count >= quantity:
        return whole
    minor = minor_unit(currency).copy_sign(whole)
    each = (whole / quantity).quantize(minor, rounding=ROUND_DOWN)
    left = whole - each * quantity
    extra = minor * count
    return each * count + (left if abs(left) < abs(extra) else extra)


def spread(whole: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Split *whole* by *weights*; the parts sum to *whole*. Weights are not negative."""
    total = sum(weights, Decimal(0))
    if not total:
        return [whole, *(Decimal(0) for _ in weights[1:])] if weights else []
    minor = minor_unit(currency)
    parts = [(whole * weight / total).quantize(minor, rounding=ROUND_DOWN) for weight in weights]
    left = whole - sum(parts, Decimal(0))
    step = minor.copy_sign(left)
    for place, weight in enumerate(weights):
        if abs(left) < minor:
            break
        if weight:
            parts[place] += step
            left -= step
    parts[next(place for place, weight in enumerate(weights) if weight)] += left
    return parts
