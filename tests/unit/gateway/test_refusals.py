"""A flood of refused keys becomes few lines, each with its count."""

from __future__ import annotations

from services.gateway import refusals
from services.gateway.refusals import Refusals


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_the_first_refusal_is_told_and_later_ones_as_a_count() -> None:
    clock = Clock()
    known = Refusals(clock=clock)

    told = [known.told("a") for _ in range(1000)]
    clock.seconds = 600.0

    assert told == [1, *[None] * 999]
    assert [known.told("a"), known.told("a"), known.told("b")] == [1000, None, 1]


def test_no_more_keys_are_remembered_than_there_is_room_for(monkeypatch) -> None:
    monkeypatch.setattr(refusals, "_MOST_REMEMBERED", 2)
    known = Refusals(clock=Clock())

    told = [known.told(key) for key in "abcabc"]

    assert told == [1, 1, 1, 1, 1, 1]
    assert len(known._silent_until) == 2
    assert known._untold == {}
