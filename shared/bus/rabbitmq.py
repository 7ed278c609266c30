"""The bus on RabbitMQ: quorum queues, publisher confirms, a retry ladder of queues."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

from aio_pika import Message as AmqpMessage
from aio_pika.abc import AbstractExchange
from aio_pika.exceptions import DeliveryError
from pamqp.commands import Basic, Queue

from shared.bus import topology
from shared.bus.draining import draining
from shared.bus.handling import UNCERTAIN, publishing, sent
from shared.bus.jitter import Spread
from shared.bus.measuring import Age, measured
from shared.bus.pausing import StoredPauses
from shared.bus.protocol import BatchHandler, QueueState
from shared.bus.rabbitmq_consumer import Consumer, Source
from shared.bus.rabbitmq_dead import RabbitDeadLetters, answered, visiting
from shared.bus.rabbitmq_link import LOST, Line, Link, Named
from shared.bus.rabbitmq_messages import new
from shared.bus.rabbitmq_settling import Settling
from shared.bus.rabbitmq_topology import Exchanges, Names
from shared.clock import now
from shared.errors import Unavailable
from shared.postgres import Pool

DRAIN_SECONDS = 10


class RabbitBus:
    """Publishes on one connection and consumes on another per consumer.

    A publish that is not confirmed within *deadline_seconds* raises Unavailable; the message may
    have arrived all the same. *pool* is where pauses are kept.
    """

    def __init__(
        self,
        url: str,
        *,
        pool: Pool | None = None,
        prefix: str = "",
        bindings: Mapping[str, Sequence[str]] = topology.BINDINGS,
        delays: Sequence[float] = topology.RETRY_DELAYS_SECONDS,
        deadline_seconds: float = 1.5,
    ) -> None:
        self._url = url
        self._names = Names(prefix=prefix, bindings=bindings, delays=delays)
        self._deadline_seconds = deadline_seconds
        self._link = Link(url, self._names)
        self._spread = Spread(delays)
        self._ages: defaultdict[str, Age] = defaultdict(Age)
        self.pauses = StoredPauses(pool, prefix=prefix)

    async def connect(self) -> None:
        """Open the publishing connection ahead of the first publish; raises Unavailable."""
        await self._link.line()

    async def publish(
        self, topic: str, body: bytes, *, headers: Mapping[str, str] | None = None
    ) -> None:
        """See Bus.publish."""
        properties = new(topic, sent(topic, body, headers, topics=self._names.bindings))
        with publishing(topic):
            await self._confirmed(body, properties, topic)

    @contextlib.asynccontextmanager
    async def consuming(
        self, queue: str, handler: BatchHandler, *, batch_max: int, prefetch: int
    ) -> AsyncIterator[None]:
        """See Bus.consuming."""
        name = self._names.queue(queue)
        consumer = Consumer(
            Link(self._url, self._names),
            Source(queue=queue, name=name, batch_max=batch_max, prefetch=prefetch),
            Settling(handler, self, queue=queue),
            self._ages[queue],
        )
        async with self.pauses.told(queue, consumer.hold), measured(self, queue):
            try:
                async with draining(consumer, queue, seconds=DRAIN_SECONDS):
                    yield
            finally:
                await consumer.close()

    async def depth(self, queue: str) -> int:
        """See Bus.depth."""
        return (await self._declared(self._names.queue(queue))).message_count or 0

    async def dead(self, queue: str) -> int:
        """See Bus.dead."""
        return (await self._declared(self._names.dead(queue))).message_count or 0

    async def state(self, queue: str) -> QueueState:
        """See Bus.state.

        Its age is known to whoever consumes the queue; AMQP shows no heads. How many are dead is
        not known while somebody looks at them.
        """
        found = await self._declared(self._names.queue(queue))
        visits = await self._declared(self._names.visits(queue))
        ready, age = found.message_count or 0, self._ages.get(queue)
        return QueueState(
            ready=ready,
            dead=None if visits.consumer_count else await self.dead(queue),
            consumers=found.consumer_count or 0,
            oldest_seconds=age.seconds(ready, now=now().timestamp()) if age else None,
        )

    def dead_letters(
        self, queue: str, *, alone: bool = False
    ) -> contextlib.AbstractAsyncContextManager[RabbitDeadLetters]:
        """See Bus.dead_letters."""
        link = Link(self._url, self._names)
        return visiting(link, names=self._names, queue=queue, alone=alone)

    async def close(self) -> None:
        """See Bus.close."""
        await self._link.close()

    async def hold_back(self, message: AmqpMessage, queue: str, *, attempt: int) -> None:
        """Put *message* on rung *attempt* of the ladder, from where it returns to *queue*."""
        wait = self._spread.wait(attempt, now=asyncio.get_running_loop().time())
        message.expiration = timedelta(seconds=wait)
        key = self._names.queue(queue)
        await self._confirmed(message.body, message.properties, key, rung=attempt)

    async def bury(self, message: AmqpMessage, queue: str) -> None:
        """Put *message* among the dead of *queue*."""
        await self._confirmed(message.body, message.properties, queue, dead=True)

    @property
    def rungs(self) -> int:
        """How many retries the ladder has."""
        return self._spread.rungs

    async def _confirmed(
        self,
        body: bytes,
        properties: Basic.Properties,
        routing_key: str,
        *,
        rung: int | None = None,
        dead: bool = False,
    ) -> None:
        line: Line | None = None
        try:
            with Named():
                async with asyncio.timeout(self._deadline_seconds):
                    line = await self._link.line()
                    exchange = _exchange(line.exchanges, rung=rung, dead=dead)
                    await line.publish(
                        body, properties, exchange=exchange.name, routing_key=routing_key
                    )
        except DeliveryError as exc:
            # Returned or refused: a queue was deleted or is full. A new line declares it again.
            self._link.drop(line)
            raise Unavailable("no queue took the message", code="unroutable") from exc
        except LOST as exc:
            self._link.drop(line)
            code = UNCERTAIN if line else "broker_unavailable"
            raise Unavailable("RabbitMQ did not confirm", code=code) from exc

    async def _declared(self, name: str) -> Queue.DeclareOk:
        line = await self._link.line()
        with answered():
            async with asyncio.timeout(self._deadline_seconds):
                # A missing queue closes the channel that asks, so it gets one of its own.
                async with line.connection.channel() as channel:
                    return (await channel.declare_queue(name, passive=True)).declaration_result


def _exchange(exchanges: Exchanges, *, rung: int | None, dead: bool) -> AbstractExchange:
    if dead:
        return exchanges.dead
    return exchanges.topics if rung is None else exchanges.waiting[rung]
