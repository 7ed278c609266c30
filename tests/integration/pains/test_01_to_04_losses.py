"""Rows that never arrive, rows that never leave, and news that comes anyhow."""

from __future__ import annotations

import random
import time
from datetime import timedelta

import orjson

from services.syncer import writing
from services.syncer.handlers.deliveries import apply
from shared.errors import Unavailable
from tests.integration.pains.receiver import all_sent, delivered, receiving
from tests.integration.pains.shop import OpenShop, Shop, number
from tests.integration.syncer.test_sync import KINDS, STOCK, differences, tell_truth

ORDERS = "SELECT count(*) FROM commerce.orders WHERE deleted_at IS NULL"
ORDER_IDS = "{ orders { edges { node { id updatedAt } } } }"
KEPT = {
    "orders": "SELECT order_id FROM commerce.orders WHERE deleted_at IS NULL",
    "products": "SELECT product_id FROM commerce.products WHERE deleted_at IS NULL",
}


async def ids(shop: Shop, kind: str) -> set[int]:
    return {one["id"] for one in await shop.truth(kind)}


async def kept(shop: Shop, kind: str) -> set[int]:
    return set(await shop.column(KEPT[kind]))


async def test_pain_01_rows_that_did_not_arrive_are_not_called_done(open_shop: OpenShop):
    """A result that lacks rows, of an operation that Shopify calls completed."""
    shop = (await open_shop(orders=150)).changed(roots_per_window=1000)
    await shop.faults(bulk={"short_file": True})

    job = await shop.run("orders", "full")
    naive = {number(row["id"]): row["updatedAt"] for row in await shop.naive.bulk(ORDER_IDS)}
    await shop.faults()

    # The naive one is content: the next time it asks only for what changed since.
    since = max(naive.values())
    later = await shop.naive.changed("orders", "id updatedAt", f">='{since}'")
    naive |= {number(row["id"]): row["updatedAt"] for row in later}
    truth = await ids(shop, "orders")
    assert naive.keys() < truth

    assert (job["status"], job["rows_written"]) == ("queued", 0)
    assert "Shopify counted" in job["error"] or "bulk_failed" in job["error"]
    await shop.again()
    assert await kept(shop, "orders") == truth
    assert (await shop.job(job["job_id"]))["status"] == "succeeded"


async def test_pain_01_a_cursor_moves_only_with_its_rows(open_shop: OpenShop, monkeypatch):
    """The database refuses the second page: once, as it does when it restarts."""
    shop = await open_shop(orders=50)
    naive_rows: set[str] = set()
    cursor = "2000-01-01T00:00:00Z"
    for refused in (False, True, False):
        page = await shop.naive.changed("orders", "id updatedAt", f">'{cursor}'", first=20)
        cursor = page[-1]["updatedAt"]  # first the state, then the rows
        if not refused:
            naive_rows |= {row["id"] for row in page}

    real, calls = writing.write, []

    async def write(conn, facts):
        calls.append(1)
        if len(calls) == 2:
            raise Unavailable("the database restarts", code="database_unavailable")
        return await real(conn, facts)

    monkeypatch.setattr(writing, "write", write)
    first = await shop.run("orders", "incremental")
    await shop.again()

    truth = await ids(shop, "orders")
    assert {number(gid) for gid in naive_rows} < truth
    assert (first["status"], first["rows_done"]) == ("queued", 20)
    assert await kept(shop, "orders") == truth
    assert (await shop.job(first["job_id"]))["rows_done"] == len(truth)  # nothing was read twice


async def test_pain_02_a_bulk_export_is_never_sorted(open_shop: OpenShop):
    """Sorted and filtered, Shopify leaves out some of what matches, and counts as if it did not."""
    shop = await open_shop(orders=150)
    await shop.faults(bulk={"omit_when_sorted": True})

    found = await shop.naive.bulk(
        "{ orders(sortKey: UPDATED_AT, query: \"updated_at:>='2000-01-01T00:00:00Z'\")"
        " { edges { node { id } } } }"
    )
    await shop.changed(roots_per_window=1000).sync("full", "orders")

    truth = await ids(shop, "orders")
    assert {number(row["id"]) for row in found} < truth
    assert await kept(shop, "orders") == truth


async def test_pain_03_what_was_deleted_goes(open_shop: OpenShop):
    """Told by no webhook: one is in Shopify's events, the other is only not there any more."""
    shop = await open_shop(orders=30)
    await shop.sync("full", "orders", "products")
    naive = {kind: await ids(shop, kind) for kind in KEPT}

    told = await shop.simulator.act("delete_product")
    await shop.sync("incremental", "products")
    silent = await shop.simulator.act("delete_order")
    await shop.sync("full", "orders")

    for kind in KEPT:
        found = await shop.naive.changed(kind, "id", ">='2000-01-01T00:00:00Z'")
        naive[kind] |= {number(row["id"]) for row in found}
        assert naive[kind] > await ids(shop, kind)
        assert await kept(shop, kind) == await ids(shop, kind)
    tombstones = await shop.db.fetch("SELECT id, reason FROM commerce.tombstones ORDER BY reason")
    assert [tuple(row) for row in tombstones] == [(*told, "events"), (*silent, "sweep")]
    assert (
        await shop.value("SELECT count(*) FROM commerce.orders WHERE deleted_at IS NOT NULL") == 1
    )


async def busy_hour(shop: Shop) -> None:
    """Each minute something else, most of it more than once."""
    begun = int(time.time())
    actions = ("create_order", "update_order", "refund_order", "update_customer", "update_order")
    for minute, action in enumerate(actions * 2):
        await shop.simulator.act(action, 4, at=begun + 60 * minute)


def as_naive(baseline: list[dict], came: list[tuple[str, str, bytes]]) -> dict[int, str]:
    """Every delivery is the newest state of its order, and nothing else ever comes."""
    rows = {one["id"]: one["updated_at"] for one in baseline}
    for topic, _, body in came:
        if topic in ("orders/create", "orders/updated", "orders/paid"):
            order = orjson.loads(body)
            rows[order["id"]] = order["updated_at"]
    return rows


async def test_pain_04_webhooks_lost_doubled_and_out_of_order_end_in_the_truth(
    open_shop: OpenShop,
):
    shop = await open_shop(orders=30)
    async with receiving() as (address, came):
        await shop.changed(webhook_url=address).sync("full", *KINDS)
        baseline = await shop.truth("orders")
        await shop.faults(webhooks={"drop": 0.1, "duplicate": 0.3, "shuffle": True}, seed=4)
        await busy_hour(shop)
        await all_sent(shop)
    random.Random(4).shuffle(came)  # as if the later ones had been tried again hours later

    deliveries = [delivered(shop, *one) for one in came]
    for start in range(0, len(deliveries), 50):
        part = deliveries[start : start + 50]
        await apply(part, pool=shop.context.pool, bus=shop.context.bus)

    truth = {one["id"]: one["updated_at"] for one in await shop.truth("orders")}
    assert len({webhook_id for _, webhook_id, _ in came}) < len(came)
    naive = as_naive(baseline, came)
    assert naive != truth
    events = "SELECT count(*) FROM commerce.webhook_events WHERE state = $1"
    assert await shop.value(events, "dead") == 0

    an_hour_later = shop.changed(lag=timedelta(hours=-1))
    await an_hour_later.sync("incremental", *KINDS)  # what was lost
    await tell_truth(shop.context, shop.simulator)
    assert await differences(shop.db, shop.owner, but=STOCK) == ""
