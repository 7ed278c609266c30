"""The topology as RabbitMQ sees it; the same declarations from 3.10 to 4.x."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractExchange
from pamqp.common import FieldTable

from shared.bus import topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Every name on the broker, behind *prefix* so that tests can have brokers of their own."""

    bindings: Mapping[str, Sequence[str]]
    delays: Sequence[float]
    prefix: str = ""

    @property
    def queues(self) -> Sequence[str]:
        return sorted({queue for queues in self.bindings.values() for queue in queues})

    @property
    def exchange(self) -> str:
        return self.prefix + topology.EXCHANGE

    @property
    def dead_exchange(self) -> str:
        return self.prefix + topology.DEAD_EXCHANGE

    def queue(self, queue: str) -> str:
        return self.prefix + queue

    def dead(self, queue: str) -> str:
        return f"{self.prefix}{queue}.dead.v2"

    def visits(self, queue: str) -> str:
        """Name the queue that stays empty; its consumers are those who look at the dead."""
        return f"{self.prefix}{queue}.visits.v1"

    def waiting(self, delay: float) -> str:
        """Name the exchange and the queue in which a message waits *delay* seconds."""
        return f"{self.prefix}tillstream.retry.{round(delay * 1000)}ms.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanges:
    """Where to publish."""

    topics: AbstractExchange
    dead: AbstractExchange
    waiting: Sequence[AbstractExchange]


# RabbitMQ 4 throws away what was handed out twenty times unless told otherwise, and whoever looks
# at the dead is handed them. There is no word for "never" that 3.10 knows as well.
_NEVER = 2**31 - 1

# At-least-once dead-lettering needs reject-publish; without it a broker crash may lose the message.
_QUORUM: FieldTable = {"x-queue-type": "quorum"}
_DEAD_LETTERING: FieldTable = {
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}


async def declare(channel: AbstractChannel, names: Names) -> Exchanges:
    """Declare everything; repeating it changes nothing."""
    topics = await channel.declare_exchange(names.exchange, ExchangeType.TOPIC, durable=True)
    dead = await channel.declare_exchange(names.dead_exchange, ExchangeType.DIRECT, durable=True)
    for queue in names.queues:
        await _declare_queue(channel, names, queue)
    for topic, queues in names.bindings.items():
        for queue in queues:
            bound = await channel.get_queue(names.queue(queue), ensure=False)
            await bound.bind(topics, topic)
    waiting = [await _declare_waiting_room(channel, names, delay) for delay in names.delays]
    return Exchanges(topics=topics, dead=dead, waiting=waiting)


async def _declare_queue(channel: AbstractChannel, names: Names, queue: str) -> None:
    kept: FieldTable = {**_QUORUM, "x-delivery-limit": _NEVER}
    buried = await channel.declare_queue(names.dead(queue), durable=True, arguments=kept)
    await buried.bind(names.dead_exchange, queue)
    await channel.declare_queue(names.visits(queue), durable=True, arguments=_QUORUM)
    arguments: FieldTable = {
        **_QUORUM,
        **_DEAD_LETTERING,
        "x-delivery-limit": topology.DELIVERY_LIMIT,
        "x-dead-letter-exchange": names.dead_exchange,
        "x-dead-letter-routing-key": queue,
    }
    await channel.declare_queue(names.queue(queue), durable=True, arguments=arguments)


async def _declare_waiting_room(
    channel: AbstractChannel, names: Names, delay: float
) -> AbstractExchange:
    # One delay per queue: messages expire at a queue's head only. The routing key is the queue
    # of origin, and the default exchange takes the message back there.
    name = names.waiting(delay)
    exchange = await channel.declare_exchange(name, ExchangeType.FANOUT, durable=True)
    arguments: FieldTable = {
        **_QUORUM,
        **_DEAD_LETTERING,
        "x-message-ttl": round(delay * 1000),
        "x-dead-letter-exchange": "",
    }
    queue = await channel.declare_queue(name, durable=True, arguments=arguments)
    await queue.bind(exchange)
    return exchange
