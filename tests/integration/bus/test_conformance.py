"""What every bus promises, asked of both."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
import structlog

from shared.bus.protocol import MAX_BODY_BYTES, Bury, Bus, Done, Message, Outcome, Retry
from shared.errors import Rejected, Unavailable
from shared.tracing import TRACEPARENT, current, following, new_trace
from tests.integration.bus.conftest import DELAYS, Open


class Recorder:
    """A handler that remembers its batches and answers by a function of the message."""

    def __init__(self, answer: Callable[[Message], Outcome] = lambda _: Done()) -> None:
        self.batches: list[list[Message]] = []
        self._answer = answer

    async def __call__(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self.batches.append(list(messages))
        return [self._answer(message) for message in messages]

    @property
    def messages(self) -> list[Message]:
        return [message for batch in self.batches for message in batch]

    @property
    def bodies(self) -> list[bytes]:
        return [message.body for message in self.messages]


async def until(true: Callable[[], bool | Awaitable[bool]], *, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while True:
            answer = true()
            if answer is True or (not isinstance(answer, bool) and await answer):
                return
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def consumed(
    bus: Bus, handler: object, *, queue: str = "ledger.v1", batch_max: int = 10, prefetch: int = 20
) -> AsyncIterator[None]:
    async with bus.consuming(queue, handler, batch_max=batch_max, prefetch=prefetch):
        yield


async def test_what_was_published_survives_closing_and_reopening(open_bus: Open):
    first = open_bus()
    await first.publish("fruit.sold", b"pear", headers={"trace": "abc"})
    await first.close()
    handler = Recorder()

    async with consumed(open_bus(), handler):
        await until(lambda: len(handler.messages) == 1)

    [message] = handler.messages
    trace = message.headers[TRACEPARENT]
    assert message == Message(
        topic="fruit.sold", body=b"pear", headers={"trace": "abc", TRACEPARENT: trace}, attempt=0
    )


async def test_a_message_reaches_every_queue_bound_to_its_topic(bus: Bus):
    await bus.publish("fruit.picked", b"apple")
    await bus.publish("fruit.sold", b"plum")
    baskets, ledger = Recorder(), Recorder()

    async with consumed(bus, baskets, queue="baskets.v1"), consumed(bus, ledger):
        await until(lambda: len(baskets.messages) == 1 and len(ledger.messages) == 2)

    assert baskets.bodies == [b"apple"]
    assert sorted(ledger.bodies) == [b"apple", b"plum"]


async def test_done_messages_are_gone(bus: Bus):
    await bus.publish("fruit.sold", b"pear")
    handler = Recorder()

    async with consumed(bus, handler):
        await until(lambda: len(handler.messages) == 1)

    assert await bus.depth("ledger.v1") == 0
    assert await bus.dead("ledger.v1") == 0


async def test_depth_counts_what_waits(bus: Bus):
    for _ in range(3):
        await bus.publish("fruit.sold", b"pear")

    await until(lambda: _is(bus.depth("ledger.v1"), 3))


async def _is(count: Awaitable[int], expected: int) -> bool:
    return await count == expected


async def test_a_batch_is_what_is_there_and_never_more_than_asked_for(bus: Bus):
    await asyncio.gather(*(bus.publish("fruit.sold", b"%d" % n) for n in range(25)))
    gate = asyncio.Event()
    recorder = Recorder()

    async def handler(messages: Sequence[Message]) -> Sequence[Outcome]:
        await gate.wait()
        return await recorder(messages)

    async with consumed(bus, handler, batch_max=10, prefetch=30):
        await asyncio.sleep(0.3)
        gate.set()
        await until(lambda: len(recorder.messages) == 25)

    sizes = [len(batch) for batch in recorder.batches]
    assert max(sizes) == 10
    assert sorted(recorder.bodies) == sorted(b"%d" % n for n in range(25))


async def test_a_message_is_retried_up_the_ladder_and_then_buried(bus: Bus):
    await bus.publish("fruit.sold", b"worm")
    handler = Recorder(lambda _: Retry("not ripe"))

    async with consumed(bus, handler):
        await until(lambda: _is(bus.dead("ledger.v1"), 1))

    assert [message.attempt for message in handler.messages] == list(range(len(DELAYS) + 1))
    first, second, third = (message.headers for message in handler.messages)
    assert not [name for name in first if name.startswith("x-")]
    assert second["x-error"] == "not ripe"
    assert second["x-first-failed-at"] == second["x-failed-at"] == third["x-first-failed-at"]
    assert third["x-failed-at"] > second["x-failed-at"]
    assert await bus.depth("ledger.v1") == 0


async def test_a_retried_message_comes_back_to_its_own_queue_only(bus: Bus):
    await bus.publish("fruit.picked", b"apple")
    baskets = Recorder()
    ledger = Recorder(lambda message: Done() if message.attempt else Retry("not yet"))

    async with consumed(bus, baskets, queue="baskets.v1"), consumed(bus, ledger):
        await until(lambda: len(ledger.messages) == 2)
        await asyncio.sleep(0.3)

    assert len(baskets.messages) == 1
    assert ledger.messages[1].topic == "fruit.picked"


async def test_a_buried_message_is_dead_at_once_and_alone(bus: Bus):
    for body in (b"pear", b"worm", b"plum"):
        await bus.publish("fruit.sold", body)
    handler = Recorder(lambda m: Bury("rotten") if m.body == b"worm" else Done())

    async with consumed(bus, handler):
        await until(lambda: _is(bus.dead("ledger.v1"), 1))

    assert sorted(handler.bodies) == [b"pear", b"plum", b"worm"]
    assert await bus.depth("ledger.v1") == 0


async def test_an_error_in_the_handler_retries_each_message_alone(bus: Bus):
    for body in (b"pear", b"worm", b"plum"):
        await bus.publish("fruit.sold", body)
    done: list[bytes] = []

    async def handler(messages: Sequence[Message]) -> Sequence[Outcome]:
        if any(message.body == b"worm" for message in messages):
            raise ValueError("a worm")
        done.extend(message.body for message in messages)
        return [Done() for _ in messages]

    async with consumed(bus, handler):
        await until(lambda: _is(bus.dead("ledger.v1"), 1))

    assert sorted(done) == [b"pear", b"plum"]


async def test_what_is_rejected_alone_is_buried_without_retries(bus: Bus):
    await bus.publish("fruit.sold", b"stone")
    seen = 0

    async def handler(messages: Sequence[Message]) -> Sequence[Outcome]:
        nonlocal seen
        seen += 1
        raise Rejected("not a fruit")

    async with consumed(bus, handler):
        await until(lambda: _is(bus.dead("ledger.v1"), 1))

    assert seen == 1


async def test_unavailable_pauses_and_counts_no_attempt(bus: Bus):
    await bus.publish("fruit.sold", b"pear")
    times: list[float] = []
    attempts: list[int] = []

    async def handler(messages: Sequence[Message]) -> Sequence[Outcome]:
        times.append(asyncio.get_running_loop().time())
        attempts.extend(message.attempt for message in messages)
        if len(times) < 3:
            raise Unavailable("the market is closed")
        return [Done() for _ in messages]

    async with consumed(bus, handler):
        await until(lambda: len(times) == 3)

    assert attempts == [0, 0, 0]
    assert times[1] - times[0] >= 0.45
    assert times[2] - times[1] >= 0.9
    assert await bus.depth("ledger.v1") == 0


async def test_a_paused_consumer_stops_at_once_and_gives_back(bus: Bus):
    await bus.publish("fruit.sold", b"pear")
    calls = 0

    async def handler(messages: Sequence[Message]) -> Sequence[Outcome]:
        nonlocal calls
        calls += 1
        raise Unavailable("the market is closed")

    async with asyncio.timeout(5):
        async with consumed(bus, handler):
            await until(lambda: calls == 2)

    await until(lambda: _is(bus.depth("ledger.v1"), 1))


class Recovering(Recorder):
    """A handler for whom nothing works until all is *well*."""

    def __init__(self) -> None:
        super().__init__()
        self.tried, self.well = asyncio.Event(), asyncio.Event()

    async def __call__(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        if not self.well.is_set():
            self.tried.set()
            raise Unavailable("the market is closed")
        return await super().__call__(messages)


async def filled(bus: Bus, *, messages: int) -> list[bytes]:
    bodies = [b"%02d" % n for n in range(messages)]
    await asyncio.gather(*(bus.publish("fruit.sold", body) for body in bodies))
    return bodies


async def test_a_stop_while_a_batch_waits_gives_back_all_that_was_not_done(open_bus: Open):
    bodies = await filled(open_bus(), messages=30)
    first, second = Recovering(), Recorder()

    async with consumed(open_bus(), first, prefetch=30):
        await first.tried.wait()
        await asyncio.sleep(0.2)
        first.well.set()
    async with consumed(open_bus(), second, prefetch=30):
        await until(lambda: set(first.bodies + second.bodies) == set(bodies))

    assert len(first.bodies + second.bodies) == len(bodies)


async def test_a_pause_while_a_batch_waits_gives_back_all_that_was_not_done(open_bus: Open):
    bus, operator = open_bus(), open_bus()
    bodies = await filled(bus, messages=30)
    first, second = Recovering(), Recorder()

    async with consumed(bus, first, prefetch=30):
        await first.tried.wait()
        await operator.pauses.pause("ledger.v1")
        await until(lambda: _is(operator.depth("ledger.v1"), 30))
        first.well.set()
    await operator.pauses.resume("ledger.v1")
    async with consumed(open_bus(), second, prefetch=30):
        await until(lambda: set(first.bodies + second.bodies) == set(bodies))

    assert len(first.bodies + second.bodies) == len(bodies)


async def test_a_handlercancelled_in_the_middle_sees_the_message_again(open_bus: Open):
    bus = open_bus()
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

    assert handler.bodies == [b"pear"]


async def cancelled_in_the_middle(bus: Bus, handler: object, started: asyncio.Event) -> None:
    before = asyncio.all_tasks()
    async with consumed(bus, handler):
        await started.wait()
        for task in asyncio.all_tasks() - before:
            if task.get_name() == "consume ledger.v1":
                task.cancel()


async def test_two_consumers_share_without_overlap(open_bus: Open):
    bus, other = open_bus(), open_bus()
    await asyncio.gather(*(bus.publish("fruit.sold", b"%d" % n) for n in range(100)))
    one, two = Recorder(), Recorder()

    async with consumed(bus, one, prefetch=10), consumed(other, two, prefetch=10):
        await until(lambda: len(one.messages) + len(two.messages) >= 100)

    assert sorted(one.bodies + two.bodies) == sorted(b"%d" % n for n in range(100))


async def test_a_consumer_holds_no_more_than_its_prefetch(bus: Bus):
    for _ in range(20):
        await bus.publish("fruit.sold", b"pear")
    gate = asyncio.Event()

    async def handler(messages: Sequence[Message]) -> Sequence[Outcome]:
        await gate.wait()
        return [Done() for _ in messages]

    async with consumed(bus, handler, batch_max=50, prefetch=6):
        await until(lambda: _is(bus.depth("ledger.v1"), 14))
        await asyncio.sleep(0.2)
        held_back = await bus.depth("ledger.v1")
        gate.set()

    assert held_back == 14


async def test_leaving_finishes_the_batch_in_hand(bus: Bus):
    await bus.publish("fruit.sold", b"pear")
    started = asyncio.Event()

    async def slow(messages: Sequence[Message]) -> Sequence[Outcome]:
        started.set()
        await asyncio.sleep(0.3)
        return [Done() for _ in messages]

    async with consumed(bus, slow):
        await started.wait()

    assert await bus.depth("ledger.v1") == 0


async def test_a_topic_without_a_queue_is_refused(bus: Bus):
    with pytest.raises(Unavailable) as refused:
        await bus.publish("fruit.thrown", b"tomato")

    assert refused.value.code == "unroutable"


async def test_what_no_broker_would_take_is_rejected(bus: Bus):
    with pytest.raises(Rejected):
        await bus.publish("fruit.sold", b"x" * (2 * 1024 * 1024))

    assert await bus.depth("ledger.v1") == 0


async def test_the_largest_body_travels(bus: Bus):
    handler = Recorder()
    await bus.publish("fruit.sold", b"x" * MAX_BODY_BYTES)

    async with consumed(bus, handler):
        await until(lambda: len(handler.messages) == 1)

    assert len(handler.bodies[0]) == MAX_BODY_BYTES


async def test_work_carries_its_trace_from_message_to_log_and_on_to_what_it_publishes(
    bus: Bus,
):
    trace, baskets, seen = new_trace(), Recorder(), []

    async def handler(messages: Sequence[Message]) -> Sequence[Outcome]:
        seen.append((current(), structlog.contextvars.get_contextvars()["trace_id"]))
        if messages[0].topic == "fruit.sold":
            await bus.publish("fruit.picked", b"because of it")
        return [Done() for _ in messages]

    with following(trace):
        await bus.publish("fruit.sold", b"pear")
    async with (
        consumed(bus, baskets, queue="baskets.v1"),
        consumed(bus, handler, batch_max=1, prefetch=1),
    ):
        await until(lambda: bool(baskets.messages))

    assert seen[0] == (trace, trace.split("-")[1])
    assert baskets.messages[0].headers[TRACEPARENT] == trace
    assert current() == ""


async def test_a_publisher_may_name_the_trace_and_gets_one_otherwise(bus: Bus):
    given, handler = new_trace(), Recorder()
    await bus.publish("fruit.sold", b"given", headers={TRACEPARENT: given})
    await bus.publish("fruit.sold", b"new")

    async with consumed(bus, handler):
        await until(lambda: len(handler.messages) == 2)

    traces = {message.body: message.headers[TRACEPARENT] for message in handler.messages}
    assert traces[b"given"] == given
    assert traces[b"new"] not in ("", given)


async def test_nothing_is_lost_between_four_producers_and_four_consumers(open_bus: Open):
    buses = [open_bus() for _ in range(4)]
    handlers = [Recorder() for _ in range(4)]

    async def produce(bus: Bus, producer: int) -> None:
        for start in range(0, 1000, 50):
            await asyncio.gather(
                *(bus.publish("fruit.sold", b"%d-%d" % (producer, start + n)) for n in range(50))
            )

    async with contextlib.AsyncExitStack() as stack:
        for bus, handler in zip(buses, handlers, strict=True):
            await stack.enter_async_context(consumed(bus, handler, batch_max=50, prefetch=100))
        await asyncio.gather(*(produce(bus, n) for n, bus in enumerate(buses)))
        await until(lambda: sum(len(h.messages) for h in handlers) >= 4000, seconds=30)

    seen = Counter(body for handler in handlers for body in handler.bodies)
    assert seen == Counter(b"%d-%d" % (p, n) for p in range(4) for n in range(1000))
