"""Whether a long load finds a leak."""

from __future__ import annotations

import math
import random

import pytest

from tests.faults.soak import Curve

SAMPLES = 270


def a_curve(*memory: float) -> Curve:
    return Curve("syncer", memory=list(memory), files=[20] * len(memory))


@pytest.mark.parametrize("most", [1.22, 1.5, 3])
def test_memory_that_rises_steadily_is_not_flat(most):
    assert not a_curve(*(90 * (1 + (most - 1) * n / SAMPLES) for n in range(SAMPLES))).is_flat


def test_memory_that_comes_and_goes_is_flat():
    chance = random.Random(1)
    waves = (90 + 20 * math.sin(n / 5) + chance.uniform(-5, 5) for n in range(SAMPLES))

    assert a_curve(*waves).is_flat


def test_one_peak_is_no_leak():
    assert a_curve(*[90] * 200, 180, *[90] * 69).is_flat


def test_memory_that_was_only_given_back_at_the_beginning_is_not_flat():
    assert not a_curve(*[180] * 90, *[90] * 180).is_flat


def test_files_that_stay_open_are_not_flat():
    curve = a_curve(*[90] * SAMPLES)
    curve.files = [20 + n // 30 for n in range(SAMPLES)]

    assert not curve.is_flat
