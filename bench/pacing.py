"""``python -m bench.pacing``: which part of the points that Shopify allows a poll of orders uses.

One process polls the orders of a simulated shop as the syncer does, page after page, and shares
its points through Postgres. Available are the points at the start and what is restored until the
last page; a poll that waits longer than it must leaves some of them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
import uuid
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from services.syncer.reading import page
from shared.migrate import migrate
from shared.postgres import close_pool, open_pool
from shared.shopify.client import Patience, ShopClient, Terms
from shared.shopify.pacing import Pacing
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Owner
from tests.integration.syncer.shopify import SHOP, Simulator, simulating

SERVER = os.environ.get("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
ORDERS = RESOURCES["orders"]


async def poll(client: ShopClient, orders: int) -> tuple[int, float]:
    """Read so many orders; return how many were read, and the seconds until the last page."""
    started, after, read = time.monotonic(), None, 0
    while read < orders:
        found = await page(client, ORDERS, first=ORDERS.page, after=after)
        read, after = read + len(found.nodes), found.after
        if after is None:
            break
    return read, time.monotonic() - started


async def measured(simulator: Simulator, dsn: str, orders: int) -> str:
    token = await simulator.token()

    async def same() -> str:
        return token

    pool = await open_pool(dsn, role="tillstream_syncer", max_size=2)
    pace = Pacing(pool).pace(Owner(tenant_id=str(uuid.uuid4()), shop_id=1))
    client = ShopClient(
        simulator.session, shop_domain=SHOP, token=same, api_version="2026-10",
        base_url=simulator.base_url, terms=Terms(patience=Patience(attempts=1), pace=pace),
    )  # fmt: skip
    read, seconds = await poll(client, orders)
    conn = await asyncpg.connect(dsn)
    bucket = await conn.fetchrow("SELECT maximum, restore_rate FROM pacing.buckets")
    used = await conn.fetchrow("SELECT requests, points, throttled FROM pacing.usage_daily")
    await conn.close()
    await close_pool(pool)
    truly = (await simulator.stats())["requests"]
    assert used["points"] == truly["graphql points"]
    available = bucket["maximum"] + bucket["restore_rate"] * seconds
    return (
        f"{read} orders, {used['requests']} requests, {used['throttled']} refused, {seconds:.0f} s,"
        f" {used['points']:.0f} of {available:.0f} points used: {used['points'] / available:.1%}"
        f" ({bucket['maximum']:.0f} held, {bucket['restore_rate']:.0f} restored a second)"
    )


async def main() -> None:
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--orders", type=int, default=10_000)
    made.add_argument("--plan", default="quick")
    given = made.parse_args()
    name = f"till_bench_{uuid.uuid4().hex[:8]}"
    dsn = urlunsplit(urlsplit(SERVER)._replace(path=f"/{name}"))
    server = await asyncpg.connect(SERVER)
    await server.execute(f"CREATE DATABASE {name}")
    try:
        await migrate(dsn)
        shop = ("--plan", given.plan, "--orders", str(given.orders))
        async with simulating(*shop) as simulator:
            print(await measured(simulator, dsn, given.orders))
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()


if __name__ == "__main__":
    asyncio.run(main())
