"""The gateway as a client sees it, with two tenants."""

from __future__ import annotations

import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientSession, CookieJar
from aiohttp.test_utils import TestClient, TestServer

from services.gateway.app import build_app
from services.gateway.command import create_key, create_tenant
from services.gateway.settings import Settings
from shared.keyring import generate_key
from shared.postgres import POOL
from tests.integration.gateway import rows

CLIENT_SECRET = "hush-hush-client-secret"
ENCRYPTION_KEY = generate_key()


@dataclass
class Tenant:
    """One customer of ours with a key per scope and a store with one of everything."""

    tenant_id: str
    keys: dict[str, str]
    shop_id: int
    shop_domain: str
    job_id: str
    mark: str

    def headers(self, scope: str = "admin") -> dict[str, str]:
        return {"X-API-Key": self.keys[scope]}


@dataclass
class Gateway:
    client: TestClient
    settings: Settings
    tenants: dict[str, Tenant] = field(default_factory=dict)

    @property
    def pool(self) -> Any:
        return self.client.server.app[POOL]

    async def get(self, path: str, *, headers=None, **query: object) -> Any:
        response = await self.client.get(
            f"/api/v1/shopify{path}", headers=headers, params={k: str(v) for k, v in query.items()}
        )
        return response.status, await response.json()

    async def post(self, path: str, body: object, *, headers=None) -> Any:
        response = await self.client.post(f"/api/v1/shopify{path}", headers=headers, json=body)
        return response.status, await response.json()


def gateway_settings(dsn: str, **changed: object) -> Settings:
    return Settings(
        **{
            "app_env": "test",
            "database_url": dsn,
            "shopify_client_id": "client",
            "shopify_client_secret": CLIENT_SECRET,
            "shopify_encryption_key": ENCRYPTION_KEY,
            "shopify_base_url": "http://127.0.0.1:9/shops/{shop}",
            "jwt_secret": "a secret of at least thirty-two bytes",
            "token_refresh_interval_seconds": 3600,
            **changed,
        }
    )


@pytest.fixture
async def open_gateway(
    dsn: str, db: asyncpg.Connection
) -> AsyncIterator[Callable[..., Awaitable[Gateway]]]:
    opened: list[Gateway] = []

    async def start(**changed: object) -> Gateway:
        settings = gateway_settings(dsn, **changed)
        client = TestClient(TestServer(build_app(settings)), cookie_jar=CookieJar(unsafe=True))
        await client.start_server()
        opened.append(Gateway(client=client, settings=settings))
        return opened[-1]

    yield start
    for gateway in opened:
        await gateway.client.close()


@pytest.fixture
async def gateway(open_gateway: Any) -> Gateway:
    return await open_gateway()


@pytest.fixture
async def make_tenant(db: asyncpg.Connection) -> Callable[..., Awaitable[Tenant]]:
    async def made(gateway: Gateway, mark: str) -> Tenant:
        tenant_id, admin = await create_tenant(gateway.pool, mark)
        keys = {"admin": admin}
        for scope in ("read", "write"):
            keys[scope] = await create_key(
                gateway.pool, tenant_id, name=scope, scope=scope, expires_at=None
            )
        domain = f"{mark}.myshopify.com"
        shop_id = await rows.insert_store(db, uuid.UUID(tenant_id), domain)
        job_id = await rows.insert_everything(db, uuid.UUID(tenant_id), shop_id, mark)
        tenant = Tenant(tenant_id, keys, shop_id, domain, job_id, mark)
        gateway.tenants[mark] = tenant
        return tenant

    return made


@pytest.fixture
async def alba(gateway: Gateway, make_tenant: Any) -> Tenant:
    return await make_tenant(gateway, "alba")


@pytest.fixture
async def boro(gateway: Gateway, make_tenant: Any) -> Tenant:
    return await make_tenant(gateway, "boro")


@dataclass
class Simulator:
    """A Shopify in another process."""

    base: str
    shop: str = "demo-store.myshopify.com"
    other_shop: str = "other-store.myshopify.com"

    @property
    def template(self) -> str:
        return self.base + "/shops/{shop}"

    async def control(self, path: str, body: object = None) -> Any:
        async with ClientSession() as session:
            response = await session.post(f"{self.base}/_sim{path}", json=body or {})
            assert response.status < 300, await response.text()
            return await response.json()


@pytest.fixture(scope="session")
def simulator_process() -> Iterator[Simulator]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    simulator = Simulator(f"http://127.0.0.1:{port}")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.simulator", "--port", str(port), "--orders", "5"),
            *("--products", "3", "--customers", "5", "--client-id", "client"),
            *("--client-secret", CLIENT_SECRET, "--shop", simulator.shop),
            *("--shop", simulator.other_shop),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert "listening" in process.stdout.readline()
    yield simulator
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture
async def simulator(simulator_process: Simulator) -> AsyncIterator[Simulator]:
    yield simulator_process
    await simulator_process.control("/faults", {})


@pytest.fixture
async def connected(open_gateway: Any, simulator: Simulator) -> Gateway:
    """A gateway that talks to the simulator."""
    return await open_gateway(shopify_base_url=simulator.template)
