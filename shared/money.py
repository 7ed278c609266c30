"""Minor units of currencies, and rounding to them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

# ISO 4217 currencies whose minor unit is not a hundredth.
_WHOLE = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split()  # noqa: SIM905 - read as a list of codes
)
_THOUSANDTHS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def exponent(currency: str) -> int:
    """Return the number of decimal places of *currency*'s minor unit (ISO 4217)."""
    if currency in _WHOLE:
        return 0
    return 3 if currency in _THOUSANDTHS else 2


def minor_unit(currency: str) -> Decimal:
    """Return the smallest amount of *currency*: ``Decimal('0.01')`` for GBP."""
    return Decimal(1).scaleb(-exponent(currency))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Round half up to the minor unit of *currency*."""
    return amount.quantize(minor_unit(currency), rounding=ROUND_HALF_UP)
