"""What becomes of messages around their handler."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from shared.bus.handling import handled, verdict
from shared.bus.protocol import Bury, Done, Message, Outcome, Retry
from shared.errors import Rejected


def a_message(body: bytes, *, attempt: int = 0) -> Message:
    return Message(topic="fruit.sold", body=body, attempt=attempt)


@pytest.mark.parametrize(
    ("outcome", "attempt", "expected"),
    [
        (Done(), 9, Done()),
        (Retry("late"), 0, Retry("late")),
        (Retry("late"), 1, Retry("late")),
        (Retry("late"), 2, Bury("gave up after 3 attempts: late")),
        (Bury("rotten"), 0, Bury("rotten")),
        (Retry("x" * 900), 0, Retry("x" * 500)),
        (Bury("x" * 900), 0, Bury("x" * 500)),
    ],
)
def test_a_retry_beyond_the_ladder_is_a_burial(outcome: Outcome, attempt: int, expected: Outcome):
    assert verdict(outcome, attempt=attempt, rungs=2) == expected


async def test_a_failing_batch_is_handled_one_by_one():
    sizes: list[int] = []

    async def handler(messages: Sequence[Message]) -> Sequence[Outcome]:
        sizes.append(len(messages))
        for message in messages:
            if message.body == b"worm":
                raise ValueError("a worm")
            if message.body == b"stone":
                raise Rejected("not a fruit")
        return [Done() for _ in messages]

    messages = [a_message(body) for body in (b"pear", b"worm", b"stone")]
    outcomes = await handled(handler, messages, stop=asyncio.Event())

    assert outcomes == [Done(), Retry("ValueError: a worm"), Bury("Rejected: not a fruit")]
    assert sizes == [3, 1, 1, 1]


async def test_a_reason_holds_nothing_of_the_row_that_was_refused():
    async def handler(messages: Sequence[Message]) -> Sequence[Outcome]:
        fields = {
            "C": "23502",
            "M": "null value",
            "D": "Failing row contains (Ada).",
            "t": "people",
        }
        raise asyncpg.PostgresError.new(fields)

    outcomes = await handled(handler, [a_message(b"pear")], stop=asyncio.Event())

    assert outcomes == [Retry("NotNullViolationError 23502 in people")]


async def test_an_answer_of_the_wrong_length_is_an_error_of_the_handler():
    async def handler(messages: Sequence[Message]) -> Sequence[Outcome]:
        return [Done()] * 2

    outcomes = await handled(handler, [a_message(b"pear")], stop=asyncio.Event())

    assert outcomes == [Retry("RuntimeError: 2 outcomes for 1 messages")]
