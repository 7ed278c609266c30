"""Both buses, for everything that must hold on either."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import aio_pika
import pytest

from shared.bus.rabbitmq_topology import Names
from shared.bus.topology import BINDINGS, RETRY_DELAYS_SECONDS


@pytest.fixture
async def rabbit_url(amqp_url: str) -> AsyncIterator[str]:
    """A RabbitMQ URL with names of this test's own, which are deleted after it."""
    prefix = f"test.{uuid.uuid4().hex[:8]}."
    yield f"{amqp_url}?prefix={prefix}"
    await _forget(amqp_url, prefix)


async def _forget(amqp_url: str, prefix: str) -> None:
    names = Names(bindings=BINDINGS, delays=RETRY_DELAYS_SECONDS, prefix=prefix)
    waiting = [names.waiting(delay) for delay in names.delays]
    kinds = (names.queue, names.dead, names.visits)
    queues = [name(queue) for queue in names.queues for name in kinds]
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        for queue in (*queues, *waiting):
            await channel.queue_delete(queue)
        for exchange in (names.exchange, names.dead_exchange, *waiting):
            await channel.exchange_delete(exchange)


@pytest.fixture(params=["postgres", "rabbitmq"])
def bus_url(request: pytest.FixtureRequest) -> str:
    """AMQP_URL as each bus wants it."""
    return request.getfixturevalue("rabbit_url") if request.param == "rabbitmq" else ""
