"""Exports that take days, eat the memory, stand still, or come in another shape than before."""

from __future__ import annotations

import asyncio
import itertools
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp

from services.syncer import schema_drift
from services.syncer.shops import Access, Shops
from shared.clock import now
from shared.shopify.client import Patience
from tests.integration.pains.shop import Naive, OpenShop, Shop, connected, number
from tests.integration.syncer.shopify import simulating

LINES = "{ orders { edges { node { id lineItems { edges { node { id } } } } } } }"
WHOLE = (
    "{ orders { edges { node { id name email note tags createdAt updatedAt totalPriceSet {"
    " shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
    " shippingAddress { firstName lastName address1 address2 city zip countryCodeV2 }"
    " lineItems { edges { node { id title sku quantity currentQuantity"
    " originalUnitPriceSet { shopMoney { amount currencyCode } }"
    " taxLines { title rate priceSet { shopMoney { amount } } } } } } } } } }"
)


async def most_at_once(naive: Naive, work: Awaitable[object]) -> int:
    """Return how many bulk operations Shopify had running, at most, while *work* went on."""
    running = '{ bulkOperations(first: 20, query: "status:RUNNING") { nodes { id } } }'
    seen, task = [0], asyncio.ensure_future(work)
    while not task.done():
        seen.append(len((await naive.ask(running))["bulkOperations"]["nodes"]))
        await asyncio.sleep(0.05)
    await task
    return max(seen)


@asynccontextmanager
async def slow_shopify(db, pool, *, bulk_seconds: float) -> AsyncIterator[Shop]:
    """A Shopify of its own, whose bulk operations take their time."""
    arguments = ("--orders", "60", "--products", "8", "--customers", "20", "--plan", "plus")
    async with simulating(*arguments, "--bulk-seconds", str(bulk_seconds)) as simulator:
        yield await connected(db, pool, simulator)


async def test_pain_05_five_exports_run_at_once(db, pool):
    async with slow_shopify(db, pool, bulk_seconds=1.0) as shop:

        async def one_after_the_other() -> None:
            for _ in range(2):
                await shop.naive.bulk("{ orders { edges { node { id } } } }")

        naive = await most_at_once(shop.naive, one_after_the_other())
        small = shop.changed(roots_per_window=12)
        ours = await most_at_once(shop.naive, small.sync("full", "orders"))

        assert (naive, ours) == (1, 5)
        assert await shop.value("SELECT count(*) FROM commerce.orders") == 60
        assert await shop.value("SELECT count(*) FROM commerce.bulk_operations") >= 5


def windows_of_thirty_days(since: datetime, until: datetime) -> list[str]:
    """The searches of a connector that cuts time, not content; each is a bulk operation."""
    edges = []
    while since < until:
        edges.append(since)
        since += timedelta(days=30)
    return [
        f"created_at:>='{a.isoformat()}' created_at:<'{b.isoformat()}'"
        for a, b in itertools.pairwise([*edges, until])
    ]


async def test_pain_06_an_export_is_cut_by_what_it_holds(open_shop: OpenShop):
    """And it is not waited for by sleeping: test_a_webhook_ends_the_wait shows that.

    The naive one is not run, only counted: it starts an operation for each of its windows and
    asks for it at least once.
    """
    shop = (await open_shop(orders=60)).changed(roots_per_window=2500)
    naive = windows_of_thirty_days(datetime(2020, 1, 1, tzinfo=UTC), now())
    before = await shop.requests()

    await shop.sync("full", "orders")

    after = await shop.requests()
    asked = after["graphql requests"] - before.get("graphql requests", 0)
    assert await shop.value("SELECT count(*) FROM commerce.orders") == 60
    assert await shop.value("SELECT count(*) FROM commerce.bulk_operations") == 1
    assert len(naive) > 80
    assert asked < 40 < 2 * len(naive)


