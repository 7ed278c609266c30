"""One simulated Shopify for the folder, and in it a shop of its own for every test."""

from __future__ import annotations

import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from shared.postgres import Pool, close_pool, open_pool
from tests.integration.gateway.conftest import open_gateway
from tests.integration.pains.shop import MakeShop, OpenShop, Shop, connected
from tests.integration.syncer.shopify import CLIENT_ID, CLIENT_SECRET, Simulator

__all__ = ["open_gateway"]


@pytest.fixture(scope="session")
def shopify_port() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.simulator", "--port", str(port), "--orders", "0"),
            *("--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET),
            *("--bulk-seconds", "0.1", "--retry-scale", "0.001"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "listening" in process.stdout.readline()
    yield port
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture
async def pool(dsn: str, db) -> AsyncIterator[Pool]:
    """Connections under the syncer's own role."""
    opened = await open_pool(dsn, role="tillstream_syncer", min_size=1, max_size=6)
    yield opened
    await close_pool(opened)


@pytest.fixture
async def make_shop(shopify_port: int) -> AsyncIterator[MakeShop]:
    """Make a simulated shop, as the recipe says, that nobody has connected."""
    async with aiohttp.ClientSession() as session:

        async def made(**recipe: object) -> Simulator:
            domain = f"pain-{uuid.uuid4().hex[:10]}.myshopify.com"
            simulator = Simulator(shopify_port, session, domain)
            wanted = {"products": 5, "customers": 30, "plan": "plus", "seed": 5}
            await simulator.control("shops", {"domain": domain, **wanted, **recipe})
            return simulator

        yield made
        await Simulator(shopify_port, session).control("faults", {})


@pytest.fixture
async def open_shop(db, pool: Pool, make_shop: MakeShop) -> OpenShop:
    """Make a simulated shop and connect it."""

    async def opened(**recipe: object) -> Shop:
        return await connected(db, pool, await make_shop(**recipe))

    return opened
