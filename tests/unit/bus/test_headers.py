"""What the bus writes into a message's headers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.bus.headers import failed, replayed, travels

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_the_first_failure_stays_and_the_last_one_is_told():
    once = failed({"trace": "abc"}, "not ripe", at=NOON)
    twice = failed(once, "rotten", at=NOON + timedelta(seconds=5))

    assert twice == {
        "trace": "abc",
        "x-first-failed-at": "2026-11-21T12:00:00.000+00:00",
        "x-failed-at": "2026-11-21T12:00:05.000+00:00",
        "x-error": "rotten",
    }


def test_another_life_begins_without_failures_and_is_counted():
    dead = failed({"trace": "abc"}, "rotten", at=NOON)

    assert replayed(dead) == {"trace": "abc", "x-replayed": "1"}
    assert replayed(failed(replayed(dead), "rotten", at=NOON))["x-replayed"] == "2"
    assert replayed({"x-replayed": "forged"})["x-replayed"] == "1"


def test_what_a_broker_adds_does_not_travel():
    assert not travels("x-death")
    assert not travels("x-first-death-reason")
    assert travels("traceparent")
    assert travels("x-error")
