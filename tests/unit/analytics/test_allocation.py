"""Parts add up, and the left-over goes to the first."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analytics.domain.allocation import spread, units_share

AMOUNTS = st.decimals(min_value=-10_000, max_value=10_000, places=4)


@pytest.mark.parametrize(
    ("whole", "currency", "parts"),
    [
        ("10.00", "GBP", ["3.34", "3.33", "3.33"]),
        ("-10.00", "GBP", ["-3.34", "-3.33", "-3.33"]),
        ("0.02", "GBP", ["0.01", "0.01", "0.00"]),
        ("100", "JPY", ["34", "33", "33"]),
        ("1.000", "KWD", ["0.334", "0.333", "0.333"]),
    ],
)
def test_a_left_over_goes_one_minor_unit_at_a_time_from_the_first(
    whole: str, currency: str, parts: list[str]
) -> None:
    amount = Decimal(whole)
    shares = [units_share(amount, 3, range(one, one + 1), currency) for one in range(3)]

    assert shares == [Decimal(part) for part in parts]
    assert spread(abs(amount), [Decimal(1)] * 3, currency) == [abs(Decimal(p)) for p in parts]


@given(AMOUNTS, st.integers(1, 9), st.lists(st.integers(0, 4), max_size=6))
def test_units_taken_in_any_steps_sum_to_the_whole(
    whole: Decimal, quantity: int, steps: list[int]
) -> None:
    taken, total = 0, Decimal(0)
    for step in [*steps, quantity]:
        total += units_share(whole, quantity, range(taken, taken + step), "GBP")
        taken += step

    assert total == whole


@given(
    st.decimals(min_value=0, max_value=10_000, places=4),
    st.lists(st.decimals(min_value=0, max_value=500, places=2), min_size=1, max_size=6),
)
def test_spread_parts_sum_to_the_whole(whole: Decimal, weights: list[Decimal]) -> None:
    parts = spread(whole, weights, "EUR")

    assert len(parts) == len(weights)
    assert sum(parts) == whole
