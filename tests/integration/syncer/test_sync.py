"""Backfill, polls and webhooks against a simulated Shopify: each alone ends in the truth."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from services.syncer import refetch
from services.syncer.context import Context, save
from services.syncer.handlers import jobs as handler
from services.syncer.handlers.deliveries import apply
from services.syncer.store import jobs, refetches
from shared.keyring import KeyRing
from shared.shopify.snapshots import Deletion, Owner, Refetch
from shared.shopify.topics import TOPICS
from tests.integration.syncer.objects import an_order
from tests.integration.syncer.shopify import (
    KINDS,
    SHOP,
    TRUTH_TOPICS,
    Simulator,
    a_webhook,
    ask_for,
    connect_store,
    new_keys,
    shops_of,
    simulating,
    truth_deliveries,
    use_token,
)
from tests.integration.syncer.test_deliveries import RecordingBus

TRUTH = Owner(tenant_id=str(uuid.UUID(int=99)), shop_id=99_000_000)
ORDER_TABLES = ("orders", "order_lines", "refunds", "refund_lines", "transactions", "fulfillments")
# Stock moves without touching its product's updated_at; the levels tell it.
STOCK = frozenset({"inventory_quantity"})
TABLES = (*ORDER_TABLES, "products", "variants", "inventory_items", "locations")
OURS = frozenset({"tenant_id", "shop_id", "raw", "source", "synced_at"})


@pytest.fixture(scope="module")
def keys() -> KeyRing:
    return new_keys()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    arguments = ("--orders", "250", "--products", "30", "--customers", "120", "--seed", "5")
    arguments += ("--plan", "plus")  # ten times the pace
    async with simulating(*arguments) as running:
        yield running


@pytest.fixture
async def owner(db, simulator, keys) -> Owner:
    return await connect_store(db, await simulator.token(), keys)


@pytest.fixture
def context(pool, simulator, keys) -> Context:
    return Context(
        pool=pool,
        bus=RecordingBus(),
        shops=shops_of(pool, simulator, keys),
        lag=timedelta(seconds=-5),  # what just happened counts as past
        roots_per_window=80,
    )


async def run_jobs(context: Context) -> None:
    """Run all jobs that are due, then read again what was asked for."""
    while True:
        async with context.pool.acquire() as conn:
            job = await jobs.claim(conn)
        if job is None:
            break
        await handler.run(context, job)
    await settle(context)


async def settle(context: Context) -> None:
    """Answer every wish, also those that should wait a while."""
    for _ in range(2):
        while await refetch.drain_once(context):
            pass
        async with context.pool.acquire() as conn:
            await conn.execute("UPDATE commerce.refetches SET not_before = now()")
    while await refetch.drain_once(context):
        pass


async def sync(context: Context, db, owner: Owner, mode: str, *kinds: str) -> None:
    for kind in kinds:
        await ask_for(db, owner, kind, mode)
    await run_jobs(context)
    failed = "SELECT kind, error FROM commerce.sync_jobs WHERE status <> 'succeeded'"
    assert await db.fetch(failed) == []
    wishes = "SELECT kind, id, reason FROM commerce.refetches WHERE tenant_id = $1"
    assert await db.fetch(wishes, owner.tenant_id) == []


async def tell_truth(context: Context, simulator: Simulator) -> None:
    """Write the simulator's own state beside ours, mapped from webhook bodies."""
    for kind in TRUTH_TOPICS:
        deliveries = truth_deliveries(TRUTH, kind, await simulator.truth(kind))
        for part in await apply(deliveries, pool=context.pool, bus=context.bus):
            assert [one.error for one in part.arrivals if one.error] == []


