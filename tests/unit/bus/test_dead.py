"""Which of the dead an operator means, and how fast they come back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.bus.dead import Pace, Wanted, owners
from shared.bus.protocol import DeadLetter, Message
from shared.deliveries import TOPIC, Delivery, pack

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_letter(**changes: object) -> DeadLetter:
    told: dict[str, object] = {
        "dead_id": "7",
        "queue": "ledger.v1",
        "message": Message(topic="fruit.sold", body=b'{"tenant_id": "t-1", "shop_id": 42}'),
        "reason": "ValueError: a Worm",
        "published_at": NOON - HOUR,
        "first_failed_at": NOON - HOUR,
        "died_at": NOON,
    }
    return DeadLetter(**(told | changes))


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(dead_id="7"),
        Wanted(topic="fruit.sold"),
        Wanted(reason="worm"),
        Wanted(whose="42"),
        Wanted(whose="t-1"),
        Wanted(since=NOON),
        Wanted(until=NOON + HOUR),
        Wanted(since=NOON, until=NOON + HOUR, topic="fruit.sold", reason="WORM", whose="42"),
        Wanted(among=frozenset({("7", NOON)})),
    ],
)
def test_what_is_wanted_is_taken(wanted: Wanted):
    assert wanted.takes(a_letter())


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(dead_id="8"),
        Wanted(topic="fruit.picked"),
        Wanted(reason="beetle"),
        Wanted(whose="4"),
        Wanted(since=NOON + HOUR),
        Wanted(until=NOON),
        Wanted(topic="fruit.sold", reason="beetle"),
        Wanted(among=frozenset()),
        Wanted(among=frozenset({("8", NOON), ("7", NOON - HOUR)})),
    ],
)
def test_everything_else_is_not(wanted: Wanted):
    assert not wanted.takes(a_letter())


def test_an_unknown_moment_of_death_is_in_no_range():
    assert not Wanted(since=NOON).takes(a_letter(died_at=None))
    assert Wanted().takes(a_letter(died_at=None))


def test_a_batch_of_deliveries_names_all_its_shops():
    batch = [
        Delivery("t-1", 1, "one.myshopify.com", "orders/create", "a", "", "", "", "", b"{}"),
        Delivery("t-2", 2, "two.myshopify.com", "orders/create", "b", "", "", "", "", b"{}"),
    ]

    assert owners(Message(topic=TOPIC, body=pack(batch))) == {
        *("t-1", "1", "one.myshopify.com"),
        *("t-2", "2", "two.myshopify.com"),
    }


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'"text"', b"\xff"])
@pytest.mark.parametrize("topic", [TOPIC, "fruit.sold"])
def test_what_cannot_be_read_is_nobodys(topic: str, body: bytes):
    assert owners(Message(topic=topic, body=body)) == frozenset()


async def test_a_pace_asks_for_even_gaps():
    asked: list[float] = []

    async def sleep(seconds: float) -> None:
        asked.append(seconds)

    pace = Pace(0.01, sleep=sleep)
    for _ in range(4):
        await pace.step()

    assert [round(seconds / 100) for seconds in asked] == [1, 2, 3]


async def test_without_a_rate_nobody_waits():
    async def sleep(seconds: float) -> None:
        raise AssertionError(seconds)

    pace = Pace(sleep=sleep)
    for _ in range(4):
        await pace.step()
        await asyncio.sleep(0)
