"""When retries come back, in a queue whose messages leave at its head only."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.jitter import Spread

DELAY = 5.0
Wait = Callable[[float], float]


def releases(sent: list[tuple[float, float]]) -> list[float]:
    """When messages sent at a time with a wait leave: not before those ahead of them."""
    out, head = [], 0.0
    for at, wait in sent:
        head = max(head, at + wait)
        out.append(head)
    return out


def fullest_tenth(moments: list[float]) -> int:
    """The most that leave within a tenth of a second."""
    return max(Counter(round(moment, 1) for moment in moments).values())


def a_thousand_at_once(waits: list[Wait]) -> list[float]:
    sent = [(0.0, waits[n % len(waits)](0.0)) for n in range(1000)]
    return releases(sent)


def spreads(count: int) -> list[Wait]:
    made = [Spread([DELAY], draw=random.Random(seed).random) for seed in range(count)]
    return [lambda now, one=one: one.wait(0, now=now) for one in made]


@pytest.mark.parametrize("processes", [1, 3])
def test_a_thousand_retries_of_one_instant_come_back_over_the_window(processes: int):
    assert fullest_tenth(a_thousand_at_once(spreads(processes))) < 300


def test_independent_draws_would_all_wait_for_the_longest():
    rng = random.Random(7)
    naive = [lambda _: rng.uniform(0.75 * DELAY, DELAY)]

    assert fullest_tenth(a_thousand_at_once(naive)) > 900


@given(
    gaps=st.lists(st.floats(min_value=0, max_value=3), min_size=1, max_size=200),
    processes=st.integers(min_value=1, max_value=4),
    seed=st.integers(min_value=0, max_value=99),
)
def test_nobody_waits_longer_than_the_delay_or_much_less(
    gaps: list[float], processes: int, seed: int
):
    made = [Spread([DELAY], draw=random.Random(seed + n).random) for n in range(processes)]
    now, sent = 0.0, []
    for n, gap in enumerate(gaps):
        now += gap
        sent.append((now, made[n % processes].wait(0, now=now)))

    for (at, wait), released in zip(sent, releases(sent), strict=True):
        assert wait >= 0.75 * DELAY - 1e-9
        assert released <= at + DELAY + 1e-9


def test_rungs_do_not_hold_each_other_up():
    spread = Spread([5, 300], draw=lambda: 0.0)

    assert spread.wait(1, now=0) == 225
    assert spread.wait(0, now=0) == 3.75