async def rows(db, owner: Owner, table: str) -> list[dict[str, object]]:
    """Return a table's rows without those of orders that are gone or that webhooks cannot tell."""
    found = await db.fetch(f"SELECT * FROM commerce.{table} WHERE tenant_id = $1", owner.tenant_id)
    hidden = await db.fetch(
        "SELECT id FROM commerce.tombstones WHERE kind = 'order' UNION"
        " SELECT id FROM commerce.refetches WHERE kind = 'order' AND tenant_id = $1",
        TRUTH.tenant_id,
    )
    left_out = {row["id"] for row in hidden}
    assert len(left_out) < 100
    return sorted(
        (
            {k: v for k, v in row.items() if k not in OURS}
            for row in found
            if row.get("deleted_at") is None and row.get("order_id") not in left_out
        ),
        key=repr,
    )


async def differences(
    db, owner: Owner, *, tables: tuple[str, ...] = TABLES, but: frozenset[str] = frozenset()
) -> str:
    """Name every table, and within it the first columns, in which ours is not the truth."""
    found = []
    for table in tables:
        ours, truth = await rows(db, owner, table), await rows(db, TRUTH, table)
        if len(ours) != len(truth) or len(truth) < 3:
            found.append(f"{table}: {len(ours)} rows of {len(truth)}")
        found += [
            f"{table}.{name}: {mine[name]!r} != {theirs[name]!r}"
            for mine, theirs in zip(ours, truth, strict=False)
            for name in mine
            if mine[name] != theirs[name] and name not in but
        ][:3]
    return "\n".join(found)


async def slim(db, owner: Owner) -> list[tuple]:
    """What a webhook can say about customers and levels."""
    customers = await db.fetch(
        "SELECT customer_id, first_name, last_name, email, updated_at FROM commerce.customers"
        " WHERE tenant_id = $1 AND deleted_at IS NULL ORDER BY 1",
        owner.tenant_id,
    )
    levels = await db.fetch(
        "SELECT inventory_item_id, location_id, available, updated_at"
        " FROM commerce.inventory_levels WHERE tenant_id = $1 AND deleted_at IS NULL ORDER BY 1, 2",
        owner.tenant_id,
    )
    return [tuple(row) for row in (*customers, *levels)]


async def change_much(simulator: Simulator) -> None:
    """A busy hour."""
    for action in ("create_order", "update_order", "edit_order", "refund_order", "cancel_order"):
        await simulator.act(action, 4)
    await simulator.act("fulfill_order", 3)


async def test_a_backfill_equals_the_truth(context, db, owner, simulator):
    await sync(context, db, owner, "full", *KINDS)

    await tell_truth(context, simulator)
    assert await differences(db, owner) == ""
    assert await slim(db, owner) == await slim(db, TRUTH)
    totals = await db.fetchrow(
        "SELECT rows_total, rows_done FROM commerce.sync_jobs WHERE kind = 'orders'"
    )
    assert tuple(totals) == (250, 250)


async def test_small_windows_hold_every_object_once(context, db, owner, simulator):
    """A search field that Shopify does not know would find everything in every window."""
    small = replace(context, roots_per_window=5)
    await sync(small, db, owner, "full", *KINDS)

    windows = await db.fetch(
        "SELECT j.kind, count(*) AS windows, sum(b.root_object_count)::int AS roots"
        " FROM commerce.sync_jobs j JOIN commerce.bulk_operations b USING (job_id) GROUP BY j.kind"
    )
    found = {row["kind"]: (row["windows"] > 2, row["roots"]) for row in windows}
    items = await db.fetchval("SELECT count(*) FROM commerce.inventory_items")
    assert found == {
        "orders": (True, 250),
        "products": (True, 30),
        "customers": (True, 120),
        "inventory": (True, items),
    }
    await tell_truth(context, simulator)
    assert await differences(db, owner) == ""


async def test_polling_alone_equals_the_truth(context, db, owner, simulator):
    await sync(context, db, owner, "incremental", *KINDS)
    await change_much(simulator)
    await sync(context, db, owner, "incremental", *KINDS)

    await tell_truth(context, simulator)
    assert await differences(db, owner, but=STOCK) == ""
    assert await slim(db, owner) == await slim(db, TRUTH)


