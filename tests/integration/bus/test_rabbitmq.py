"""What is RabbitMQ's alone: lost connections, stalls, deadlines."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator

import aio_pika
import pytest

from shared.bus.protocol import Bury, Done, Message, Retry
from shared.bus.rabbitmq import RabbitBus
from shared.errors import Unavailable
from shared.metrics import BUS_PUBLISHED_TOTAL
from tests.chaos_proxy import ChaosProxy, Mode, proxied
from tests.integration.bus.conftest import BINDINGS, DELAYS
from tests.integration.bus.test_conformance import Recorder, consumed, until


@pytest.fixture
async def broker(amqp_url: str) -> AsyncIterator[ChaosProxy]:
    async with proxied(amqp_url, 5672) as proxy:
        yield proxy


@pytest.fixture
async def bus(amqp_url: str, rabbit_prefix: str, broker: ChaosProxy) -> AsyncIterator[RabbitBus]:
    """A bus that reaches the broker through the proxy."""
    bus = RabbitBus(
        broker.through(amqp_url), prefix=rabbit_prefix, bindings=BINDINGS, delays=DELAYS
    )
    yield bus
    await bus.close()


async def published(bus: RabbitBus, body: bytes, *, seconds: float = 10) -> None:
    """Publish again and again until it is confirmed."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await bus.publish("fruit.sold", body)
            except Unavailable:
                await asyncio.sleep(0.1)


async def test_an_unreachable_broker_is_unavailable_at_once(bus: RabbitBus, broker: ChaosProxy):
    await broker.set("refuse")
    started = time.monotonic()

    for _ in range(20):
        with pytest.raises(Unavailable) as refused:
            await bus.publish("fruit.sold", b"pear")

    assert time.monotonic() - started < 0.5
    assert refused.value.code == "broker_unavailable"


async def test_a_silent_broker_is_unavailable_by_the_deadline(bus: RabbitBus, broker: ChaosProxy):
    await bus.publish("fruit.sold", b"pear")
    await broker.set("stall")
    uncertain = BUS_PUBLISHED_TOTAL.labels("fruit.sold", "uncertain")
    before = uncertain._value.get()
    started = time.monotonic()

    with pytest.raises(Unavailable) as silent:
        await bus.publish("fruit.sold", b"plum")
    first = time.monotonic() - started
    for _ in range(20):
        with pytest.raises(Unavailable):
            await bus.publish("fruit.sold", b"plum")
    rest = time.monotonic() - started - first

    assert silent.value.code == "unconfirmed"
    assert uncertain._value.get() == before + 1
    assert 1.4 < first < 2.0
    assert rest < 0.5


@pytest.mark.parametrize("mode", ["refuse", "reset", "stall"])
async def test_publishing_works_again_when_the_broker_is_back(
    bus: RabbitBus, broker: ChaosProxy, mode: Mode
):
    await bus.publish("fruit.sold", b"before")
    await broker.set(mode)
    with pytest.raises(Unavailable):
        await bus.publish("fruit.sold", b"during")
    await broker.set("ok")

    await published(bus, b"after", seconds=4)

    handler = Recorder()
    async with consumed(bus, handler):
        await until(lambda: {b"before", b"after"} <= set(handler.bodies))


@pytest.mark.parametrize("mode", ["refuse", "reset"])
async def test_a_consumer_survives_a_lost_connection(
    bus: RabbitBus, broker: ChaosProxy, mode: Mode
):
    handler = Recorder()

    async with consumed(bus, handler):
        await bus.publish("fruit.sold", b"before")
        await until(lambda: b"before" in handler.bodies)
        await broker.set(mode)
        await asyncio.sleep(0.3)
        await broker.set("ok")
        await published(bus, b"after")
        await until(lambda: b"after" in handler.bodies)


async def test_an_acknowledgement_on_a_lost_channel_is_harmless(bus: RabbitBus, broker: ChaosProxy):
    started = asyncio.Event()
    calls: list[list[bytes]] = []

    async def handler(messages: list[Message]) -> list[Done]:
        calls.append([message.body for message in messages])
        if len(calls) == 1:
            started.set()
            await asyncio.sleep(0.5)
        return [Done() for _ in messages]

    await bus.publish("fruit.sold", b"pear")
    async with consumed(bus, handler):
        await started.wait()
        await broker.set("reset")
        await broker.set("ok")
        await until(lambda: len(calls) == 2)

    assert calls == [[b"pear"], [b"pear"]]


async def test_a_retry_waits_for_the_broker_and_is_not_lost(bus: RabbitBus, broker: ChaosProxy):
    started, handler = asyncio.Event(), Recorder()

    async def failing(messages: list[Message]) -> list[object]:
        await handler(messages)
        if handler.messages[-1].attempt:
            return [Done() for _ in messages]
        started.set()
        await asyncio.sleep(0.3)
        return [Retry("not ripe") for _ in messages]

    await bus.publish("fruit.sold", b"pear")
    async with consumed(bus, failing):
        await started.wait()
        await broker.set("refuse")
        await asyncio.sleep(0.5)
        await broker.set("ok")
        await until(lambda: any(message.attempt == 1 for message in handler.messages))


