"""Amounts are rounded to the minor unit of their currency."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.money import minor_unit, rounded


@pytest.mark.parametrize(
    ("currency", "unit", "text"),
    [("JPY", "1", "3"), ("GBP", "0.01", "2.68"), ("KWD", "0.001", "2.675")],
)
def test_rounding_follows_the_minor_unit(currency: str, unit: str, text: str) -> None:
    assert minor_unit(currency) == Decimal(unit)
    assert rounded(Decimal("2.675"), currency) == Decimal(text)


@pytest.mark.parametrize("currency", ["", "PY", "F C"])
def test_a_part_of_a_code_is_no_currency_of_its_own(currency: str) -> None:
    assert minor_unit(currency) == Decimal("0.01")
