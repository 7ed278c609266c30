"""A database with one store, and names of our own on the broker; both are removed after."""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import asyncpg
from aio_pika.abc import AbstractChannel

from shared import log
from shared.bus.rabbitmq_topology import Names
from shared.bus.topology import BINDINGS, EVENTS_EXCHANGE, RETRY_DELAYS_SECONDS
from shared.keyring import generate_key
from shared.migrate import migrate

SECRET = "bench-secret"
SHOP = "bench.myshopify.com"
POSTGRES = os.environ.get("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
RABBITMQ = os.environ.get("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")

_STORE = f"""
WITH tenant AS (INSERT INTO accounts.tenants (name) VALUES ('Bench') RETURNING *),
store AS (
    INSERT INTO accounts.stores (tenant_id, shop_domain) SELECT tenant_id, '{SHOP}' FROM tenant
    RETURNING *
)
INSERT INTO commerce.shops (
    tenant_id, shop_id, shopify_shop_id, shop_domain, name, currency, iana_timezone
)
SELECT tenant_id, shop_id, 1, '{SHOP}', 'Bench', 'EUR', 'Europe/Berlin' FROM store
RETURNING tenant_id::text, shop_id
"""


@dataclass(frozen=True, kw_only=True)
class World:
    """Where to work. *environment* is what every service is started with."""

    dsn: str
    amqp_url: str
    prefix: str
    tenant_id: str
    shop_id: int
    environment: Mapping[str, str]

    @property
    def names(self) -> Names:
        return Names(bindings=BINDINGS, delays=RETRY_DELAYS_SECONDS, prefix=self.prefix)

    async def purge(self) -> None:
        """Forget the messages that a round left behind."""
        if self.amqp_url:
            async with broker(self.amqp_url) as channel:
                for queue in self.names.queues:
                    # What nobody has declared yet holds nothing.
                    with contextlib.suppress(aio_pika.exceptions.ChannelClosed):
                        await (await channel.get_queue(self.names.queue(queue))).purge()


@contextlib.asynccontextmanager
async def world(amqp_url: str = RABBITMQ) -> AsyncIterator[World]:
    """Make a world; without *amqp_url* its bus is in Postgres."""
    name, prefix = f"till_bench_{uuid.uuid4().hex[:8]}", f"bench.{uuid.uuid4().hex[:8]}."
    dsn = urlunsplit(urlsplit(POSTGRES)._replace(path=f"/{name}"))
    log.configure("bench", level="WARNING", fmt="auto")
    await rows(POSTGRES, f"CREATE DATABASE {name}")
    try:
        await migrate(dsn)
        ((tenant_id, shop_id),) = await rows(dsn, _STORE)
        environment = {
            "DATABASE_URL": dsn,
            "AMQP_URL": f"{amqp_url}?prefix={prefix}" if amqp_url else "",
            "SHOPIFY_CLIENT_SECRET": SECRET,
            "SHOPIFY_ENCRYPTION_KEY": generate_key(),
            "APP_ENV": "test",
            # Nothing listens there: whatever a service asks Shopify stays on this machine.
            "SHOPIFY_BASE_URL": "http://127.0.0.1:9/{shop}",
            "LOG_LEVEL": "ERROR",
        }
        yield World(
            dsn=dsn, amqp_url=amqp_url, prefix=prefix, tenant_id=tenant_id, shop_id=shop_id,
            environment=environment,
        )  # fmt: skip
    finally:
        await rows(POSTGRES, f"DROP DATABASE {name} WITH (FORCE)")
        if amqp_url:
            await _forget(amqp_url, prefix)


async def rows(dsn: str, statement: str) -> Sequence[asyncpg.Record]:
    """Execute one statement on a connection of its own."""
    conn = await asyncpg.connect(dsn)
    try:
        found: Sequence[asyncpg.Record] = await conn.fetch(statement)
        return found
    finally:
        await conn.close()


@contextlib.asynccontextmanager
async def broker(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(amqp_url) as connection:
        yield await connection.channel()


async def _forget(amqp_url: str, prefix: str) -> None:
    names = Names(bindings=BINDINGS, delays=RETRY_DELAYS_SECONDS, prefix=prefix)
    waiting = [names.waiting(delay) for delay in names.delays]
    async with broker(amqp_url) as channel:
        for queue in names.queues:
            await channel.queue_delete(names.queue(queue))
            await channel.queue_delete(names.dead(queue))
            await channel.queue_delete(names.visits(queue))
        for name in waiting:
            await channel.queue_delete(name)
        for name in (names.exchange, names.dead_exchange, prefix + EVENTS_EXCHANGE, *waiting):
            await channel.exchange_delete(name)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
