"""What a shop lets us read decides what is synced; the shop itself is followed when it moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from services.syncer import metrics, refetch, shop
from services.syncer.context import Context, save
from services.syncer.domain.subscriptions import wanted
from services.syncer.handlers import jobs as handler
from services.syncer.handlers.deliveries import apply
from services.syncer.store import capabilities, jobs, stalls
from shared.keyring import KeyRing
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Owner, Refetch
from shared.tables import TABLES
from tests.integration.syncer.shopify import (
    SHOP,
    Simulator,
    a_webhook,
    ask_for,
    connect_store,
    new_keys,
    shops_of,
    simulating,
    use_token,
)
from tests.integration.syncer.test_deliveries import RecordingBus

MEMBERS = (
    "SELECT m.collection_id, m.product_id, m.position FROM commerce.collection_products m"
    " JOIN commerce.collections c USING (tenant_id, shop_id, collection_id)"
    " WHERE c.rules IS NOT NULL ORDER BY 1, 2"
)
FEW = "read_orders,read_products,read_locations"
SCHEDULED = ("shop", "orders", "products", "customers", "draft_orders")


@pytest.fixture(scope="module")
def keys() -> KeyRing:
    return new_keys()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulating("--orders", "30", "--products", "8", "--plan", "plus") as running:
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
        lag=timedelta(seconds=-5),
    )


async def run(context: Context, db, owner: Owner, mode: str, *kinds: str) -> None:
    for kind in kinds:
        await ask_for(db, owner, kind, mode)
    while True:
        async with context.pool.acquire() as conn:
            job = await jobs.claim(conn)
        if job is None:
            return
        await handler.run(context, job)


async def queued(context: Context, db) -> list[str]:
    """Let the clock schedule full syncs; return what it queued."""
    async with context.pool.acquire() as conn:
        await jobs.schedule_full(conn, SCHEDULED, 86400)
    found = await db.fetch("SELECT kind FROM commerce.sync_jobs WHERE status = 'queued'")
    return sorted(row["kind"] for row in found)


async def capability(db, resource: str):
    return await db.fetchrow("SELECT * FROM commerce.capabilities WHERE resource = $1", resource)


async def test_a_missing_scope_degrades_its_resource_until_it_is_granted(
    context, db, owner, simulator, keys
):
    """Pain 20: the rest is synced, the reason is visible, and nobody has to press a button."""
    await use_token(db, owner, await simulator.token_for(FEW), keys, scope=FEW)
    await run(context, db, owner, "full", "shop", "products", "customers")

    found = await db.fetch("SELECT kind, status, error FROM commerce.sync_jobs ORDER BY kind")
    assert [tuple(row) for row in found] == [
        ("customers", "skipped", "the app lacks read_customers"),
        ("products", "succeeded", None),
        ("shop", "succeeded", None),
    ]
    lacking = await capability(db, "customers")
    assert (lacking["state"], lacking["missing_scopes"]) == ("missing_scope", ["read_customers"])
    assert await queued(context, db) == ["orders"]  # never synced, and allowed

    await use_token(db, owner, await simulator.token(), keys, scope="read_customers")
    told = a_webhook(owner, "app/scopes_update", {"id": 1})
    await apply([told], pool=context.pool, bus=context.bus)
    await run(context, db, owner, "incremental")

    assert (await capability(db, "customers"))["state"] == "available"
    assert await queued(context, db) == ["customers", "draft_orders"]


async def test_a_refusal_in_the_middle_is_remembered(context, db, owner, simulator, keys):
    """Scopes may be taken away between two probes."""
    await run(context, db, owner, "full", "shop")
    await use_token(db, owner, await simulator.token_for(FEW), keys, scope=FEW)

    await run(context, db, owner, "incremental", "customers")

    assert await db.fetchval("SELECT status FROM commerce.sync_jobs WHERE kind = 'customers'") == (
        "skipped"
    )
    assert (await capability(db, "customers"))["missing_scopes"] == ["read_customers"]


async def test_what_fails_is_told_until_it_works(context, db, owner):
    """A probe every hour asks whether it would be allowed, not whether it works."""
    await run(context, db, owner, "full", "shop")
    async with context.pool.acquire() as conn:
        await capabilities.note(conn, owner, "products", state="failing", reason="gave up")

    await run(context, db, owner, "incremental", "shop")
    told = await capability(db, "products")
    assert (told["state"], told["reason"]) == ("failing", "gave up")

    await run(context, db, owner, "full", "products")
    told = await capability(db, "products")
    assert (told["state"], told["reason"]) == ("available", None)


async def test_a_refusal_does_not_move_what_is_complete_since(context, db, owner, simulator, keys):
    await use_token(db, owner, await simulator.token_for(FEW), keys, scope=FEW)
    await run(context, db, owner, "full", "shop")
    moved = "UPDATE commerce.capabilities SET complete_since = complete_since - interval '90 days'"
    await db.execute(moved)
    since = (await capability(db, "orders"))["complete_since"]
    none = "read_products"
    await use_token(db, owner, await simulator.token_for(none), keys, scope=none)

    await run(context, db, owner, "incremental", "shop")
    await use_token(db, owner, await simulator.token_for(FEW), keys, scope=FEW)
    await run(context, db, owner, "incremental", "shop")

    told = await capability(db, "orders")
    assert (told["state"], told["complete_since"]) == ("available", since)


async def test_withheld_orders_say_nothing_of_how_far_back_the_others_are_shown(
    context, db, owner, simulator, keys
):
    await use_token(db, owner, await simulator.token_for(FEW), keys, scope=FEW)
    await run(context, db, owner, "full", "shop")
    since = (await capability(db, "orders"))["complete_since"]
    fault = {"admin": {"partial_denied": 1.0, "denied_fields": ["orders"]}}
    await simulator.control("faults", fault)

    await run(context, db, owner, "incremental", "orders")

    told = await capability(db, "orders")
    assert (told["state"], told["complete_since"]) == ("protected", since)
    assert since is not None


async def test_older_orders_are_copied_as_soon_as_they_may_be_read(
    context, db, owner, simulator, keys
):
    """Coverage then says that everything is there; the daily full sync may be hours away."""
    await use_token(db, owner, await simulator.token_for(FEW), keys, scope=FEW)
    await run(context, db, owner, "full", "shop", "orders")
    before = await db.fetchval("SELECT count(*) FROM commerce.orders")
    await use_token(db, owner, await simulator.token(), keys, scope="read_all_orders")

    await run(context, db, owner, "incremental", "shop")

    assert (await capability(db, "orders"))["complete_since"] is None
    assert before < 30 == await db.fetchval("SELECT count(*) FROM commerce.orders")
    await run(context, db, owner, "incremental", "shop")
    full = "SELECT count(*) FROM commerce.sync_jobs WHERE kind = 'orders' AND mode = 'full'"
    assert await db.fetchval(full) == 2  # not once more with every probe


async def test_what_shopify_began_to_hide_is_not_taken_for_deleted(
    context, db, owner, simulator, keys
):
    """The credential still names read_all_orders; only the probe knows that it was taken away."""
    await run(context, db, owner, "full", "shop", "orders")
    await use_token(db, owner, await simulator.token_for(FEW), keys, scope="read_all_orders")
    await run(context, db, owner, "incremental", "shop")

    await run(context, db, owner, "full", "orders")
    for _ in range(3):
        await db.execute("UPDATE commerce.refetches SET not_before = now()")
        await refetch.drain_once(context)

    assert await db.fetchval("SELECT count(*) FROM commerce.tombstones") == 0


async def test_a_location_that_vanished_is_buried_but_not_one_that_is_only_unlisted(
    context, db, owner
):
    """Its webhook was lost, and Shopify's events do not tell of locations."""
    await run(context, db, owner, "full", "shop")
    listed = await db.fetchval("SELECT count(*) FROM commerce.locations")
    least = "SELECT min(location_id) FROM commerce.locations"
    await db.execute(
        f"UPDATE commerce.locations SET location_id = 77 WHERE location_id = ({least})"
    )
    there = await db.fetchval(f"{least} WHERE location_id > 77")
    unlisted = Refetch(owner=owner, kind="location", key=(there,), reason="unlisted")
    await save(context, [unlisted])

    await run(context, db, owner, "incremental", "shop")
    assert await refetch.drain_once(context) == 2
    assert await db.fetchval("SELECT count(*) FROM commerce.tombstones") == 0
    await db.execute("UPDATE commerce.refetches SET not_before = now()")
    assert await refetch.drain_once(context) == 1

    found = await db.fetch("SELECT kind, id, reason FROM commerce.tombstones")
    assert [tuple(row) for row in found] == [("location", 77, "refetch")]
    left = "SELECT count(*) FROM commerce.locations WHERE deleted_at IS NULL"
    assert await db.fetchval(left) == listed


