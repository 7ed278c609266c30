"""Collections, discounts, gift cards, payments and metafields against a simulated Shopify."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import orjson
import pytest

from services.syncer.context import Context
from services.syncer.handlers.deliveries import apply
from services.syncer.shops import Access, Shops
from shared.keyring import KeyRing
from shared.shopify.client import Patience
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Owner
from shared.tables import COLUMNS, KEYS, TABLES
from tests.integration.syncer.shopify import (
    Simulator,
    a_webhook,
    ask_for,
    connect_store,
    new_keys,
    simulating,
)
from tests.integration.syncer.test_deliveries import RecordingBus
from tests.integration.syncer.test_order_resources import plain
from tests.integration.syncer.test_sync import run_jobs, settle, sync

DATED = ("collections", "discounts", "gift_cards")
PAYMENTS = ("payouts", "disputes", "balance_transactions")
ARGUMENTS = ("--orders", "80", "--products", "30", "--customers", "60", "--seed", "5")
OURS = frozenset({"tenant_id", "shop_id", "raw", "source"})
METAFIELD_TABLES = {
    "Product": "product_metafields",
    "ProductVariant": "variant_metafields",
    "Customer": "customer_metafields",
    "Order": "order_metafields",
    "Collection": "collection_metafields",
}


@pytest.fixture(scope="module")
def keys() -> KeyRing:
    return new_keys()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulating(*ARGUMENTS, "--plan", "enterprise") as running:
        yield running


@pytest.fixture
async def owner(db, simulator, keys) -> Owner:
    return await connect_store(db, await simulator.token(), keys)


@pytest.fixture
def context(pool, simulator, keys) -> Context:
    return context_of(pool, simulator, keys)


def context_of(pool, simulator: Simulator, keys: KeyRing, *namespaces: str) -> Context:
    access = Access(
        api_version="2026-10",
        base_url=simulator.base_url,
        patience=Patience(attempts=3, delay_seconds=0.05),
        namespaces=namespaces,
    )
    return Context(
        pool=pool,
        bus=RecordingBus(),
        shops=Shops(pool, simulator.session, keys=keys, access=access),
        lag=timedelta(seconds=-5),  # what just happened counts as past
    )


def as_written(value: Any, truth: Any) -> Any:
    return value.isoformat() if type(value) is date else plain(value, truth)


async def stored(db, table: str, parent: str) -> dict[tuple[int, ...], Any]:
    rows = await db.fetch(
        f"SELECT t.* FROM commerce.{table} t JOIN commerce.{parent} p"
        f" USING (tenant_id, shop_id, {KEYS[parent][0]}) WHERE p.deleted_at IS NULL"
    )
    return {tuple(row[name] for name in KEYS[table]): row for row in rows}


async def differences(db, simulator: Simulator, kind: str) -> list[str]:
    """Name what of *kind* and its children is not the truth."""
    table, children = TABLES[RESOURCES[kind].kind]
    truth: dict[str, list[dict[str, Any]]] = {table: []}
    for line in await simulator.truth(kind):
        row = orjson.loads(line)
        for name, below in row.pop("children", {}).items():
            key = KEYS[table][0]
            truth.setdefault(name, []).extend({key: row[key], **one} for one in below)
        truth[table].append(row)
    assert truth.keys() <= {table, *children}
    wrong: list[str] = []
    for name, rows in truth.items():
        wrong += await unlike(db, name, table, rows)
    return wrong[:5]


async def unlike(db, table: str, parent: str, truth: list[dict[str, Any]]) -> list[str]:
    ours = await stored(db, table, parent)
    # Kinds of whose changes Shopify tells no time carry that of their reading.
    told = {"updated_at"} if table in PAYMENTS else set()
    assert truth, table
    assert all(row.keys() | told == set(COLUMNS[table]) - OURS for row in truth), table
    wrong = [] if len(ours) == len(truth) else [f"{table}: {len(ours)} rows of {len(truth)}"]
    for row in truth:
        mine = ours.get(tuple(row[name] for name in KEYS[table]))
        wrong += [
            f"{table}.{name} of {row}: {mine and mine[name]!r}"
            for name in row
            if mine is None or as_written(mine[name], row[name]) != row[name]
        ][:1]
    return wrong


async def busy_day(simulator: Simulator, *, ago: int = 0) -> None:
    when = {"at": int(time.time()) - ago} if ago else {}
    for action in (
        "create_collection",
        "update_collection",
        "create_discount",
        "update_discount",
        "add_discount_code",
        "remove_discount_code",
        "create_gift_card",
        "use_gift_card",
        "disable_gift_card",
        "pay_out",
        "open_dispute",
        "decide_dispute",
    ):
        await simulator.act(action, 3, **when)


@pytest.mark.parametrize("kind", [*DATED, *PAYMENTS])
async def test_a_full_sync_equals_the_truth(context, db, owner, simulator, kind):
    await busy_day(simulator, ago=600)

    await sync(context, db, owner, "full", kind)

    assert await differences(db, simulator, kind) == []


@pytest.mark.parametrize("kind", [*DATED, *PAYMENTS])
async def test_polls_alone_follow_every_change(context, db, owner, simulator, kind):
    await sync(context, db, owner, "full", kind)
    await busy_day(simulator)

    await sync(context, db, owner, "incremental", kind)

    assert await differences(db, simulator, kind) == []


async def deliver(context: Context, owner: Owner, simulator: Simulator, topic: str, **body) -> None:
    for part in await apply([a_webhook(owner, topic, body)], pool=context.pool, bus=context.bus):
        assert [one.error for one in part.arrivals if one.error] == []
    await settle(context)


async def test_webhooks_bring_collections_and_discounts_at_once(context, db, owner, simulator):
    await sync(context, db, owner, "full", "collections", "discounts")
    made = await simulator.act("create_collection")
    (discount,) = await simulator.act("add_discount_code")

    await deliver(context, owner, simulator, "collections/create", id=made[0])
    gid = f"gid://shopify/DiscountCodeNode/{discount}"
    await deliver(context, owner, simulator, "discounts/redeemcode_added", admin_graphql_api_id=gid)

    assert await differences(db, simulator, "collections") == []
    assert await differences(db, simulator, "discounts") == []


@pytest.mark.parametrize("kind", ["collections", "discounts"])
async def test_what_was_deleted_is_gone_by_webhook_and_by_full_sync(
    context, db, owner, simulator, kind
):
    await sync(context, db, owner, "full", kind)
    (told,) = await simulator.act(f"delete_{RESOURCES[kind].kind}", seed=1)
    body = {"id": told, "admin_graphql_api_id": f"gid://shopify/DiscountCodeNode/{told}"}
    await deliver(context, owner, simulator, f"{kind}/delete", **body)
    assert await differences(db, simulator, kind) == []

    await simulator.act(f"delete_{RESOURCES[kind].kind}", seed=2)
    await sync(context, db, owner, "full", kind)

    assert await differences(db, simulator, kind) == []
    reasons = await db.fetch("SELECT reason FROM commerce.tombstones ORDER BY reason")
    assert len(reasons) == 2
    assert reasons[1]["reason"] == "webhook"


async def test_a_deleted_collection_is_found_in_the_events(context, db, owner, simulator):
    await sync(context, db, owner, "full", "collections")
    await simulator.act("delete_collection")

    await sync(context, db, owner, "incremental", "shop", "collections")

    assert await differences(db, simulator, "collections") == []


async def test_membership_by_rule_is_found_by_the_next_full_sync(context, db, owner, simulator):
    """Also when one product comes and one goes, so that not even the count tells."""
    await sync(context, db, owner, "full", "collections")
    tagged = await db.fetch(
        "SELECT m.product_id FROM commerce.collection_products m JOIN commerce.collections c"
        " USING (tenant_id, shop_id, collection_id) WHERE c.title = 'Gifts'"
    )
    everything = await db.fetch(
        "SELECT m.product_id FROM commerce.collection_products m JOIN commerce.collections c"
        " USING (tenant_id, shop_id, collection_id) WHERE c.title = 'Everything'"
    )
    gone = tagged[0]["product_id"]
    come = next(r["product_id"] for r in everything if r not in tagged)
    for product in (gone, come):
        await simulator.act("retag_product", id=product, tag="gift")
    assert await differences(db, simulator, "collections") != []

    await sync(context, db, owner, "full", "collections")

    assert await differences(db, simulator, "collections") == []


async def test_unchanged_payments_are_not_written_again(context, db, owner):
    await sync(context, db, owner, "full", *PAYMENTS)
    before = {kind: await stored(db, kind, kind) for kind in PAYMENTS}

    await sync(context, db, owner, "incremental", *PAYMENTS)

    for kind, rows in before.items():
        assert len(rows) > 5
        assert await stored(db, kind, kind) == rows


async def test_a_full_sync_of_payments_confirms_what_it_meets(context, db, owner):
    """Else each object would be read once more by its id, every day."""
    await sync(context, db, owner, "full", *PAYMENTS)
    for kind in PAYMENTS:
        await db.execute(f"UPDATE commerce.{kind} SET synced_at = now() - interval '1 day'")

    await sync(context, db, owner, "full", *PAYMENTS)

    for kind in PAYMENTS:
        old = f"SELECT count(*) FROM commerce.{kind} WHERE synced_at < now() - interval '1 hour'"
        assert await db.fetchval(old) == 0
        assert (
            await db.fetchval(f"SELECT count(*) FROM commerce.{kind} WHERE source = 'refetch'") == 0
        )


async def test_more_payments_than_one_search_can_page_through_are_read_by_their_ids(
    context, db, owner, simulator
):
    shallow = replace(context, search_depth=100)

    await sync(shallow, db, owner, "full", "balance_transactions")

    assert await db.fetchval("SELECT count(*) FROM commerce.balance_transactions") > 200
    assert await differences(db, simulator, "balance_transactions") == []


async def test_a_dispute_comes_by_webhook_and_late_news_of_it_change_nothing(
    context, db, owner, simulator
):
    body = {
        "id": 77,
        "type": "chargeback",
        "amount": "11.50",
        "currency": "USD",
        "status": "won",
        "initiated_at": "2026-03-28T20:00:00-04:00",
    }
    news = [
        a_webhook(owner, "disputes/update", body, triggered_at="2026-11-02T00:00:00Z"),
        a_webhook(
            owner,
            "disputes/update",
            body | {"status": "under_review"},
            triggered_at="2026-11-01T00:00:00Z",
        ),
    ]
    for one in news:
        await apply([one], pool=context.pool, bus=context.bus)

    assert await db.fetchval("SELECT status FROM commerce.disputes") == "won"


async def test_a_shop_without_payments_has_empty_tables(db, pool, keys):
    async with simulating(*ARGUMENTS) as simulator:
        shop = {"domain": "poor.myshopify.com", "payments": False, "orders": 5}
        await simulator.control("shops", shop)
        owner = await connect_store(db, await simulator.token(), keys)
        await db.execute("UPDATE accounts.stores SET shop_domain = 'poor.myshopify.com'")
        token = await token_of(simulator, "poor.myshopify.com")
        sealed = keys.seal(
            token, tenant_id=owner.tenant_id, shop_id=owner.shop_id, purpose="access_token"
        )
        await db.execute("UPDATE accounts.credentials SET access_token_enc = $1", sealed)
        for kind in PAYMENTS:
            await ask_for(db, owner, kind, "full")

        await run_jobs(context_of(pool, simulator, keys))

    states = {row["status"] for row in await db.fetch("SELECT status FROM commerce.sync_jobs")}
    assert states <= {"succeeded", "skipped"}
    for kind in PAYMENTS:
        assert await db.fetchval(f"SELECT count(*) FROM commerce.{kind}") == 0


async def token_of(simulator: Simulator, shop: str) -> str:
    url = simulator.base_url.format(shop=shop) + "/admin/oauth/access_token"
    form = {
        "client_id": "test-app",
        "client_secret": "test-secret",
        "grant_type": "client_credentials",
    }
    async with simulator.session.post(url, data=form) as answer:
        return str((await answer.json())["access_token"])


async def metafields_differ(db, simulator: Simulator, namespaces: set[str]) -> list[str]:
    truth: dict[str, list[dict[str, Any]]] = {table: [] for table in METAFIELD_TABLES.values()}
    for line in await simulator.truth("metafields"):
        row = orjson.loads(line)
        table = METAFIELD_TABLES[row.pop("owner")]
        if row["namespace"] in namespaces:
            truth[table].append(row)
    wrong: list[str] = []
    for table, rows in truth.items():
        parent = next(own for own, children in TABLES.values() if table in children)
        wrong += await unlike(db, table, parent, rows)
    return wrong[:5]


KINDS = ("products", "customers", "orders", "collections")


async def test_metafields_of_chosen_namespaces_follow_every_change(
    pool, db, owner, simulator, keys
):
    """Chosen late, so that every object is stored already and none of them has changed."""
    await sync(context_of(pool, simulator, keys), db, owner, "full", *KINDS)
    count = "SELECT count(*) FROM commerce.product_metafields"
    assert await db.fetchval(count) == 0
    context = context_of(pool, simulator, keys, "custom", "specs")

    await sync(context, db, owner, "full", *KINDS)

    assert await metafields_differ(db, simulator, {"custom", "specs"}) == []
    for seed, kind in enumerate(METAFIELD_TABLES):
        for value in ("changed", ""):
            key = {"Order": "gift_note", "Customer": "level"}.get(kind, "material")
            await simulator.act(
                "set_metafield", 3, owner=kind, key=key, value=value, seed=seed + len(value)
            )

    await sync(context, db, owner, "incremental", *KINDS)

    assert await metafields_differ(db, simulator, {"custom", "specs"}) == []


async def test_without_namespaces_stored_metafields_are_left_alone(
    pool, db, owner, simulator, keys
):
    await sync(context_of(pool, simulator, keys, "custom"), db, owner, "full", "products")
    had = await db.fetchval("SELECT count(*) FROM commerce.product_metafields")
    await simulator.act("update_product", 10)

    await sync(context_of(pool, simulator, keys), db, owner, "incremental", "products")

    assert had > 10
    assert await db.fetchval("SELECT count(*) FROM commerce.product_metafields") == had


async def test_subscriptions_ask_for_the_chosen_metafields(pool, db, owner, simulator, keys):
    def subscribing(*namespaces: str) -> Context:

        context = context_of(pool, simulator, keys, *namespaces)
        return replace(context, webhook_url="http://127.0.0.1:9/hooks")

    async def carried() -> dict[str, list[str]]:
        client = await subscribing().shops.client(owner)
        query = "{ webhookSubscriptions(first: 250) { nodes { topic metafieldNamespaces } } }"
        nodes = orjson.loads(await client.execute(query))["webhookSubscriptions"]["nodes"]
        return {one["topic"]: one["metafieldNamespaces"] for one in nodes}

    await sync(subscribing(), db, owner, "incremental", "shop")
    before = await carried()
    await sync(subscribing("custom"), db, owner, "incremental", "shop")
    after = await carried()

    assert before.keys() == after.keys()
    assert not any(before.values())
    assert {topic for topic, names in after.items() if names} == {
        f"{kind}_{event}"
        for kind, events in {
            "PRODUCTS": ("CREATE", "UPDATE"),
            "CUSTOMERS": ("CREATE", "UPDATE"),
            "ORDERS": ("CREATE", "UPDATED"),
        }.items()
        for event in events
    }


async def test_a_merge_moves_orders_and_buries_one_customer(context, db, owner, simulator):
    await sync(context, db, owner, "full", "customers", "orders")
    pair = await db.fetch(
        "SELECT customer_id FROM commerce.orders WHERE customer_id IS NOT NULL"
        " GROUP BY 1 ORDER BY count(*) DESC LIMIT 2"
    )
    gone, kept = (row["customer_id"] for row in pair)
    orders = "SELECT count(*) FROM commerce.orders WHERE customer_id = $1"
    both = await db.fetchval(orders, gone) + await db.fetchval(orders, kept)
    assert await db.fetchval(orders, gone) > 0
    await simulator.act("merge_customers", id=gone, into=kept)

    await deliver(
        context,
        owner,
        simulator,
        "customers/merge",
        admin_graphql_api_customer_kept_id=f"gid://shopify/Customer/{kept}",
        admin_graphql_api_customer_deleted_id=f"gid://shopify/Customer/{gone}",
        status="completed",
    )

    assert (await db.fetchval(orders, gone), await db.fetchval(orders, kept)) == (0, both)
    merge = await db.fetchrow("SELECT customer_id, merged_into FROM commerce.customer_merges")
    assert tuple(merge) == (gone, kept)
    grave = await db.fetchrow("SELECT kind, id, reason FROM commerce.tombstones")
    assert tuple(grave) == ("customer", gone, "merged")
    dead = "SELECT customer_id FROM commerce.customers WHERE deleted_at IS NOT NULL"
    assert [row["customer_id"] for row in await db.fetch(dead)] == [gone]
    marks = "SELECT count(DISTINCT order_id) FROM analytics.order_marks"
    assert await db.fetchval(marks) >= both


async def test_a_merged_customer_stays_buried_whatever_comes_late(context, db, owner, simulator):
    await sync(context, db, owner, "full", "customers")
    gone, kept = [
        row["customer_id"]
        for row in await db.fetch("SELECT customer_id FROM commerce.customers ORDER BY 1 LIMIT 2")
    ]
    late = next(
        one for one in await simulator.truth("customers") if orjson.loads(one)["id"] == gone
    )
    await deliver(
        context,
        owner,
        simulator,
        "customers/merge",
        admin_graphql_api_customer_kept_id=f"gid://shopify/Customer/{kept}",
        admin_graphql_api_customer_deleted_id=f"gid://shopify/Customer/{gone}",
    )

    body = orjson.loads(late) | {"updated_at": "2030-01-01T00:00:00Z", "note": str(uuid.uuid4())}
    await deliver(context, owner, simulator, "customers/update", **body)

    alive = "SELECT count(*) FROM commerce.customers WHERE customer_id = $1 AND deleted_at IS NULL"
    assert await db.fetchval(alive, gone) == 0
