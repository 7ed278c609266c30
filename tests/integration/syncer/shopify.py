"""A simulated Shopify in a process of its own, and a store connected to it."""

from __future__ import annotations

import asyncio
import socket
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import orjson
from yarl import URL

from services.syncer.shops import Access, Shops
from shared.deliveries import Delivery
from shared.keyring import KeyRing, generate_key
from shared.postgres import Pool
from shared.shopify.client import Patience
from shared.shopify.snapshots import Owner
from tests.integration.syncer.objects import TENANT

CLIENT_ID = "test-app"
CLIENT_SECRET = "test-secret"
SHOP = "tea.myshopify.com"


@dataclass(frozen=True)
class Simulator:
    """Where the simulator answers, and the shop we ask it about."""

    port: int
    session: aiohttp.ClientSession
    shop: str = SHOP

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/shops/{{shop}}"

    async def token(self) -> str:
        url = self.base_url.format(shop=self.shop) + "/admin/oauth/access_token"
        form = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "grant_type": "client_credentials",
        }
        async with self.session.post(url, data=form) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["access_token"])

    async def token_for(self, scope: str) -> str:
        """Return a token that only has *scope*."""
        admin = self.base_url.format(shop=self.shop) + "/admin/oauth"
        asked = {"client_id": CLIENT_ID, "scope": scope, "redirect_uri": "http://127.0.0.1/"}
        async with self.session.get(
            f"{admin}/authorize", params=asked, allow_redirects=False
        ) as answer:
            code = URL(answer.headers["Location"]).query["code"]
        form = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "code": code}
        async with self.session.post(f"{admin}/access_token", data=form) as answer:
            return str((await answer.json())["access_token"])

    async def truth(self, kind: str) -> list[bytes]:
        url = f"http://127.0.0.1:{self.port}/_sim/shops/{self.shop}/truth/{kind}"
        patient = aiohttp.ClientTimeout(total=None)
        async with self.session.get(url, timeout=patient) as answer:
            return [line for line in (await answer.read()).split(b"\n") if line]

    async def control(self, path: str, body: object) -> object:
        url = f"http://127.0.0.1:{self.port}/_sim/{path}"
        async with self.session.post(url, json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def stats(self) -> dict:
        async with self.session.get(f"http://127.0.0.1:{self.port}/_sim/stats") as answer:
            return await answer.json()

    async def act(self, action: str, count: int = 1, **parameters: object) -> list[int]:
        body = {"action": action, "count": count, "seed": 7, **parameters}
        return (await self.control(f"shops/{self.shop}/actions", body))["ids"]


@asynccontextmanager
async def simulating(*arguments: str) -> AsyncIterator[Simulator]:
    """Run the simulator on a free port while the context is open."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.simulator", "--port", str(port), "--shop", SHOP),
        *("--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET, "--bulk-seconds", "0.1"),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = await process.stdout.readline()
        assert b"listening" in line, line
        async with aiohttp.ClientSession() as session:
            yield Simulator(port, session)
    finally:
        process.terminate()
        await process.wait()


async def connect_store(
    db, token: str, keys: KeyRing, *, tenant: str = TENANT, shop_domain: str = SHOP
) -> Owner:
    """Insert what the gateway leaves behind when a store is connected; no jobs."""
    await db.execute("INSERT INTO accounts.tenants (tenant_id, name) VALUES ($1, 'Tea')", tenant)
    shop_id = await db.fetchval(
        "INSERT INTO accounts.stores (tenant_id, shop_domain) VALUES ($1, $2) RETURNING shop_id",
        tenant,
        shop_domain,
    )
    sealed = keys.seal(token, tenant_id=tenant, shop_id=shop_id, purpose="access_token")
    await db.execute(
        "INSERT INTO accounts.credentials (tenant_id, shop_id, grant_type, access_token_enc,"
        " scopes, token_last4) VALUES ($1, $2, 'client_credentials', $3, '{read_all_orders}', $4)",
        tenant,
        shop_id,
        sealed,
        token[-4:],
    )
    return Owner(tenant_id=tenant, shop_id=shop_id)


async def use_token(db, owner: Owner, token: str, keys: KeyRing, *, scope: str) -> None:
    """Put another token in the place of the store's."""
    ids = {"tenant_id": owner.tenant_id, "shop_id": owner.shop_id}
    await db.execute(
        "UPDATE accounts.credentials SET access_token_enc = $1, scopes = $2",
        keys.seal(token, **ids, purpose="access_token"),
        scope.split(","),
    )


async def ask_for(db, owner: Owner, kind: str, mode: str) -> uuid.UUID:
    """Queue a job as the gateway does."""
    return await db.fetchval(
        "INSERT INTO commerce.sync_jobs (tenant_id, shop_id, kind, mode, trigger)"
        " VALUES ($1, $2, $3, $4, 'manual') RETURNING job_id",
        owner.tenant_id,
        owner.shop_id,
        kind,
        mode,
    )


def shops_of(pool: Pool, simulator: Simulator, keys: KeyRing) -> Shops:
    access = Access(
        api_version="2026-10",
        base_url=simulator.base_url,
        patience=Patience(attempts=3, delay_seconds=0.05),
    )
    return Shops(pool, simulator.session, keys=keys, access=access)


def new_keys() -> KeyRing:
    return KeyRing.parse(generate_key())


def a_webhook(owner: Owner, topic: str, body: object, *, triggered_at: str = "") -> Delivery:
    return Delivery(
        tenant_id=owner.tenant_id,
        shop_id=owner.shop_id,
        shop_domain=SHOP,
        topic=topic,
        webhook_id=str(uuid.uuid4()),
        event_id="",
        triggered_at=triggered_at,
        received_at="2026-11-01T00:00:00+00:00",
        api_version="2026-10",
        body=body if isinstance(body, bytes) else orjson.dumps(body),
    )


KINDS = ("shop", "products", "customers", "inventory", "orders")
TRUTH_TOPICS = {
    "orders": "orders/updated",
    "products": "products/update",
    "customers": "customers/update",
    "inventory_items": "inventory_items/update",
    "inventory_levels": "inventory_levels/update",
    "locations": "locations/update",
}


def truth_deliveries(owner: Owner, kind: str, lines: list[bytes]) -> list[Delivery]:
    """Return the webhooks that would tell the truth, all of it."""
    found = [a_webhook(owner, TRUTH_TOPICS[kind], line) for line in lines]
    if kind == "orders":
        found += [
            a_webhook(owner, "order_transactions/create", one)
            for line in lines
            for one in orjson.loads(line)["transactions"]
        ]
    return found
