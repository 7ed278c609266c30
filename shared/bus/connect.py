"""Opens the bus that the settings name, and keeps it with the app."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

import structlog
from aiohttp import web
from yarl import URL

from shared.bus.postgres_bus import PostgresBus
from shared.bus.protocol import Bus
from shared.bus.rabbitmq import RabbitBus
from shared.errors import Unavailable
from shared.postgres import POOL, Pool

log = structlog.get_logger()

BUS: web.AppKey[Bus] = web.AppKey("BUS")


def bus_of(amqp_url: str) -> Callable[[web.Application], AsyncIterator[None]]:
    """Return a ``cleanup_ctx`` that keeps ``app[BUS]`` open; it needs ``app[POOL]`` before it.

    An empty *amqp_url* means the bus in Postgres.
    """

    async def bus(app: web.Application) -> AsyncIterator[None]:
        app[BUS] = await open_bus(amqp_url, app[POOL])
        yield
        await app[BUS].close()

    return bus


async def open_bus(amqp_url: str, pool: Pool, *, prefix: str = "") -> Bus:
    """Open a bus. A broker that is away is not an error: publishing raises Unavailable until then.

    *prefix* goes before every name on the broker or in the table; ``?prefix=`` in the URL does the
    same for every service that is given the URL, so that two installations can share a broker.
    """
    if not amqp_url:
        return PostgresBus(pool, prefix=prefix)
    url = URL(amqp_url)
    prefix = prefix or url.query.get("prefix", "")
    bus = RabbitBus(str(url.without_query_params("prefix")), pool=pool, prefix=prefix)
    try:
        await bus.connect()
    except Unavailable:
        log.warning("starting without RabbitMQ")
    return bus


def burying(bus: Bus, pool: Pool) -> Sequence[Bus]:
    """Return where letters may lie dead: on *bus*, and in Postgres since before it was RabbitMQ."""
    return [bus] if isinstance(bus, PostgresBus) else [bus, PostgresBus(pool)]
