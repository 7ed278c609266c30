"""A simulated shop of a chosen plan, and clients that share its points through Postgres."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from shared.postgres import close_pool, open_pool
from shared.shopify.client import Patience, ShopClient, Terms
from shared.shopify.pacing import Pacing
from shared.shopify.snapshots import Owner
from tests.integration.syncer.shopify import SHOP, Simulator, simulating


@dataclass(frozen=True)
class Shop:
    """A store that is connected, and how to ask it."""

    simulator: Simulator
    owner: Owner
    token: str
    dsn: str

    def client(self, pacing: Pacing, *, attempts: int = 1, **line) -> ShopClient:
        async def token() -> str:
            return self.token

        return ShopClient(
            self.simulator.session, shop_domain=SHOP, token=token, api_version="2026-10",
            base_url=self.simulator.base_url,
            terms=Terms(patience=Patience(attempts=attempts), pace=pacing.pace(self.owner, **line)),
        )  # fmt: skip

    @contextlib.asynccontextmanager
    async def pacing(self, role: str = "tillstream_syncer", **limits) -> AsyncIterator[Pacing]:
        pool = await open_pool(self.dsn, role=role, max_size=2)
        try:
            yield Pacing(pool, **limits)
        finally:
            await close_pool(pool)

    async def asker(self, **options: int) -> asyncio.subprocess.Process:
        """Start a client in a process of its own."""
        wanted = {
            "dsn": self.dsn, "base-url": self.simulator.base_url, "token": self.token,
            "tenant": self.owner.tenant_id, "shop": SHOP, "shop-id": self.owner.shop_id,
            **{name.replace("_", "-"): value for name, value in options.items()},
        }  # fmt: skip
        arguments = [text for name, value in wanted.items() for text in (f"--{name}", str(value))]
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.integration.pacing.asker", *arguments,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def requests(self) -> dict[str, int]:
        return (await self.simulator.stats())["requests"]

    async def points(self) -> dict[str, int]:
        return (await self.simulator.stats())["shops"][SHOP]


async def told(process: asyncio.subprocess.Process) -> dict:
    """What a finished asker says."""
    out, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(out)


@pytest.fixture
def shop_of(dsn: str, db):
    @contextlib.asynccontextmanager
    async def opened(plan: str) -> AsyncIterator[Shop]:
        async with simulating("--plan", plan, "--orders", "300") as simulator:
            owner = Owner(tenant_id=str(uuid.uuid4()), shop_id=7)
            yield Shop(simulator, owner, await simulator.token(), dsn)

    return opened
