"""What RabbitMQ is told of a batch when something is in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.bus.protocol import Done, Message, Outcome, Retry
from shared.bus.rabbitmq_settling import Settling
from shared.errors import Unavailable


@dataclass(kw_only=True)
class Arrived:
    """A message that remembers whether it was acknowledged."""

    body: bytes
    headers: dict[str, object] = field(default_factory=dict)
    type: str = "fruit.sold"
    message_id: str = "1"
    timestamp: None = None
    acknowledged: bool = False

    async def ack(self, *, multiple: bool) -> None:
        self.acknowledged = multiple


class Away:
    """A broker that takes no publishes."""

    rungs = 1

    async def hold_back(self, *_: object, **__: object) -> None:
        raise Unavailable("RabbitMQ is away")

    bury = hold_back


async def test_a_batch_whose_retries_cannot_be_published_before_the_stop_is_not_settled():
    async def handler(messages: Sequence[Message]) -> Sequence[Outcome]:
        return [Done() if message.body == b"pear" else Retry("worm") for message in messages]

    batch, stop = [Arrived(body=b"plum"), Arrived(body=b"pear")], asyncio.Event()
    settling = Settling(handler, Away(), queue="ledger.v1")

    stop.set()
    settled = await settling.settle(batch, stop=stop)

    assert not settled
    assert not any(arrived.acknowledged for arrived in batch)