async def test_a_poll_of_more_than_one_search_can_page_through_misses_nothing(
    context, db, owner, simulator
):
    """As if Shopify ended every search after a hundred objects or a bit more."""
    short = replace(context, search_depth=60)
    await sync(short, db, owner, "incremental", *KINDS)

    await tell_truth(context, simulator)
    assert await differences(db, owner, but=STOCK) == ""
    assert await slim(db, owner) == await slim(db, TRUTH)


async def test_a_location_that_we_just_met_is_polled_from_the_beginning(context, db, owner):
    await sync(context, db, owner, "full", "shop", "inventory")
    first, *_ = [row[0] for row in await db.fetch("SELECT location_id FROM commerce.locations")]
    levels = "SELECT count(*) FROM commerce.inventory_levels WHERE location_id = $1"
    had = await db.fetchval(levels, first)
    assert had > 0
    for table in ("inventory_levels", "level_cursors"):
        await db.execute(f"DELETE FROM commerce.{table} WHERE location_id = $1", first)

    await sync(context, db, owner, "incremental", "inventory")

    assert await db.fetchval(levels, first) == had


async def test_a_level_that_shopify_does_not_have_is_found_by_a_full_sync(context, db, owner):
    await sync(context, db, owner, "full", "shop", "inventory")
    had = await slim(db, owner)
    await db.execute(
        "INSERT INTO commerce.inventory_levels (tenant_id, shop_id, inventory_item_id,"
        " location_id, available, active, updated_at, source, synced_at)"
        " SELECT tenant_id, shop_id, inventory_item_id, 77, 9, true, updated_at, 'webhook',"
        " now() - interval '1 day' FROM commerce.inventory_items LIMIT 1"
    )
    assert len(await slim(db, owner)) == len(had) + 1

    await sync(context, db, owner, "full", "inventory")

    assert await slim(db, owner) == had


async def test_an_item_that_is_gone_leaves_no_stock(context, db, owner):
    await sync(context, db, owner, "full", "shop", "inventory")
    item = await db.fetchval("SELECT min(inventory_item_id) FROM commerce.inventory_items")
    left = (
        "SELECT count(*) FROM commerce.inventory_levels"
        " WHERE inventory_item_id = $1 AND deleted_at IS NULL"
    )
    assert await db.fetchval(left, item) > 0

    level = await db.fetchrow(
        "SELECT inventory_item_id, location_id, available, updated_at"
        " FROM commerce.inventory_levels WHERE inventory_item_id = $1",
        item,
    )

    gone = a_webhook(owner, "inventory_items/delete", {"id": item})
    await apply([gone], pool=context.pool, bus=context.bus)

    assert await db.fetchval(left, item) == 0
    late = a_webhook(
        owner,
        "inventory_levels/connect",
        dict(level) | {"location_id": 77, "updated_at": level["updated_at"].isoformat()},
    )
    await apply([late], pool=context.pool, bus=context.bus)
    assert await db.fetchval(left, item) == 0


async def test_polls_after_a_backfill_catch_what_changed(context, db, owner, simulator):
    await sync(context, db, owner, "full", *KINDS)
    await change_much(simulator)
    (told,) = await simulator.act("delete_order")
    await sync(context, db, owner, "incremental", *KINDS)
    (silent,) = await simulator.act("delete_order")
    await sync(context, db, owner, "full", "orders")

    await tell_truth(context, simulator)
    assert await differences(db, owner, but=STOCK) == ""
    reasons = await db.fetch("SELECT id, reason FROM commerce.tombstones WHERE kind = 'order'")
    assert {row["id"]: row["reason"] for row in reasons} == {told: "events", silent: "sweep"}


async def test_lines_forget_a_product_that_is_deleted_though_their_order_stays(
    context, db, owner, simulator
):
    """Shopify answers null for its product; nothing else of the order changes."""
    await sync(context, db, owner, "full", *KINDS)
    sold = "SELECT product_id FROM commerce.order_lines GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
    named = "SELECT count(*) FROM commerce.order_lines WHERE product_id = $1"
    product = await db.fetchval(sold)
    await db.execute("DELETE FROM analytics.order_marks")
    await simulator.act("delete_product", id=product)
    orders = await db.fetchval(named.replace("*", "DISTINCT order_id"), product)

    await sync(context, db, owner, "full", *KINDS)

    assert (orders > 0, await db.fetchval(named, product)) == (True, 0)
    marks = "SELECT count(DISTINCT order_id) FROM analytics.order_marks"
    assert await db.fetchval(marks) == orders
    await tell_truth(context, simulator)
    assert await differences(db, owner, tables=ORDER_TABLES) == ""


