"""The exchange on which other systems find our events. Who binds a queue to it is their matter."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aio_pika import DeliveryMode, ExchangeType
from aio_pika import Message as AmqpMessage
from aio_pika.abc import AbstractExchange
from yarl import URL

from shared.bus import topology
from shared.bus.rabbitmq_link import LOST, Line, Link, Named
from shared.bus.rabbitmq_topology import Names
from shared.errors import Unavailable

_DEADLINE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What is published: *topic* is its routing key, *announced_id* its message id."""

    topic: str
    announced_id: str
    body: bytes


class Announcer:
    """Publishes announcements, each confirmed; one that nobody has bound a queue for is gone."""

    def __init__(self, amqp_url: str) -> None:
        url = URL(amqp_url)
        prefix = url.query.get("prefix", "")
        names = Names(prefix=prefix, bindings={}, delays=())
        self._link = Link(str(url.without_query_params("prefix")), names)
        self._name = prefix + topology.EVENTS_EXCHANGE
        self._declared: tuple[Line, AbstractExchange] | None = None

    async def announce(self, announcements: Sequence[Announcement]) -> None:
        """Return when the broker has all; raises Unavailable, then any of them may have arrived."""
        line: Line | None = None
        try:
            with Named():
                async with asyncio.timeout(_DEADLINE_SECONDS):
                    line = await self._link.line()
                    exchange = await self._exchange(line)
                    await asyncio.gather(*(_published(exchange, one) for one in announcements))
        except LOST as exc:
            self._link.drop(line)
            raise Unavailable("RabbitMQ did not confirm", code="broker_unavailable") from exc

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()

    async def _exchange(self, line: Line) -> AbstractExchange:
        if self._declared is None or self._declared[0] is not line:
            exchange = await line.channel.declare_exchange(
                self._name, ExchangeType.TOPIC, durable=True
            )
            self._declared = (line, exchange)
        return self._declared[1]


async def _published(exchange: AbstractExchange, one: Announcement) -> None:
    message = AmqpMessage(
        one.body,
        content_type="application/json",
        type=one.topic,
        message_id=one.announced_id,
        delivery_mode=DeliveryMode.PERSISTENT,
    )
    await exchange.publish(message, one.topic, mandatory=False)
