"""What an operator does with a queue, asked of both buses: dead letters, pauses, its state."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
import structlog

from shared.bus import measuring
from shared.bus.dead import Wanted, drop, matching, replay
from shared.bus.protocol import Bury, Bus, DeadLetter, Done, Message, Outcome, Retry
from shared.errors import Unavailable
from shared.metrics import BUS_MESSAGES, BUS_OLDEST_AGE_SECONDS, BUS_PAUSED, BUS_REDELIVERIES_TOTAL
from shared.tracing import TRACEPARENT, following, new_trace
from tests.integration.bus.conftest import DELAYS, Open
from tests.integration.bus.test_conformance import (
    Recorder,
    cancelled_in_the_middle,
    consumed,
    until,
)

LEDGER = "ledger.v1"


async def _is(count: Awaitable[int], expected: int) -> bool:
    return await count == expected


async def buried(
    bus: Bus, *bodies: bytes, topic: str = "fruit.sold", reason: str = "rotten"
) -> None:
    """Let *bodies* die in this order."""
    before = await bus.dead(LEDGER)
    for body in bodies:
        await bus.publish(topic, body)
    async with consumed(bus, Recorder(lambda _: Bury(reason)), batch_max=1, prefetch=1):
        await until(lambda: _is(bus.dead(LEDGER), before + len(bodies)))


async def the_dead(bus: Bus, wanted: Wanted | None = None, *, limit: int = 0) -> list[DeadLetter]:
    async with bus.dead_letters(LEDGER) as letters:
        return [one async for one in matching(letters, wanted or Wanted(), limit=limit)]


def bodies(letters: Sequence[DeadLetter]) -> list[bytes]:
    return [letter.message.body for letter in letters]


async def _none_waits(bus: Bus) -> bool:
    state = await bus.state(LEDGER)
    return not state.ready and not state.held and not state.waiting


async def test_the_dead_tell_what_happened_to_them(bus: Bus):
    trace, began = new_trace(), datetime.now(UTC) - timedelta(seconds=2)
    with following(trace):
        await bus.publish("fruit.sold", b"worm", headers={"note": "abc"})

    async with consumed(bus, Recorder(lambda _: Retry("not ripe"))):
        await until(lambda: _is(bus.dead(LEDGER), 1))
    [letter] = await the_dead(bus)

    assert letter.queue == LEDGER
    assert letter.reason == f"gave up after {len(DELAYS) + 1} attempts: not ripe"
    assert letter.message.topic == "fruit.sold"
    assert letter.message.body == b"worm"
    assert letter.message.attempt == len(DELAYS)
    assert letter.message.headers["note"] == "abc"
    assert letter.message.headers[TRACEPARENT] == trace
    assert letter.published_at
    assert letter.first_failed_at
    assert letter.died_at
    assert began < letter.published_at < letter.first_failed_at < letter.died_at


async def test_looking_changes_neither_what_is_dead_nor_its_order(bus: Bus):
    await buried(bus, b"1", b"2", b"3", b"4")

    first = await the_dead(bus)
    await the_dead(bus, limit=2)
    again = await the_dead(bus)

    assert bodies(first) == [b"1", b"2", b"3", b"4"]
    assert again == first
    assert len({letter.dead_id for letter in first}) == 4
    await until(lambda: _is(bus.dead(LEDGER), 4))


async def test_looking_a_hundred_times_loses_nothing(bus: Bus):
    await buried(bus, b"1", b"2")

    for _ in range(30):
        await the_dead(bus)

    assert bodies(await the_dead(bus)) == [b"1", b"2"]


async def test_a_queue_without_dead_is_an_empty_list(bus: Bus):
    await bus.publish("fruit.sold", b"alive")

    assert await the_dead(bus) == []
    assert await replay(bus, LEDGER, Wanted()) == 0
    assert await drop(bus, LEDGER, Wanted()) == 0


async def test_one_is_replayed_as_if_it_had_never_failed(bus: Bus):
    await buried(bus, b"1", b"2", b"3")
    second = (await the_dead(bus))[1]

    assert await replay(bus, LEDGER, Wanted(dead_id=second.dead_id)) == 1

    handler = Recorder()
    async with consumed(bus, handler):
        await until(lambda: bool(handler.messages))
    [message] = handler.messages
    assert (message.topic, message.body, message.attempt) == ("fruit.sold", b"2", 0)
    assert "x-error" not in message.headers
    assert message.headers["x-replayed"] == "1"
    assert message.headers[TRACEPARENT] == second.message.headers[TRACEPARENT]
    assert bodies(await the_dead(bus)) == [b"1", b"3"]


async def test_a_replay_reaches_the_queue_of_its_death_only(bus: Bus):
    await buried(bus, b"apple", topic="fruit.picked")
    baskets, ledger = Recorder(), Recorder()

    async with consumed(bus, baskets, queue="baskets.v1"):
        await until(lambda: bool(baskets.messages))
        assert await replay(bus, LEDGER, Wanted()) == 1
        async with consumed(bus, ledger):
            await until(lambda: bool(ledger.messages))
        await bus.publish("fruit.picked", b"plum")
        await until(lambda: b"plum" in baskets.bodies)

    assert baskets.bodies == [b"apple", b"plum"]


async def test_a_filter_is_replayed_in_order_and_the_rest_stays(bus: Bus):
    await buried(bus, b"1", b"2", reason="beetle")
    await buried(bus, b"3", reason="worm")
    await buried(bus, b"4", b"5", reason="beetle")
    told: list[int] = []

    assert await replay(bus, LEDGER, Wanted(reason="beetle"), told=told.append) == 4

    handler = Recorder()
    async with consumed(bus, handler, batch_max=1, prefetch=1):
        await until(lambda: len(handler.messages) == 4)
    assert told == [1, 2, 3, 4]
    assert handler.bodies == [b"1", b"2", b"4", b"5"]
    assert bodies(await the_dead(bus)) == [b"3"]


async def test_what_dies_again_during_a_replay_is_not_replayed_again(bus: Bus):
    await buried(bus, b"1", b"2", b"3")

    async with consumed(bus, Recorder(lambda _: Bury("still rotten"))):
        assert await replay(bus, LEDGER, Wanted()) == 3
        await until(lambda: _is(bus.dead(LEDGER), 3))

    assert {letter.reason for letter in await the_dead(bus)} == {"still rotten"}


async def test_a_reader_that_is_cut_off_loses_nothing(bus: Bus):
    await buried(bus, b"1", b"2", b"3")

    with contextlib.suppress(ConnectionError):
        async with bus.dead_letters(LEDGER) as letters:
            async for letter in letters:
                if letter.message.body == b"2":
                    raise ConnectionError

    assert bodies(await the_dead(bus)) == [b"1", b"2", b"3"]


async def test_a_replay_that_is_cancelled_has_replayed_what_it_told(bus: Bus):
    await buried(bus, *(b"%d" % n for n in range(20)))
    told: list[int] = []
    half = asyncio.Event()

    def hear(done: int) -> None:
        told.append(done)
        if done == 10:
            half.set()

    task = asyncio.create_task(replay(bus, LEDGER, Wanted(), told=hear))
    await half.wait()
    task.cancel()
    await asyncio.wait([task])

    async def whole() -> bool:
        return await bus.depth(LEDGER) + await bus.dead(LEDGER) == 20

    await until(whole)
    alive = await bus.depth(LEDGER)
    assert told[-1] <= alive <= told[-1] + 1


async def test_what_is_dropped_is_gone(bus: Bus):
    await buried(bus, b"1", b"2", b"3")

    assert await drop(bus, LEDGER, Wanted(dead_id=(await the_dead(bus))[0].dead_id)) == 1
    assert bodies(await the_dead(bus)) == [b"2", b"3"]
    assert await drop(bus, LEDGER, Wanted()) == 2
    assert await the_dead(bus) == []
    assert await bus.depth(LEDGER) == 0


async def test_a_paused_queue_is_not_consumed_until_it_is_resumed(open_bus: Open):
    operator, bus, other = open_bus(), open_bus(), open_bus()
    handlers = [Recorder(), Recorder()]

    async with consumed(bus, handlers[0]), consumed(other, handlers[1]):
        assert await operator.pauses.pause(LEDGER, reason="it does harm")
        await heeded(bus, other)
        assert BUS_PAUSED.labels(LEDGER)._value.get() == 1
        for n in range(10):
            await operator.publish("fruit.sold", b"%d" % n)
        await until(lambda: _is(operator.depth(LEDGER), 10))
        still = [pause.reason for pause in await operator.pauses.all()]
        assert await operator.pauses.resume(LEDGER)
        await until(lambda: sum(len(handler.messages) for handler in handlers) == 10)

    assert still == ["it does harm"]
    assert await operator.pauses.all() == []


async def heeded(*buses: Bus) -> None:
    """Wait until each of *buses* knows that the ledger is paused."""
    await until(lambda: all(any(LEDGER in name for name in bus.pauses._paused) for bus in buses))


async def test_a_pause_survives_restarts_and_concerns_its_queue_only(open_bus: Open):
    await open_bus().pauses.pause(LEDGER)
    bus = open_bus()
    baskets, ledger = Recorder(), Recorder()
    await bus.publish("fruit.picked", b"apple")

    async with consumed(bus, ledger), consumed(bus, baskets, queue="baskets.v1"):
        await until(lambda: len(baskets.messages) == 1)
        await until(lambda: _is(bus.depth(LEDGER), 1))

    assert ledger.messages == []


async def test_pausing_twice_and_resuming_twice_is_told(bus: Bus):
    assert await bus.pauses.pause(LEDGER)
    assert not await bus.pauses.pause(LEDGER)
    assert await bus.pauses.resume(LEDGER)
    assert not await bus.pauses.resume(LEDGER)


async def test_pausing_stops_a_handler_that_waits_for_something_to_come_back(bus: Bus):
    calls = 0

    async def handler(messages: Sequence[Message]) -> Sequence[Outcome]:
        nonlocal calls
        calls += 1
        raise Unavailable("the market is closed")

    await bus.publish("fruit.sold", b"pear")
    async with consumed(bus, handler):
        await until(lambda: calls > 0)
        await bus.pauses.pause(LEDGER)
        await until(lambda: _is(bus.depth(LEDGER), 1))


async def test_a_batch_in_hand_is_finished_when_its_queue_is_paused(bus: Bus):
    started, go_on = asyncio.Event(), asyncio.Event()

    async def handler(messages: Sequence[Message]) -> Sequence[Outcome]:
        started.set()
        await go_on.wait()
        return [Done() for _ in messages]

    await bus.publish("fruit.sold", b"pear")
    async with consumed(bus, handler):
        await started.wait()
        await bus.pauses.pause(LEDGER)
        await heeded(bus)
        go_on.set()
        await until(lambda: _none_waits(bus))

    assert await bus.depth(LEDGER) == 0
    assert await bus.dead(LEDGER) == 0


@contextlib.asynccontextmanager
async def hidden(db: asyncpg.Connection) -> AsyncIterator[None]:
    """Let nobody read what is paused, as when Postgres is away."""
    async with db.transaction():
        await db.execute("LOCK TABLE bus.paused IN ACCESS EXCLUSIVE MODE")
        yield


async def test_while_nobody_can_ask_the_last_known_state_holds(
    open_bus: Open, db: asyncpg.Connection
):
    bus, handler = open_bus(), Recorder()
    await bus.pauses.pause(LEDGER)

    async with consumed(bus, handler):
        async with hidden(db):
            await bus.publish("fruit.sold", b"pear")
            with structlog.testing.capture_logs() as logs:
                await until(lambda: any("last known hold" in line["event"] for line in logs))
            assert handler.messages == []
        await bus.pauses.resume(LEDGER)
        await until(lambda: len(handler.messages) == 1)


async def test_a_queue_tells_how_it_stands(bus: Bus):
    await bus.publish("fruit.sold", b"1")
    await bus.publish("fruit.sold", b"2")
    await until(lambda: _is(bus.depth(LEDGER), 2))
    handler = Recorder(lambda message: Bury("rotten") if message.body == b"1" else Done())

    before = await bus.state(LEDGER)
    async with consumed(bus, handler):
        await until(lambda: len(handler.messages) == 2)
        await until(lambda: _is(bus.dead(LEDGER), 1))
    await until(lambda: _none_waits(bus))
    after = await bus.state(LEDGER)

    assert (before.ready, before.dead) == (2, 0)
    assert (after.ready, after.dead) == (0, 1)
    assert not after.oldest_seconds


async def test_whoever_consumes_a_queue_measures_it(bus: Bus):
    await buried(bus, b"1", b"2")
    BUS_MESSAGES.clear()

    async with consumed(bus, Recorder()):
        await until(lambda: BUS_MESSAGES.labels(LEDGER, "dead")._value.get() == 2)

    assert BUS_MESSAGES.labels(LEDGER, "ready")._value.get() == 0
    assert BUS_OLDEST_AGE_SECONDS.labels(LEDGER)._value.get() == 0


async def test_the_dead_are_still_counted_while_somebody_looks_at_them(
    open_bus: Open, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(measuring, "_EVERY_SECONDS", 0.05)
    bus, operator = open_bus(), open_bus()
    await buried(bus, b"1", b"2")
    BUS_MESSAGES.clear()
    shown: set[float] = set()

    async with consumed(bus, Recorder()):
        await until(lambda: BUS_MESSAGES.labels(LEDGER, "dead")._value.get() == 2)
        async with operator.dead_letters(LEDGER) as letters:
            async for _ in letters:
                for _ in range(10):
                    shown.add(BUS_MESSAGES.labels(LEDGER, "dead")._value.get())
                    await asyncio.sleep(0.05)
        await drop(operator, LEDGER, Wanted())
        await until(lambda: BUS_MESSAGES.labels(LEDGER, "dead")._value.get() == 0)

    assert shown == {2}


async def test_what_another_had_before_counts_as_redelivered(open_bus: Open):
    bus = open_bus()
    before = BUS_REDELIVERIES_TOTAL.labels(LEDGER)._value.get()
    await bus.publish("fruit.sold", b"pear")
    started = asyncio.Event()

    async def stuck(messages: Sequence[Message]) -> Sequence[Outcome]:
        started.set()
        await asyncio.Event().wait()
        return []

    await cancelled_in_the_middle(bus, stuck, started)
    handler = Recorder()
    async with consumed(open_bus(), handler):
        await until(lambda: len(handler.messages) == 1)

    assert BUS_REDELIVERIES_TOTAL.labels(LEDGER)._value.get() == before + 1
