"""Batches out of a RabbitMQ queue, through reconnects and broker restarts."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import structlog
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue

from shared.background import pause
from shared.bus.handling import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS
from shared.bus.headers import ATTEMPT
from shared.bus.measuring import Age
from shared.bus.rabbitmq_link import LOST, Line, Link, Named
from shared.bus.rabbitmq_settling import Settling
from shared.errors import Unavailable
from shared.metrics import BUS_REDELIVERIES_TOTAL

log = structlog.get_logger()

_Arrived: TypeAlias = deque[AbstractIncomingMessage]

# With nothing arriving for so long, ask whether something should have arrived.
_WATCH_SECONDS: Final = 15.0
_PROBE_SECONDS: Final = 5.0
# A subscription that stays mute through so many new connections is not the network's fault.
_MUTE_LIMIT: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a consumer takes from, and how much at once."""

    queue: str
    name: str
    batch_max: int
    prefetch: int


class Consumer:
    """One consumer of one queue, on a connection of its own; batches are handled one by one."""

    def __init__(self, link: Link, source: Source, settling: Settling, age: Age) -> None:
        self._link = link
        self._source = source
        self._settling = settling
        self._age = age
        self._stop = asyncio.Event()
        # Set while nothing may be taken: on stop, and while an operator has paused the queue.
        self._halt = asyncio.Event()
        self._wake = asyncio.Event()
        self._arrived: _Arrived = deque()
        self._mute = 0

    def hold(self, paused: bool) -> None:
        """Take nothing while *paused*; what has arrived and is not in hand goes back."""
        if paused:
            self._halt.set()
        elif not self._stop.is_set():
            self._halt.clear()
        self._wake.set()

    def stop(self) -> None:
        """Take nothing new; ``run`` returns when what has arrived is handled."""
        self._stop.set()
        self._halt.set()
        self._wake.set()

    async def close(self) -> None:
        """Close the connection; what is unacknowledged goes back to the queue."""
        await self._link.close()

    async def run(self) -> None:
        """Consume until stopped, connecting again whenever the broker was lost."""
        delay = FIRST_PAUSE_SECONDS
        line: Line | None = None
        while not self._stop.is_set():
            if self._halt.is_set():
                await self._wait_for_change()
                continue
            try:
                line = await self._link.line()
                delay = FIRST_PAUSE_SECONDS
                with Named():
                    await self._consume(line)
            except (Unavailable, *LOST) as exc:
                log.warning("consumer lost the broker", queue=self._source.queue, error=repr(exc))
                self._link.drop(line)
                await pause(self._stop, delay)
                delay = min(delay * 2, LONGEST_PAUSE_SECONDS)

    async def _wait_for_change(self) -> None:
        self._wake.clear()
        if self._halt.is_set() and not self._stop.is_set():
            await self._wake.wait()

    async def _consume(self, line: Line) -> None:
        # What a channel that was given up still brings must not come between what this one brings.
        self._arrived = deque()
        line.channel.close_callbacks.add(self._on_channel_closed)
        await line.channel.set_qos(prefetch_count=self._source.prefetch)
        queue = await line.channel.get_queue(self._source.name, ensure=False)
        tag = await queue.consume(partial(self._take, self._arrived))
        settled = True
        while settled and not self._halt.is_set():
            if batch := await self._next_batch(line):
                settled = await self._settling.settle(batch, stop=self._halt)
        await self._leave(queue, tag, line, settled=settled)

    async def _leave(self, queue: AbstractQueue, tag: str, line: Line, *, settled: bool) -> None:
        await queue.cancel(tag)
        # An acknowledgement covers all that came before, so nothing follows a batch left unsettled.
        while settled and self._stop.is_set() and self._arrived:
            settled = await self._settling.settle(self._batch(), stop=self._halt)
        if not (settled and self._stop.is_set()):
            # Closing gives back what is not acknowledged, in its old place.
            self._link.drop(line)

    async def _take(self, arrived: _Arrived, message: AbstractIncomingMessage) -> None:
        self._mute = 0
        if message.redelivered:
            BUS_REDELIVERIES_TOTAL.labels(self._source.queue).inc()
        elif message.timestamp and not message.headers.get(ATTEMPT):
            self._age.took(message.timestamp.timestamp())
        arrived.append(message)
        self._wake.set()

    def _on_channel_closed(self, *_: object) -> None:
        self._wake.set()

    async def _next_batch(self, line: Line) -> list[AbstractIncomingMessage]:
        while not self._halt.is_set():
            if line.broken:
                raise Unavailable("the channel was closed")
            if self._arrived:
                return self._batch()
            self._wake.clear()
            try:
                async with asyncio.timeout(_WATCH_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                await self._probe(line)
        return []

    def _batch(self) -> list[AbstractIncomingMessage]:
        count = min(self._source.batch_max, len(self._arrived))
        return [self._arrived.popleft() for _ in range(count)]

    async def _probe(self, line: Line) -> None:
        """Raise when messages wait but none reach us: the subscription is lost."""
        async with asyncio.timeout(_PROBE_SECONDS):
            # Closed only after an answer: on a dead connection closing would wait without an end.
            channel = await line.connection.channel()
            queue = await channel.declare_queue(self._source.name, passive=True)
            await channel.close()
        if not queue.declaration_result.message_count or self._arrived:
            self._mute = 0
            return
        self._mute += 1
        if self._mute > _MUTE_LIMIT:
            raise RuntimeError(f"{self._source.queue} stays mute through {_MUTE_LIMIT} connections")
        raise Unavailable("messages wait but none arrive")
