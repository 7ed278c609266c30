"""Which trace a delivery belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tracing import current, following, new_trace, traced

VALID = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_valid_trace_goes_on():
    assert traced(VALID) == VALID


@pytest.mark.parametrize(
    "given",
    [
        "",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        VALID.upper(),
        VALID + "\n",
        VALID + "-extra",
        VALID.replace("00-", "ff-", 1),
    ],
)
def test_anything_else_starts_a_new_trace(given: str):
    made = traced(given)

    assert made != given
    assert traced(made) == made


@given(st.text(max_size=60))
def test_the_outcome_is_always_valid(given: str):
    made = traced(given)

    assert traced(made) == made


def test_two_traces_differ():
    assert new_trace() != new_trace()


def test_what_is_followed_ends_with_its_context():
    with following(VALID):
        assert current() == VALID
    assert current() == ""
