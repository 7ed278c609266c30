"""Both buses behind one fixture: each test gets names of its own and leaves nothing behind."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import aio_pika
import asyncpg
import pytest

from shared.bus.postgres_bus import PostgresBus
from shared.bus.protocol import Bus
from shared.bus.rabbitmq import RabbitBus
from shared.postgres import Pool, open_pool
from tests import infrastructure

BINDINGS = {"fruit.picked": ("baskets.v1", "ledger.v1"), "fruit.sold": ("ledger.v1",)}
DELAYS = (0.1, 0.2)
Open = Callable[[], Bus]


@pytest.fixture
async def pool(dsn: str, db: asyncpg.Connection) -> AsyncIterator[Pool]:
    """A pool that acts as a service's role, so that grants are part of the suite."""
    pool = await open_pool(dsn, role="tillstream_syncer")
    yield pool
    await asyncio.wait_for(pool.close(), 5)


@pytest.fixture
async def rabbit_prefix(amqp_url: str) -> AsyncIterator[str]:
    """A prefix whose queues and exchanges are deleted after the test."""
    prefix = f"test.{uuid.uuid4().hex[:8]}."
    yield prefix
    await forget(amqp_url, prefix)


async def forget(amqp_url: str, prefix: str) -> None:
    """Delete what a bus with *prefix* declared."""
    waiting = [f"{prefix}tillstream.retry.{round(delay * 1000)}ms.v1" for delay in DELAYS]
    queues = [prefix + name for name in ("baskets.v1", "ledger.v1")]
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        channel = await connection.channel()
        beside = [queue + kind for queue in queues for kind in (".dead.v2", ".visits.v1")]
        for name in [*queues, *beside, *waiting]:
            await channel.queue_delete(name)
        for name in [f"{prefix}tillstream", f"{prefix}tillstream.dead", *waiting]:
            await channel.exchange_delete(name)


BUSES = [
    "postgres",
    "rabbitmq",
    pytest.param(
        "newest rabbitmq",
        marks=pytest.mark.skipif(
            not infrastructure.docker_answers(), reason="no Docker for the newest RabbitMQ"
        ),
    ),
]


@pytest.fixture
async def newest_amqp_url(rabbit_prefix: str) -> AsyncIterator[str]:
    """The URL of the newest RabbitMQ."""
    url = infrastructure.newest_rabbitmq()
    if url is None:
        pytest.skip(f"Docker does not get {infrastructure.NEWEST_RABBITMQ_IMAGE}")
    yield url
    await forget(url, rabbit_prefix)


@pytest.fixture(params=BUSES)
async def open_bus(
    request: pytest.FixtureRequest, pool: Pool, amqp_url: str, rabbit_prefix: str
) -> AsyncIterator[Open]:
    """Return a function that opens the same bus again and again; all are closed at the end."""
    kind: str = request.param
    url = request.getfixturevalue("newest_amqp_url") if kind == "newest rabbitmq" else amqp_url
    opened: list[Bus] = []

    def another() -> Bus:
        bus = a_bus(kind, pool=pool, amqp_url=url, prefix=rabbit_prefix)
        opened.append(bus)
        return bus

    yield another
    for bus in opened:
        await bus.close()


@pytest.fixture
def bus(open_bus: Open) -> Bus:
    """One open bus."""
    return open_bus()


def a_bus(kind: str, *, pool: Pool, amqp_url: str, prefix: str) -> Bus:
    """Open a bus of *kind* with a short ladder and a short lease."""
    if kind != "postgres":
        return RabbitBus(amqp_url, pool=pool, prefix=prefix, bindings=BINDINGS, delays=DELAYS)
    return PostgresBus(
        pool, prefix=prefix, bindings=BINDINGS, delays=DELAYS, lease=timedelta(seconds=1)
    )
