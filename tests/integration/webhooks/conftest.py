"""The webhooks service in this process, on either bus, with one connected store."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import io
import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from services.webhooks.app import build_app
from services.webhooks.metrics import DELIVERIES_TOTAL
from services.webhooks.settings import Settings
from shared.bus.connect import open_bus
from shared.bus.protocol import Bus, Done, Message, Outcome
from shared.bus.topology import DELIVERIES
from shared.deliveries import Delivery, unpack
from shared.keyring import KeyRing, generate_key
from shared.postgres import Pool, open_pool

SECRET = "shpss_current"
PREVIOUS = "shpss_previous"
SHOP = "fruit-stand.myshopify.com"
PATH = "/api/v1/shopify/webhooks"
KEY = generate_key()
_numbers = itertools.count(1)


def signed(body: bytes, secret: str = SECRET) -> str:
    """Sign as Shopify does, without the code under test."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def headers_for(body: bytes, *, secret: str = SECRET, **changes: str) -> dict[str, str]:
    """Return Shopify's headers for *body*; ``topic=…``, ``shop_domain=…`` and so on replace."""
    headers = {
        "X-Shopify-Topic": "orders/updated",
        "X-Shopify-Hmac-Sha256": signed(body, secret),
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-Webhook-Id": f"webhook-{next(_numbers)}",
        "X-Shopify-Event-Id": "event-1",
        "X-Shopify-Triggered-At": "2026-11-20T10:00:00.123456789Z",
        "X-Shopify-API-Version": "2026-10",
        "Content-Type": "application/json",
    }
    for name, value in changes.items():
        headers["X-Shopify-" + name.replace("_", "-").title()] = value
    return headers


@dataclass(frozen=True)
class Shop:
    """The connected store as the database knows it."""

    tenant_id: str
    shop_id: int


@pytest.fixture
async def shop(db: asyncpg.Connection) -> Shop:
    """Connect one store."""
    return await connect_store(db, SHOP)


async def connect_store(
    db: asyncpg.Connection, domain: str, *, status: str = "active", webhook_secret: str = ""
) -> Shop:
    """Insert a tenant with a store, as the gateway would."""
    tenant_id = await db.fetchval(
        "INSERT INTO accounts.tenants (name) VALUES ('Fruit') RETURNING tenant_id::text"
    )
    shop_id = await db.fetchval(
        "INSERT INTO accounts.stores (tenant_id, shop_domain, status) VALUES ($1, $2, $3)"
        " RETURNING shop_id",
        tenant_id,
        domain,
        status,
    )
    if webhook_secret:
        sealed = KeyRing.parse(KEY).seal(
            webhook_secret, tenant_id=tenant_id, shop_id=shop_id, purpose="webhook_secret"
        )
        await db.execute(
            "INSERT INTO accounts.credentials (tenant_id, shop_id, grant_type, access_token_enc,"
            " webhook_secret_enc, scopes, token_last4) VALUES ($1, $2, 'static_token', 'x', $3,"
            " '{}', 'last')",
            tenant_id,
            shop_id,
            sealed,
        )
    return Shop(tenant_id, shop_id)


def settings_for(dsn: str, amqp_url: str, **changes: Any) -> Settings:
    """Return settings of the service that no environment has a say in."""
    values = {
        "database_url": dsn,
        "amqp_url": amqp_url,
        "app_env": "test",
        "shopify_client_secret": SECRET,
        "shopify_client_secret_previous": PREVIOUS,
        "shopify_encryption_key": KEY,
        "webhooks_port": 0,
    }
    return Settings.model_validate(values | changes)


def outcomes(outcome: str) -> float:
    """Return how many deliveries ended as *outcome* in this process."""
    [family] = DELIVERIES_TOTAL.collect()
    return sum(
        sample.value
        for sample in family.samples
        if sample.name.endswith("_total") and sample.labels["outcome"] == outcome
    )


_LAST = b'{"id": 1, "note": "the last one"}'


class Service:
    """A running service and what reaches the bus behind it."""

    def __init__(self, client: TestClient, bus: Bus) -> None:
        self._client = client
        self._bus = bus

    async def post(
        self, body: bytes, *, path: str = PATH, headers: Mapping[str, str] | None = None
    ) -> ClientResponse:
        sent = headers or headers_for(body)
        return await self._client.post(path, data=io.BytesIO(body), headers=sent)

    async def get(self, path: str) -> ClientResponse:
        return await self._client.get(path)

    @property
    def port(self) -> int:
        return self._client.port

    async def deliveries(self, count: int) -> list[Delivery]:
        """Take *count* deliveries off the bus."""
        return await taken(self._bus, count)

    async def earlier(self) -> list[Delivery]:
        """Post one that is kept, and take what is on the bus before it."""
        assert (await self.post(_LAST)).status == 200
        return [one for one in await self.deliveries(1) if one.body != _LAST]

    async def messages(self, count: int) -> list[Message]:
        """Take *count* deliveries off the bus, in the messages that carry them."""
        return await messages_taken(self._bus, count)


async def taken(bus: Bus, count: int) -> list[Delivery]:
    """Consume until *count* different deliveries have come."""
    messages = await messages_taken(bus, count)
    return [delivery for message in messages for delivery in unpack(message.body)]


async def messages_taken(bus: Bus, count: int) -> list[Message]:
    """Consume until *count* different deliveries have come; return the messages."""
    found: list[Message] = []
    seen: set[str] = set()
    enough = asyncio.Event()

    async def handler(messages: list[Message]) -> list[Outcome]:
        found.extend(messages)
        for message in messages:
            seen.update(delivery.webhook_id for delivery in unpack(message.body))
        if len(seen) >= count:
            enough.set()
        return [Done() for _ in messages]

    async with bus.consuming(DELIVERIES, handler, batch_max=50, prefetch=100):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                await enough.wait()
    return found


@contextlib.asynccontextmanager
async def running(settings: Settings, bus: Bus) -> AsyncIterator[Service]:
    """Run the service in this loop."""
    async with TestClient(TestServer(build_app(settings))) as client:
        yield Service(client, bus)


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    """A second way into the database, as the syncer."""
    pool = await open_pool(dsn, role="tillstream_syncer")
    yield pool
    await pool.close()


@pytest.fixture
async def bus(bus_url: str, pool: Pool) -> AsyncIterator[Bus]:
    """The bus behind the service, opened a second time."""
    bus = await open_bus(bus_url, pool)
    yield bus
    await bus.close()


@pytest.fixture
async def service(dsn: str, bus_url: str, bus: Bus, shop: Shop) -> AsyncIterator[Service]:
    """The service, on each bus, with one store connected."""
    async with running(settings_for(dsn, bus_url), bus) as service:
        yield service