async def test_sixty_days_of_orders_are_told_as_coverage(context, db, owner, simulator, keys):
    await use_token(db, owner, await simulator.token_for(FEW), keys, scope=FEW)
    await run(context, db, owner, "full", "shop", "orders")

    row = await db.fetchrow(
        "SELECT *, now() - complete_since AS reach FROM commerce.coverage WHERE resource = 'orders'"
    )
    held = await db.fetchrow(
        "SELECT count(*) AS rows, min(created_at) AS oldest FROM commerce.orders"
    )
    assert (row["rows"], row["oldest"]) == tuple(held)
    assert timedelta(days=59) < row["reach"] < timedelta(days=61)
    assert "60 days" in row["reason"]
    assert row["cursor"] is not None


async def test_a_store_may_choose_its_topics(context, db, owner, simulator):
    addressed = replace(context, webhook_url="http://127.0.0.1:9/hooks")
    await run(addressed, db, owner, "full", "shop")
    await db.execute("UPDATE accounts.stores SET topics = '{orders/updated}'")

    await run(addressed, db, owner, "incremental", "shop")

    held = {row["topic"] for row in await db.fetch("SELECT * FROM commerce.webhook_subscriptions")}
    assert held == set(wanted({"read_orders"}, ["orders/updated"]))
    assert (await simulator.stats())["shops"][SHOP]["subscriptions"] == len(held) == 5