async def most_memory(work: Awaitable[object]) -> int:
    """Return the most bytes of Python's heap that *work* had at once, beyond what was there."""
    tracemalloc.start()
    try:
        await work
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_pain_07_memory_does_not_grow_with_the_shop(open_shop: OpenShop):
    """Four times the orders, the same memory; a file that is held whole takes four times it."""
    ours, naive = [], []
    for orders in (125, 500):
        opened = await open_shop(orders=orders, prototypes=60)
        shop = opened.changed(roots_per_window=25)
        ours.append(await most_memory(shop.run("orders", "full")))
        naive.append(await most_memory(shop.naive.bulk(WHOLE)))
        held = "SELECT count(*) FROM commerce.orders WHERE shop_id = $1"
        assert await shop.value(held, shop.owner.shop_id) == orders

    assert naive[1] > 3 * naive[0]
    assert ours[1] < 1.6 * ours[0]


async def test_pain_08_a_crowded_second_is_passed(open_shop: OpenShop):
    """More customers of one second than a search pages through: test_crowded_seconds has 10,000."""
    shop = (await open_shop(orders=0, customers=10)).changed(search_depth=60)
    await shop.simulator.act("create_customer", 200, at=int(time.time()) - 3600)
    truth = {one["id"] for one in await shop.truth("customers")}

    cursor, naive = "2000-01-01T00:00:00Z", set()
    for _ in range(8):  # nobody would try longer
        page = await shop.naive.changed("customers", "id updatedAt", f">='{cursor}'", first=60)
        naive |= {number(row["id"]) for row in page}
        cursor = page[-1]["updatedAt"]
    job = await shop.run("customers", "incremental")

    assert naive < truth
    assert len(naive) <= 70  # ever the same page
    assert set(await shop.column("SELECT customer_id FROM commerce.customers")) == truth
    assert (job["status"], job["rows_done"]) == ("succeeded", len(truth))


async def test_pain_09_another_api_version_than_asked_for_is_noticed(open_shop: OpenShop):
    """An API version that Shopify no longer has is answered by the oldest one that it has."""
    shop = await open_shop(orders=3)
    old = Naive(simulator=shop.simulator, token=shop.naive.token, api_version="2024-01")
    assert (await old.ask("{ shop { id } }"))["shop"]["id"]  # no error, no warning
    naive = old.api_version

    schema_drift.SEEN.taken()
    access = Access(
        api_version="2024-01",
        base_url=shop.simulator.base_url,
        patience=Patience(attempts=1),
    )
    session: aiohttp.ClientSession = shop.simulator.session
    shops = Shops(shop.context.pool, session, keys=shop.keys, access=access)
    await (await shops.client(shop.owner)).execute("query { shop { id } }")
    await schema_drift.report(shop.context.pool)

    rows = await shop.db.fetch("SELECT kind, what FROM commerce.schema_drift")
    served = [row["what"].removeprefix("answered by ") for row in rows]
    assert [row["kind"] for row in rows] == ["version"]
    assert served > [naive]


def joined_by_place(rows: list[dict]) -> dict[str, list[str]]:
    """Children belong to the root above them, as in a file of groups."""
    found: dict[str, list[str]] = {}
    root = ""
    for row in rows:
        if "__parentId" in row:
            found[root].append(row["id"])
        else:
            root = row["id"]
            found[root] = []
    return found


async def test_pain_10_children_find_their_parent_by_its_id(open_shop: OpenShop):
    """Since 2026-01 a result comes ungrouped unless one asks otherwise."""
    shop = await open_shop(orders=60)
    naive = joined_by_place(await shop.naive.bulk(LINES))
    await shop.sync("full", "orders")

    truth = {
        one["id"]: sorted(x["id"] for x in one["line_items"]) for one in await shop.truth("orders")
    }
    rows = await shop.db.fetch("SELECT order_id, line_id FROM commerce.order_lines ORDER BY 2")
    ours: dict[int, list[int]] = {order_id: [] for order_id in truth}
    for row in rows:
        ours[row["order_id"]].append(row["line_id"])
    assert {number(k): sorted(map(number, v)) for k, v in naive.items()} != truth
    assert ours == truth
    # Where Shopify groups, the naive one is right; so it is the order of lines that it relied on.
    grouped = joined_by_place(await shop.naive.bulk(LINES, group=True))
    assert {number(k): sorted(map(number, v)) for k, v in grouped.items()} == truth