async def test_webhooks_alone_equal_polling(context, db, owner, simulator):
    """From an empty store: deliveries in reverse and some twice, then what they asked for."""
    await change_much(simulator)
    for kind in TRUTH_TOPICS:
        told = truth_deliveries(owner, kind, await simulator.truth(kind))[::-1]
        for start in range(0, len(told), 100):
            part = told[start : start + 100]
            await apply([*part, *part[:10]], pool=context.pool, bus=context.bus)
    await settle(context)

    await tell_truth(context, simulator)
    assert await differences(db, owner) == ""
    assert await slim(db, owner) == await slim(db, TRUTH)
    before = {table: await rows(db, owner, table) for table in (*TABLES, "customers")}

    await sync(context, db, owner, "incremental", *KINDS)

    assert {table: await rows(db, owner, table) for table in before} == before


async def test_a_missing_scope_fails_its_job_alone(context, db, keys):
    async with simulating("--orders", "5", "--withhold-scope", "read_orders") as simulator:
        owner = await connect_store(db, await simulator.token(), keys)
        ctx = Context(
            pool=context.pool, bus=RecordingBus(), shops=shops_of(context.pool, simulator, keys)
        )
        for kind in ("orders", "products"):
            await ask_for(db, owner, kind, "incremental")
        await run_jobs(ctx)

    found = await db.fetch("SELECT kind, status, error FROM commerce.sync_jobs ORDER BY kind")
    assert [(row["kind"], row["status"]) for row in found] == [
        ("orders", "skipped"),
        ("products", "succeeded"),
    ]
    assert "read_orders" in found[0]["error"]


async def test_a_revoked_token_lets_the_job_wait_and_then_tells_the_gateway(
    context, db, owner, simulator
):
    await simulator.control("shops/tea.myshopify.com/revoke", {})
    await ask_for(db, owner, "products", "incremental")

    for _ in range(3):
        await run_jobs(context)
        await db.execute("UPDATE commerce.sync_jobs SET not_before = now()")

    row = await db.fetchrow("SELECT status, attempts, error FROM commerce.sync_jobs")
    assert (row["status"], row["attempts"]) == ("queued", 3)
    assert "unauthorized" in row["error"]
    assert [event["status"] for event in context.bus.published] == ["reauth_required"]


async def buried(db) -> list[tuple]:
    found = await db.fetch("SELECT kind, id, reason FROM commerce.tombstones")
    return [tuple(row) for row in found]


UNKNOWN = 4573000000009999999
LIMITED = "read_orders,read_products"


async def test_an_object_that_shopify_lacks_twice_is_buried(context, db, owner):
    await save(context, [Refetch(owner=owner, kind="product", key=(UNKNOWN,), reason="edited")])

    await refetch.drain_once(context)
    wish = await db.fetchrow("SELECT reason, not_before > now() AS later FROM commerce.refetches")
    assert (tuple(wish), await buried(db)) == (("gone: refetch", True), [])
    await settle(context)

    assert await buried(db) == [("product", UNKNOWN, "refetch")]
    assert await db.fetchval("SELECT count(*) FROM commerce.refetches") == 0


