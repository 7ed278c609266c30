"""Token buckets by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.webhooks.paces import Paces


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_burst_is_free_and_then_it_takes_time(clock: Clock):
    paces = Paces(2, burst=10, clock=clock)

    for _ in range(10):
        paces.count("a")
        assert paces.wait("a") == 0
    wait = paces.count("a")

    assert wait == paces.wait("a") == pytest.approx(0.5)
    assert paces.wait("b") == 0
    clock.seconds += 0.5
    assert paces.wait("a") == 0


def test_however_much_was_counted_the_wait_is_one_token(clock: Clock):
    paces = Paces(2, burst=10, clock=clock)

    for _ in range(10_000):
        paces.count("a")

    assert paces.wait("a") == pytest.approx(0.5)


def test_names_are_bounded_and_forgotten_when_all_is_quiet(clock: Clock):
    paces = Paces(1, burst=2, most=100, clock=clock)

    for number in range(1000):
        paces.count(str(number))
    held = len(paces)
    busy = paces.idle
    clock.seconds += 60

    assert (held, busy, paces.idle, len(paces)) == (100, False, True, 0)


def test_a_pace_of_zero_is_off(clock: Clock):
    paces = Paces(0, burst=1, clock=clock)
    for _ in range(100):
        paces.count("a")

    assert paces.wait("a") == 0
    assert paces.idle


@given(st.lists(st.floats(0, 5), max_size=200))
def test_no_more_than_burst_and_rate_pass(gaps: list[float]):
    clock = Clock()
    paces = Paces(3, burst=5, clock=clock)
    passed = 0
    for gap in gaps:
        clock.seconds += gap
        if not paces.wait("a"):
            passed += 1
            paces.count("a")

    assert passed <= 5 + 1 + 3 * sum(gaps) + 1e-6
