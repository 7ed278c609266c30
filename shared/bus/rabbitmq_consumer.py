"""Batches out of a RabbitMQ queue, through reconnects and broker restarts."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

import structlog
from aio_pika import DeliveryMode
from aio_pika import Message as AmqpMessage
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue

from shared.background import pause
from shared.bus.handling import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    count,
    handled,
    verdict,
)
from shared.bus.protocol import BatchHandler, Bury, Message, Outcome, Retry
from shared.bus.rabbitmq_link import LOST, Line, Link
from shared.errors import Unavailable

log = structlog.get_logger()

# With nothing arriving for so long, ask whether something should have arrived.
_WATCH_SECONDS: Final = 15.0
_PROBE_SECONDS: Final = 5.0
_ATTEMPT = "x-attempt"
_ERROR = "x-error"


class Publisher(Protocol):
    """What a consumer needs of the bus; implemented by RabbitBus."""

    @property
    def rungs(self) -> int: ...

    def name_of(self, queue: str) -> str: ...

    async def hold_back(self, message: AmqpMessage, queue: str, *, attempt: int) -> None: ...

    async def bury(self, message: AmqpMessage, queue: str) -> None: ...


class Consumer:
    """One consumer of one queue, on a connection of its own; batches are handled one by one."""

    def __init__(
        self,
        link: Link,
        handler: BatchHandler,
        *,
        publisher: Publisher,
        queue: str,
        batch_max: int,
        prefetch: int,
    ) -> None:
        self._link = link
        self._handler = handler
        self._publisher = publisher
        self._queue = queue
        self._batch_max = batch_max
        self._prefetch = prefetch
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()
        self._arrived: deque[AbstractIncomingMessage] = deque()

    def stop(self) -> None:
        """Take nothing new; ``run`` returns when what has arrived is handled."""
        self._stop.set()
        self._wake.set()

    async def close(self) -> None:
        """Close the connection; what is unacknowledged goes back to the queue."""
        await self._link.close()

    async def run(self) -> None:
        """Consume until stopped, connecting again whenever the broker was lost."""
        delay = FIRST_PAUSE_SECONDS
        line: Line | None = None
        while not self._stop.is_set():
            try:
                line = await self._link.line()
                delay = FIRST_PAUSE_SECONDS
                await self._consume(line)
            except (Unavailable, *LOST) as exc:
                log.warning("consumer lost the broker", queue=self._queue, error=repr(exc))
                self._link.drop(line)
                await pause(self._stop, delay)
                delay = min(delay * 2, LONGEST_PAUSE_SECONDS)

    async def _consume(self, line: Line) -> None:
        self._arrived.clear()
        line.channel.close_callbacks.add(self._on_channel_closed)
        await line.channel.set_qos(prefetch_count=self._prefetch)
        name = self._publisher.name_of(self._queue)
        queue = await line.channel.get_queue(name, ensure=False)
        tag = await queue.consume(self._take)
        while not self._stop.is_set():
            if batch := await self._next_batch(line, name):
                await self._handle(batch)
        await self._drain(queue, tag)

    async def _drain(self, queue: AbstractQueue, tag: str) -> None:
        await queue.cancel(tag)
        while self._arrived:
            if not await self._handle(self._batch()):
                return

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self._arrived.append(message)
        self._wake.set()

    def _on_channel_closed(self, *_: object) -> None:
        self._wake.set()

    async def _next_batch(self, line: Line, name: str) -> list[AbstractIncomingMessage]:
        while not self._stop.is_set():
            if line.broken:
                raise Unavailable("the channel was closed")
            if self._arrived:
                break
            self._wake.clear()
            try:
                async with asyncio.timeout(_WATCH_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                await self._probe(line, name)
        return self._batch()

    def _batch(self) -> list[AbstractIncomingMessage]:
        count = min(self._batch_max, len(self._arrived))
        return [self._arrived.popleft() for _ in range(count)]

    async def _probe(self, line: Line, name: str) -> None:
        """Raise when messages wait but none reach us: the subscription is lost."""
        async with asyncio.timeout(_PROBE_SECONDS):
            async with line.connection.channel() as channel:
                queue = await channel.declare_queue(name, passive=True)
        if queue.declaration_result.message_count and not self._arrived:
            raise Unavailable("messages wait but none arrive")

    async def _handle(self, batch: list[AbstractIncomingMessage]) -> bool:
        messages = [_message(message) for message in batch]
        outcomes = await handled(self._handler, messages, stop=self._stop)
        if outcomes is None:
            return False
        rungs = self._publisher.rungs
        verdicts = [
            verdict(outcome, attempt=message.attempt, rungs=rungs)
            for message, outcome in zip(messages, outcomes, strict=True)
        ]
        if not await self._pass_on(messages, verdicts):
            return False
        with contextlib.suppress(*LOST):  # lost with its channel: it comes again
            await batch[-1].ack(multiple=True)
        count(self._queue, verdicts)
        return True

    async def _pass_on(self, messages: Sequence[Message], verdicts: Sequence[Outcome]) -> bool:
        """Publish what is retried or buried; only then may the originals be acknowledged."""
        delay = FIRST_PAUSE_SECONDS
        pending = [pair for pair in zip(messages, verdicts, strict=True) if _moves(pair[1])]
        while pending:
            try:
                await self._move(*pending[0])
                pending.pop(0)
            except Unavailable:
                if not await pause(self._stop, delay):
                    return False
                delay = min(delay * 2, LONGEST_PAUSE_SECONDS)
        return True

    async def _move(self, message: Message, fate: Outcome) -> None:
        if isinstance(fate, Retry):
            copy = _copy(message, attempt=message.attempt + 1, error=fate.reason)
            await self._publisher.hold_back(copy, self._queue, attempt=message.attempt)
        elif isinstance(fate, Bury):
            copy = _copy(message, attempt=message.attempt, error=fate.reason)
            await self._publisher.bury(copy, self._queue)


def _moves(fate: Outcome) -> bool:
    return isinstance(fate, Retry | Bury)


def _message(arrived: AbstractIncomingMessage) -> Message:
    headers = arrived.headers
    attempt = headers.get(_ATTEMPT, 0)
    return Message(
        topic=arrived.type or arrived.routing_key or "",
        body=arrived.body,
        headers={
            key: value for key, value in headers.items() if isinstance(value, str) and _travels(key)
        },
        attempt=attempt if isinstance(attempt, int) else 0,
    )


def _travels(header: str) -> bool:
    # The broker adds x-first-death-* and the like; they are not part of the message.
    return header == _ERROR or not header.startswith("x-")


def _copy(message: Message, *, attempt: int, error: str) -> AmqpMessage:
    return AmqpMessage(
        message.body,
        headers={**message.headers, _ATTEMPT: attempt, _ERROR: error},
        type=message.topic,
        delivery_mode=DeliveryMode.PERSISTENT,
    )
