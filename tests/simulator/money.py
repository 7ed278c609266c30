"""Amounts in minor units, in the shop's and the buyer's currency at once."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_ZERO_DECIMALS = {"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"}
_THREE_DECIMALS = {"BHD", "JOD", "KWD", "OMR", "TND"}


class Money(NamedTuple):
    """An amount of one currency."""

    minor: int
    currency: str


class Bag(NamedTuple):
    """One amount twice: minor units of the shop's currency and of the buyer's."""

    shop: int
    presentment: int
    currencies: tuple[str, str]

    def __neg__(self) -> Bag:
        return Bag(-self.shop, -self.presentment, self.currencies)


@functools.cache
def exponent(currency: str) -> int:
    """How many decimals *currency* has."""
    if currency in _ZERO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


@functools.lru_cache(maxsize=200_000)
def plain(minor: int, currency: str) -> str:
    """The amount as REST and webhooks write it: always the currency's decimals."""
    places = exponent(currency)
    if places == 0:
        return str(minor)
    digits = f"{abs(minor):0{places + 1}d}"
    sign = "-" if minor < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


@functools.lru_cache(maxsize=200_000)
def trimmed(minor: int, currency: str) -> str:
    """The amount as a GraphQL Decimal: no trailing zeros, but at least one decimal."""
    text = plain(minor, currency)
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0') or '0'}"


def bag(shop: int, presentment: int, currencies: tuple[str, str]) -> Bag:
    return Bag(shop, presentment, currencies)


def total(bags: Iterable[Bag], currencies: tuple[str, str]) -> Bag:
    """Add *bags*; nothing to add is zero."""
    shop = presentment = 0
    for one in bags:
        shop += one.shop
        presentment += one.presentment
    return Bag(shop, presentment, currencies)


def plus(first: Bag, *others: Bag) -> Bag:
    shop, presentment, currencies = first
    for one in others:
        shop += one.shop
        presentment += one.presentment
    return Bag(shop, presentment, currencies)


def minus(first: Bag, *others: Bag) -> Bag:
    shop, presentment, currencies = first
    for one in others:
        shop -= one.shop
        presentment -= one.presentment
    return Bag(shop, presentment, currencies)


def times(unit: Bag, quantity: int) -> Bag:
    return Bag(unit.shop * quantity, unit.presentment * quantity, unit.currencies)


def share(whole: Bag, quantity: int, *, done: int, taken: int) -> Bag:
    """The part of *whole* that belongs to units ``done + 1 .. done + taken`` of *quantity*.

    The remainder goes one minor unit at a time from the first unit; parts of consecutive units
    add up to the whole, whatever the sizes of the steps.
    """
    if quantity == 0:
        return Bag(0, 0, whole.currencies)
    shop, presentment = (
        _first_units(amount, quantity, done + taken) - _first_units(amount, quantity, done)
        for amount in (whole.shop, whole.presentment)
    )
    return Bag(shop, presentment, whole.currencies)


def _first_units(amount: int, quantity: int, count: int) -> int:
    each, left = divmod(amount, quantity)
    return each * count + min(left, count)


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Split *amount* by *weights*; the remainder goes one minor unit at a time from the first."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [amount * weight // whole for weight in weights]
    left = amount - sum(parts)
    for position, weight in enumerate(weights):
        if left == 0:
            break
        if weight:
            parts[position] += 1
            left -= 1
    return parts


def scaled(amount: int, numerator: int, denominator: int) -> int:
    """``amount * numerator / denominator``, rounded half away from zero."""
    if amount < 0:
        return -scaled(-amount, numerator, denominator)
    return (2 * amount * numerator + denominator) // (2 * denominator)