async def test_subscriptions_that_shopify_refuses_are_counted_each_time(
    context, db, owner, simulator
):
    before = subscriptions_counted()
    addressed = replace(context, webhook_url=f"https://{SHOP}/hooks")

    await run(addressed, db, owner, "full", "shop")
    await run(addressed, db, owner, "incremental", "shop")

    counted = subscriptions_counted()
    assert counted["refused"] - before["refused"] >= 2 * len(wanted((), None))
    assert counted["created"] == before["created"]


async def test_subscriptions_that_are_made_are_counted(context, db, owner, simulator):
    before = subscriptions_counted()
    addressed = replace(context, webhook_url="http://127.0.0.1:9/hooks")

    await run(addressed, db, owner, "full", "shop")

    counted = subscriptions_counted()
    held = await db.fetchval("SELECT count(*) FROM commerce.webhook_subscriptions")
    assert counted == before | {"created": before["created"] + held}


def subscriptions_counted() -> dict[str, float]:
    (family,) = metrics.SUBSCRIPTIONS_TOTAL.collect()
    return {s.labels["outcome"]: s.value for s in family.samples if s.name.endswith("_total")}


async def test_a_renamed_shop_is_told_to_the_gateway(context, db, owner, simulator):
    await db.execute(
        "UPDATE accounts.stores SET shopify_shop_id = $1", await shop_number(context, owner)
    )
    await simulator.act("rename", domain="coffee.myshopify.com")

    await run(context, db, owner, "incremental", "shop")

    (event,) = context.bus.published
    assert (event["kind"], event["shop_domain"]) == ("store.renamed", "coffee.myshopify.com")
    assert event["shop_id"] == owner.shop_id


async def test_another_shop_at_our_domain_is_not_followed(context, db, owner, simulator):
    """A domain that its shop gave up may belong to somebody else now."""
    await db.execute("UPDATE accounts.stores SET shopify_shop_id = 1")
    await simulator.act("rename", domain="coffee.myshopify.com")

    await run(context, db, owner, "incremental", "shop")

    assert context.bus.published == []


async def shop_number(context: Context, owner: Owner) -> int:
    facts, _ = await shop._read(await context.shops.client(owner), owner)
    return facts.shopify_shop_id


async def test_a_deletion_that_no_webhook_told_is_read_from_the_events(
    context, db, owner, simulator
):
    """Pain 3: a poll sees what changed, never what is gone."""
    await run(context, db, owner, "incremental", "products")
    (gone,) = await simulator.act("delete_product")

    await run(context, db, owner, "incremental", "products")

    found = await db.fetch("SELECT kind, id, reason FROM commerce.tombstones")
    assert [tuple(row) for row in found] == [("product", gone, "events")]
    left = "SELECT count(*) FROM commerce.products WHERE deleted_at IS NULL"
    assert await db.fetchval(left) == 7


async def test_a_changed_orders_ledger_is_wished_for_once(context, db, owner, simulator):
    await run(context, db, owner, "full", "shop")
    bodies = [
        a_webhook(owner, "orders/updated", body)
        for body in (await simulator.truth("orders"))[:2] * 2
    ]
    await apply(bodies, pool=context.pool, bus=context.bus)

    wishes = "SELECT kind, reason FROM commerce.refetches WHERE kind = 'order_details'"
    found = [tuple(row) for row in await db.fetch(wishes)]
    assert found == [("order_details", "follows")] * 2


async def test_pending_payments_are_read_again_with_every_poll(context, db, owner):
    await run(context, db, owner, "incremental", "orders")
    await db.execute("DELETE FROM commerce.refetches")
    pending, old = await db.fetch(
        "UPDATE commerce.transactions"
        " SET status = 'pending', created_at = now() - interval '31 days'"
        " WHERE (order_id, transaction_id) IN (SELECT min(order_id), min(transaction_id)"
        " FROM commerce.transactions GROUP BY order_id LIMIT 2) RETURNING order_id"
    )
    await db.execute(
        "UPDATE commerce.transactions SET created_at = now() WHERE order_id = $1", pending[0]
    )

    await run(context, db, owner, "incremental", "orders")

    wishes = await db.fetch("SELECT id FROM commerce.refetches WHERE reason = 'follows'")
    assert [row["id"] for row in wishes] == [pending[0]]
    assert old[0] != pending[0]


