"""What RabbitMQ is told of a batch: copies of what failed, then one acknowledgement."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol, TypeAlias

from aio_pika import Message as AmqpMessage
from aio_pika.abc import AbstractIncomingMessage

from shared.background import pause
from shared.bus.handling import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    count,
    handled,
    verdict,
)
from shared.bus.headers import failed
from shared.bus.protocol import BatchHandler, Bury, Message, Outcome, Retry
from shared.bus.rabbitmq_link import LOST, Named
from shared.bus.rabbitmq_messages import again, received
from shared.clock import now
from shared.errors import Unavailable
from shared.metrics import BUS_ACKS_LOST_TOTAL

_Fate: TypeAlias = tuple[AbstractIncomingMessage, Message, Outcome]


class Publisher(Protocol):
    """What settling needs of the bus; implemented by RabbitBus."""

    @property
    def rungs(self) -> int: ...

    async def hold_back(self, message: AmqpMessage, queue: str, *, attempt: int) -> None: ...

    async def bury(self, message: AmqpMessage, queue: str) -> None: ...


class Settling:
    """Handles batches of *queue* and settles them with the broker."""

    def __init__(self, handler: BatchHandler, publisher: Publisher, *, queue: str) -> None:
        self._handler = handler
        self._publisher = publisher
        self._queue = queue

    async def settle(
        self, batch: Sequence[AbstractIncomingMessage], *, stop: asyncio.Event
    ) -> bool:
        """Return whether *batch* is settled; False when *stop* came first."""
        messages = [received(arrived) for arrived in batch]
        outcomes = await handled(self._handler, messages, stop=stop)
        if outcomes is None:
            return False
        rungs = self._publisher.rungs
        verdicts = [
            verdict(outcome, attempt=message.attempt, rungs=rungs)
            for message, outcome in zip(messages, outcomes, strict=True)
        ]
        if not await self._pass_on(list(zip(batch, messages, verdicts, strict=True)), stop):
            return False
        # First, for it refuses what is no outcome; that must not be acknowledged.
        count(self._queue, verdicts)
        try:
            with Named():
                await batch[-1].ack(multiple=True)
        except LOST:
            BUS_ACKS_LOST_TOTAL.labels(self._queue).inc()
        return True

    async def _pass_on(self, fates: Sequence[_Fate], stop: asyncio.Event) -> bool:
        """Publish what is retried or buried; only then may the originals be acknowledged."""
        delay = FIRST_PAUSE_SECONDS
        pending = [fate for fate in fates if isinstance(fate[2], Retry | Bury)]
        while pending:
            try:
                await self._move(*pending[0])
                pending.pop(0)
            except Unavailable:
                if not await pause(stop, delay):
                    return False
                delay = min(delay * 2, LONGEST_PAUSE_SECONDS)
        return True

    async def _move(
        self, arrived: AbstractIncomingMessage, message: Message, fate: Outcome
    ) -> None:
        attempt = message.attempt
        if isinstance(fate, Retry):
            headers = failed(message.headers, fate.reason, at=now())
            copy = again(arrived, headers, attempt=attempt + 1)
            await self._publisher.hold_back(copy, self._queue, attempt=attempt)
        elif isinstance(fate, Bury):
            headers = failed(message.headers, fate.reason, at=now())
            await self._publisher.bury(again(arrived, headers, attempt=attempt), self._queue)
