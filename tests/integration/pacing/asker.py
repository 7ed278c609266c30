"""A process that asks one shop again and again, and prints what came of it as one JSON line."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time

from shared.errors import Throttled
from shared.postgres import close_pool, open_pool
from shared.shopify.client import Patience, ShopClient, Terms, open_session
from shared.shopify.pacing import Pacing
from shared.shopify.snapshots import Owner

PAGE = """
query ($first: Int!) {
  orders(first: $first) {
    edges { node { id name customer { id } lineItems(first: 5) { edges { node { id title } } } } }
  }
}
"""
SHOP = "query { shop { id name } }"


async def ask(
    client: ShopClient, document: str, times: int, waits: list[float], **variables: object
) -> int:
    """Execute *document* so often, note how long each took; return how many were refused."""
    refused = 0
    for _ in range(times):
        started = time.monotonic()
        try:
            await client.execute(document, variables)
        except Throttled:
            refused += 1
        waits.append(time.monotonic() - started)
    return refused


async def main() -> None:
    made = argparse.ArgumentParser()
    for name in ("dsn", "base-url", "token", "tenant", "shop"):
        made.add_argument(f"--{name}", required=True)
    for name, default in (("shop-id", 1), ("times", 10), ("at-once", 4), ("first", 20)):
        made.add_argument(f"--{name}", type=int, default=default)
    given = made.parse_args()
    pool = await open_pool(given.dsn, role="tillstream_syncer", max_size=2)
    pace = Pacing(pool).pace(Owner(tenant_id=given.tenant, shop_id=given.shop_id))

    async def token() -> str:
        return str(given.token)

    waits: list[float] = []
    async with open_session() as session:
        client = ShopClient(
            session, shop_domain=given.shop, token=token, api_version="2026-10",
            base_url=given.base_url,
            # One attempt: what is refused is seen.
            terms=Terms(patience=Patience(attempts=1), pace=pace),
        )  # fmt: skip
        refused = await asyncio.gather(
            *(
                ask(client, PAGE, given.times, waits, first=given.first)
                for _ in range(given.at_once)
            )
        )
    await close_pool(pool)
    json.dump({"asked": len(waits), "refused": sum(refused), "waits": waits}, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