@pytest.mark.parametrize(
    ("topic", "heard", "noticed"),
    [
        ("PRODUCTS_UPDATE", False, True),
        ("PRODUCTS_UPDATE", True, False),
        ("ORDERS_UPDATED", False, False),  # nobody wanted to be told of products
    ],
)
async def test_a_shop_that_fell_silent_is_noticed(
    context, db, owner, simulator, topic, heard, noticed
):
    await run(context, db, owner, "incremental", "products")
    await db.execute(
        "INSERT INTO commerce.webhook_subscriptions (tenant_id, shop_id, topic, gid, uri)"
        " VALUES ($1, $2, $3, 'gid', 'uri')",
        owner.tenant_id,
        owner.shop_id,
        topic,
    )

    async def silent() -> list[int]:
        async with context.pool.acquire() as conn:
            return await stalls.silent_shops(conn)

    assert await silent() == []  # the first poll finds everything, which says nothing
    await simulator.act("update_product")
    if heard:
        told = a_webhook(owner, "products/update", (await simulator.truth("products"))[0])
        await apply([told], pool=context.pool, bus=context.bus)
        await db.execute("UPDATE commerce.webhook_events SET received_at = now()")

    await run(context, db, owner, "incremental", "products")

    assert await silent() == ([owner.shop_id] if noticed else [])


async def test_withheld_customer_data_is_stored_as_null_and_told(context, db, owner, simulator):
    """Shopify answers with data and errors; a sync that dies of it never gets anything."""
    await run(context, db, owner, "full", "shop")
    fault = {"admin": {"partial_denied": 1.0, "denied_fields": ["customer"]}}
    await simulator.control("faults", fault)

    await run(context, db, owner, "incremental", "orders")

    held = await db.fetchrow(
        "SELECT count(*) AS orders, count(customer_id) AS known FROM commerce.orders"
    )
    assert tuple(held) == (30, 0)
    row = await capability(db, "orders")
    assert (row["state"], "customer" in row["reason"]) == ("protected", True)
    assert await db.fetchval("SELECT bool_and(status = 'succeeded') FROM commerce.sync_jobs")


async def test_what_is_withheld_whole_is_neither_stored_nor_buried(context, db, owner, simulator):
    await run(context, db, owner, "full", "shop", "customers")
    had = await db.fetchval("SELECT count(*) FROM commerce.customers WHERE deleted_at IS NULL")
    fault = {"admin": {"partial_denied": 1.0, "denied_fields": ["customers", "nodes", "node"]}}
    await simulator.control("faults", fault)

    await run(context, db, owner, "incremental", "customers")

    status = "SELECT status FROM commerce.sync_jobs WHERE kind = 'customers' AND mode = $1"
    assert await db.fetchval(status, "incremental") == "skipped"
    left = await db.fetchval("SELECT count(*) FROM commerce.customers WHERE deleted_at IS NULL")
    assert (left, (await capability(db, "customers"))["state"]) == (had, "protected")


async def test_every_resource_is_polled_and_then_kept(context, db, owner, simulator):
    """All four ways of polling: each finds everything first, then nothing new is lost."""
    await run(context, db, owner, "full", "shop")
    tables = {name: TABLES[one.kind][0] for name, one in RESOURCES.items()}

    async def held() -> dict[str, int]:
        return {
            name: await db.fetchval(f"SELECT count(*) FROM commerce.{table}")
            for name, table in tables.items()
        }

    await run(context, db, owner, "incremental", *RESOURCES)
    first = await held()
    await run(context, db, owner, "incremental", *RESOURCES)

    unlike = await db.fetch(
        "SELECT kind, status, error FROM commerce.sync_jobs WHERE status <> 'succeeded'"
    )
    assert [tuple(row) for row in unlike] == []
    assert await held() == first
    assert {name for name, count in first.items() if count == 0} == set()
    moved = await db.fetch("SELECT kind FROM commerce.sync_state WHERE cursor_updated_at IS NULL")
    assert [row["kind"] for row in moved] == []


async def test_members_of_collections_by_rule_are_read_again_after_a_full_sync(
    context, db, owner, simulator
):
    """Pain 13: they change when a product does, and the collection's updated_at stays."""
    await run(context, db, owner, "full", "shop", "collections")

    had = await db.fetch(MEMBERS)
    assert had
    await db.execute("DELETE FROM commerce.collection_products WHERE position = 1")
    await db.execute("UPDATE commerce.collection_products SET product_id = -product_id")
    await run(context, db, owner, "full", "collections")

    while await refetch.drain_once(context):
        pass

    assert await db.fetch(MEMBERS) == had