async def test_a_deleted_queue_is_declared_again(bus: RabbitBus, amqp_url: str, rabbit_prefix: str):
    await bus.publish("fruit.sold", b"lost with its queue")
    async with await aio_pika.connect(amqp_url) as connection:
        await (await connection.channel()).queue_delete(rabbit_prefix + "ledger.v1")

    with pytest.raises(Unavailable) as refused:
        await bus.publish("fruit.sold", b"pear")
    await published(bus, b"pear")

    assert refused.value.code == "unroutable"
    assert await bus.dead("ledger.v1") == 0
    handler = Recorder()
    async with consumed(bus, handler):
        await until(lambda: handler.bodies == [b"pear"])


@pytest.mark.slow
async def test_a_consumer_notices_that_its_queue_was_deleted(
    bus: RabbitBus, amqp_url: str, rabbit_prefix: str
):
    handler = Recorder()

    async with consumed(bus, handler):
        await bus.publish("fruit.sold", b"before")
        await until(lambda: handler.bodies == [b"before"])
        async with await aio_pika.connect(amqp_url) as connection:
            await (await connection.channel()).queue_delete(rabbit_prefix + "ledger.v1")
        await asyncio.sleep(0.2)
        await published(bus, b"after")
        await until(lambda: b"after" in handler.bodies, seconds=25)


async def test_the_dead_keep_their_reason(bus: RabbitBus, amqp_url: str, rabbit_prefix: str):
    await bus.publish("fruit.sold", b"worm", headers={"trace": "abc"})
    handler = Recorder(lambda _: Retry("not ripe"))
    async with consumed(bus, handler):
        await until(lambda: _one_dead(bus))

    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(f"{rabbit_prefix}ledger.v1.dead.v2")
        dead = await queue.get(no_ack=True)

    assert dead.body == b"worm"
    assert dead.type == "fruit.sold"
    assert dead.headers["trace"] == "abc"
    assert dead.headers["x-attempt"] == len(DELAYS)
    assert dead.headers["x-error"] == "gave up after 3 attempts: not ripe"


async def test_a_reader_that_was_killed_half_way_does_not_turn_the_dead_round(
    bus: RabbitBus, amqp_url: str, rabbit_prefix: str
):
    for body in (b"1", b"2", b"3", b"4"):
        await bus.publish("fruit.sold", body)
    async with consumed(bus, Recorder(lambda _: Bury("rotten")), batch_max=1, prefetch=1):
        await until(lambda: _dead(bus, 4))

    for _ in range(3):
        async with await aio_pika.connect(amqp_url) as killed:
            queue = await (await killed.channel()).get_queue(f"{rabbit_prefix}ledger.v1.dead.v2")
            assert await queue.get()
        await until(lambda: _dead(bus, 4))
    async with bus.dead_letters("ledger.v1") as letters:
        seen = [letter.message.body async for letter in letters]

    assert seen == [b"1", b"2", b"3", b"4"]


async def test_looking_at_the_dead_holds_one_of_them_at_a_time(bus: RabbitBus):
    size, count = 256 * 1024, 24
    for n in range(count):
        await bus.publish("fruit.sold", bytes([n]) * size)
    async with consumed(bus, Recorder(lambda _: Bury("rotten")), batch_max=1, prefetch=1):
        await until(lambda: _dead(bus, count))

    tracemalloc.start()
    try:
        async with bus.dead_letters("ledger.v1") as letters:
            seen = [letter.message.body[0] async for letter in letters]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert seen == list(range(count))
    assert most < count * size / 3


async def test_retries_of_one_instant_wait_for_different_lengths(amqp_url: str, rabbit_prefix: str):
    bus = RabbitBus(amqp_url, prefix=rabbit_prefix, bindings=BINDINGS, delays=(60, 0.2))
    await asyncio.gather(*(bus.publish("fruit.sold", b"%d" % n) for n in range(50)))
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        waiting = f"{rabbit_prefix}tillstream.retry.60000ms.v1"
        async with consumed(bus, Recorder(lambda _: Retry("not ripe"))):
            room = await channel.get_queue(waiting)
            await until(lambda: _held(channel, waiting, 50))
        waits = [(await room.get(no_ack=True)).expiration for _ in range(50)]
        await channel.queue_delete(waiting)
        await channel.exchange_delete(waiting)
    await bus.close()

    # In whole milliseconds; two of fifty may be drawn alike.
    assert len(set(waits)) > 45
    assert 45 <= min(waits) <= max(waits) <= 60


async def _held(channel: aio_pika.abc.AbstractChannel, queue: str, expected: int) -> bool:
    found = await channel.declare_queue(queue, passive=True)
    return found.declaration_result.message_count == expected


async def _dead(bus: RabbitBus, expected: int) -> bool:
    return await bus.dead("ledger.v1") == expected


async def _one_dead(bus: RabbitBus) -> bool:
    return await bus.dead("ledger.v1") == 1