async def test_an_order_that_shopify_only_hides_is_kept(context, db, owner, simulator, keys):
    """Without read_all_orders Shopify answers null for what is older than sixty days."""
    await sync(context, db, owner, "full", "orders")
    had = await db.fetchval("SELECT count(*) FROM commerce.orders")
    token = await simulator.token_for(LIMITED)
    await use_token(db, owner, token, keys, scope=LIMITED)
    young = await db.fetchval(
        "SELECT count(*) FROM commerce.orders WHERE created_at > now() - interval '59 days'"
    )
    assert 0 < young < had

    await sync(context, db, owner, "full", "orders")
    old = await db.fetchval("SELECT order_id FROM commerce.orders ORDER BY created_at LIMIT 1")
    wish = Refetch(owner=owner, kind="order", key=(old,), reason="refunds/create")
    await save(context, [wish])
    await settle(context)

    assert await buried(db) == []
    assert await db.fetchval("SELECT count(*) FROM commerce.refetches") == 0
    kept = "SELECT count(*) FROM commerce.orders WHERE deleted_at IS NULL"
    assert await db.fetchval(kept) == had


async def test_an_object_buried_by_mistake_comes_back_when_it_is_seen(context, db, owner):
    await sync(context, db, owner, "full", "orders", "products")
    at = context.clock()
    for kind, table in (("order", "orders"), ("product", "products")):
        for reason in ("sweep", "webhook"):
            found = await db.fetchval(
                f"SELECT {kind}_id FROM commerce.{table} WHERE deleted_at IS NULL LIMIT 1"
            )
            gone = Deletion(owner=owner, kind=kind, key=(found,), at=at, reason=reason)
            await save(context, [gone])

    await sync(context, db, owner, "full", "orders", "products")

    assert [reason for _, _, reason in await buried(db)] == ["webhook", "webhook"]
    dead = "SELECT count(*) FROM commerce.{} WHERE deleted_at IS NOT NULL"
    assert await db.fetchval(dead.format("orders")) == 1
    assert await db.fetchval(dead.format("products")) == 1


async def test_a_wish_renewed_while_it_was_answered_stays(context, db, owner):
    """What asked again knows something that the answer may not."""
    await save(context, [Refetch(owner=owner, kind="order", key=(5,), reason="edited")])
    async with context.pool.acquire() as conn:
        (group,) = await refetches.claim(conn, limits=refetch.IDS_PER_QUERY, groups=1)

    await save(context, [Refetch(owner=owner, kind="order", key=(5,), reason="again")])
    async with context.pool.acquire() as conn:
        await refetches.settle(conn, group)

    assert await db.fetchval("SELECT reason FROM commerce.refetches") == "again"


async def test_an_answer_that_another_reader_overtook_is_dropped(context, db, owner):
    """Two replicas read the same order within one second; the older reading commits last."""

    async def claimed() -> refetches.Group:
        await save(context, [Refetch(owner=owner, kind="order", key=(5,), reason="edited")])
        async with context.pool.acquire() as conn:
            (group,) = await refetches.claim(conn, limits=refetch.IDS_PER_QUERY, groups=1)
        return group

    def read(total: str) -> refetch.Answer:
        order = an_order(5, 9, total=total, source="refetch", owner=owner)
        return refetch.Answer(facts=[order], missing=(), at=context.clock())

    older, newer = await claimed(), await claimed()
    await refetch.keep(context, newer, read("2.00"))
    with pytest.raises(refetch.Overtaken):
        await refetch.keep(context, older, read("1.00"))

    assert await db.fetchval("SELECT total_price::int FROM commerce.orders") == 2


async def test_a_shop_gets_the_webhooks_it_lacks_and_loses_those_elsewhere(
    context, db, owner, simulator
):
    old = replace(context, webhook_url="http://127.0.0.1:9/old")
    new = replace(context, webhook_url="http://127.0.0.1:9/new")
    await sync(old, db, owner, "full", "shop")
    assert (await simulator.stats())["shops"][SHOP]["subscriptions"] == len(TOPICS)

    await sync(new, db, owner, "incremental", "shop")

    assert (await simulator.stats())["shops"][SHOP]["subscriptions"] == len(TOPICS)
    rows = await db.fetch("SELECT topic, uri FROM commerce.webhook_subscriptions")
    assert {row["topic"]: row["uri"] for row in rows} == dict.fromkeys(TOPICS, new.webhook_url)
    name = await db.fetchval("SELECT shop_domain FROM commerce.shops")
    assert name == SHOP
