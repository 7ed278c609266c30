"""The bus on RabbitMQ: quorum queues, publisher confirms, a retry ladder of queues."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

import structlog
from aio_pika import DeliveryMode
from aio_pika import Message as AmqpMessage
from aio_pika.abc import AbstractExchange
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError

from shared.background import watched
from shared.bus import topology
from shared.bus.protocol import BatchHandler
from shared.bus.rabbitmq_consumer import Consumer
from shared.bus.rabbitmq_link import LOST, Line, Link
from shared.bus.rabbitmq_topology import Exchanges, Names
from shared.errors import Unavailable
from shared.metrics import BUS_PUBLISHED_TOTAL

log = structlog.get_logger()

DRAIN_SECONDS = 10


class RabbitBus:
    """Publishes on one connection and consumes on another per consumer.

    A publish that is not confirmed within *deadline_seconds* raises Unavailable; the message may
    have arrived all the same.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "",
        bindings: Mapping[str, Sequence[str]] = topology.BINDINGS,
        delays: Sequence[float] = topology.RETRY_DELAYS_SECONDS,
        deadline_seconds: float = 1.5,
    ) -> None:
        self._url = url
        self._names = Names(prefix=prefix, bindings=bindings, delays=delays)
        self._deadline_seconds = deadline_seconds
        self._link = Link(url, self._names)

    async def connect(self) -> None:
        """Open the publishing connection ahead of the first publish; raises Unavailable."""
        await self._link.line()

    async def publish(
        self, topic: str, body: bytes, *, headers: Mapping[str, str] | None = None
    ) -> None:
        """See Bus.publish."""
        if topic not in self._names.bindings:
            raise Unavailable(f"no queue is bound to {topic}", code="unroutable")
        message = AmqpMessage(
            body, headers=dict(headers or {}), type=topic, delivery_mode=DeliveryMode.PERSISTENT
        )
        try:
            await self._confirmed(message, topic)
        except Unavailable:
            BUS_PUBLISHED_TOTAL.labels(topic, "failed").inc()
            raise
        BUS_PUBLISHED_TOTAL.labels(topic, "confirmed").inc()

    @contextlib.asynccontextmanager
    async def consuming(
        self, queue: str, handler: BatchHandler, *, batch_max: int, prefetch: int
    ) -> AsyncIterator[None]:
        """See Bus.consuming."""
        consumer = Consumer(
            Link(self._url, self._names),
            handler,
            publisher=self,
            queue=queue,
            batch_max=batch_max,
            prefetch=prefetch,
        )
        task = watched(consumer.run(), name=f"consume {queue}")
        try:
            yield
        finally:
            consumer.stop()
            await asyncio.wait([task], timeout=DRAIN_SECONDS)
            task.cancel()
            await asyncio.wait([task])
            await consumer.close()
        if not task.cancelled():
            task.result()

    async def depth(self, queue: str) -> int:
        """See Bus.depth."""
        return await self._count(self._names.queue(queue))

    async def dead(self, queue: str) -> int:
        """See Bus.dead."""
        return await self._count(self._names.dead(queue))

    async def close(self) -> None:
        """See Bus.close."""
        await self._link.close()

    async def hold_back(self, message: AmqpMessage, queue: str, *, attempt: int) -> None:
        """Put *message* on rung *attempt* of the ladder, from where it returns to *queue*."""
        await self._confirmed(message, self._names.queue(queue), rung=attempt)

    async def bury(self, message: AmqpMessage, queue: str) -> None:
        """Put *message* among the dead of *queue*."""
        await self._confirmed(message, queue, dead=True)

    def name_of(self, queue: str) -> str:
        """Return what *queue* is called on the broker."""
        return self._names.queue(queue)

    @property
    def rungs(self) -> int:
        """How many retries the ladder has."""
        return len(self._names.delays)

    async def _confirmed(
        self,
        message: AmqpMessage,
        routing_key: str,
        *,
        rung: int | None = None,
        dead: bool = False,
    ) -> None:
        line: Line | None = None
        try:
            async with asyncio.timeout(self._deadline_seconds):
                line = await self._link.line()
                exchange = _exchange(line.exchanges, rung=rung, dead=dead)
                await exchange.publish(message, routing_key)
        except DeliveryError as exc:
            # Returned or refused: a queue was deleted or is full. A new line declares it again.
            self._link.drop(line)
            raise Unavailable("no queue took the message", code="unroutable") from exc
        except LOST as exc:
            self._link.drop(line)
            raise Unavailable("RabbitMQ did not confirm", code="broker_unavailable") from exc

    async def _count(self, name: str) -> int:
        line = await self._link.line()
        try:
            async with asyncio.timeout(self._deadline_seconds):
                # A missing queue closes the channel that asks, so it gets one of its own.
                async with line.connection.channel() as channel:
                    queue = await channel.declare_queue(name, passive=True)
        except ChannelNotFoundEntity as exc:
            raise Unavailable(f"queue {name} is gone", code="unroutable") from exc
        except LOST as exc:
            raise Unavailable("RabbitMQ does not answer", code="broker_unavailable") from exc
        return queue.declaration_result.message_count or 0


def _exchange(exchanges: Exchanges, *, rung: int | None, dead: bool) -> AbstractExchange:
    if dead:
        return exchanges.dead
    return exchanges.topics if rung is None else exchanges.waiting[rung]
