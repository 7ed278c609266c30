"""A verification names exactly what is damaged, repairs it, and is calm while the shop is live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from services.syncer import drift, looking
from services.syncer import verify as verification
from services.syncer.context import Context
from services.syncer.handlers import jobs as handler
from services.syncer.store import jobs
from services.syncer.store.privacy_redacting import redact
from shared.errors import Rejected, Unavailable
from shared.keyring import KeyRing
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Owner
from tests.integration.syncer.shopify import (
    KINDS,
    Simulator,
    ask_for,
    connect_store,
    new_keys,
    shops_of,
    simulating,
)
from tests.integration.syncer.test_deliveries import RecordingBus
from tests.integration.syncer.test_sync import run_jobs

COMPARED = ("orders", "products", "customers", "inventory")


@pytest.fixture(scope="module")
def keys() -> KeyRing:
    return new_keys()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    arguments = ("--orders", "60", "--products", "12", "--customers", "40", "--seed", "5")
    async with simulating(*arguments, "--plan", "plus") as running:
        yield running


@pytest.fixture
async def owner(db, simulator, keys) -> Owner:
    return await connect_store(db, await simulator.token(), keys)


@pytest.fixture
def context(pool, simulator, keys, monkeypatch) -> Context:
    monkeypatch.setattr(looking, "GRACE_SECONDS", 0.2)
    return Context(
        pool=pool,
        bus=RecordingBus(),
        shops=shops_of(pool, simulator, keys),
        lag=timedelta(seconds=0),
        roots_per_window=20,
    )


@pytest.fixture
async def copied(context, db, owner) -> Owner:
    """A store whose copy is complete."""
    for kind in KINDS:
        await ask_for(db, owner, kind, "full")
    await run_jobs(context)
    assert await db.fetch("SELECT kind, error FROM commerce.sync_jobs WHERE error <> ''") == []
    return owner


async def verified(
    context: Context, db, owner: Owner, kind: str, *, repair: bool = False, mode: str = "verify"
) -> dict[int, tuple[str, list[str], bool]]:
    """Run a verification; return id -> (what, columns, was repaired) of its differences."""
    job_id = await ask_for(db, owner, kind, mode)
    await db.execute("UPDATE commerce.sync_jobs SET repair = $2 WHERE job_id = $1", job_id, repair)
    await run_only(context)
    ended = await db.fetchrow(
        "SELECT status, error FROM commerce.sync_jobs WHERE job_id = $1", job_id
    )
    assert tuple(ended) == ("succeeded", None)
    rows = await db.fetch(
        "SELECT id, what, columns, repaired_at FROM commerce.verification_differences"
        " WHERE job_id = $1",
        job_id,
    )
    return {r["id"]: (r["what"], r["columns"], r["repaired_at"] is not None) for r in rows}


async def run_only(context: Context) -> None:
    """Run the jobs that are due, and nothing else that could repair something."""
    while True:
        async with context.pool.acquire() as conn:
            job = await jobs.claim(conn)
        if job is None:
            return
        await handler.run(context, job)


async def last_run(db) -> dict[str, object]:
    row = await db.fetchrow("SELECT * FROM commerce.verifications ORDER BY started_at DESC LIMIT 1")
    return dict(row)


async def ids_of(db, table: str, column: str) -> list[int]:
    return [r[0] for r in await db.fetch(f"SELECT {column} FROM commerce.{table} ORDER BY 1")]


async def damage_orders(db, owner: Owner) -> dict[int, tuple[str, list[str]]]:
    """Spoil one order in each way; return what a verification must say."""
    gone, changed, childless, fat, buried, stale, ahead = (await ids_of(db, "orders", "order_id"))[
        3:10
    ]
    for table in ("order_lines", "orders"):
        await db.execute(f"DELETE FROM commerce.{table} WHERE order_id = $1", gone)
    await db.execute("UPDATE commerce.orders SET total_price = 1 WHERE order_id = $1", changed)
    line = await db.fetchval(
        "DELETE FROM commerce.order_lines WHERE order_id = $1 AND position = 1 RETURNING line_id",
        childless,
    )
    await db.execute(
        "INSERT INTO commerce.transactions (tenant_id, shop_id, order_id, transaction_id, kind,"
        " status, amount, currency, test, created_at)"
        " VALUES ($1, $2, $3, 77, 'sale', 'success', 5, 'GBP', false, now())",
        owner.tenant_id,
        owner.shop_id,
        fat,
    )
    await db.execute("UPDATE commerce.orders SET deleted_at = now() WHERE order_id = $1", buried)
    await db.execute(
        "INSERT INTO commerce.tombstones VALUES ($1, $2, 'order', $3, 'webhook', now())",
        owner.tenant_id,
        owner.shop_id,
        buried,
    )
    await db.execute(
        "UPDATE commerce.orders SET note = 'old', updated_at = updated_at - interval '1 day'"
        " WHERE order_id = $1",
        stale,
    )
    await db.execute(
        "UPDATE commerce.orders SET tags = '{ours}', updated_at = '2099-01-01' WHERE order_id = $1",
        ahead,
    )
    await db.execute(
        "INSERT INTO commerce.orders SELECT (jsonb_populate_record(o, '{\"order_id\": 4711}')).*"
        " FROM commerce.orders o WHERE order_id = $1",
        changed,
    )
    return {
        gone: ("missing_here", []),
        changed: ("differs", ["orders.total_price"]),
        childless: ("differs", [f"order_lines[{line}]"]),
        fat: ("differs", ["transactions[77]"]),
        buried: ("deleted_here", []),
        stale: ("differs", ["orders.note", "orders.updated_at"]),
        ahead: ("differs", ["orders.tags", "orders.updated_at"]),
        4711: ("missing_there", []),
    }


async def test_a_whole_copy_has_no_differences(context, db, copied):
    for kind in COMPARED:
        assert await verified(context, db, copied, kind) == {}
        run = await last_run(db)
        assert run["ours"] == run["theirs"] == run["compared"]
        assert run["ours"] >= 12
        assert (run["differences"], run["pending"], run["finished_at"] is None) == (0, 0, False)
    assert await db.fetchval("SELECT count(*) FROM commerce.verification_seen") == 0


async def test_what_was_redacted_is_no_difference(context, db, copied):
    customer, order = 5, 9
    customer_id = (await ids_of(db, "customers", "customer_id"))[customer]
    order_id = (await ids_of(db, "orders", "order_id"))[order]
    async with context.pool.acquire() as conn, conn.transaction():
        await conn.execute(
            "INSERT INTO commerce.redactions SELECT $1, $2, kind, id FROM (VALUES"
            " ('customer', $3::bigint), ('order', $4::bigint)) AS r (kind, id)",
            *(copied.tenant_id, copied.shop_id, customer_id, order_id),
        )
        await redact(conn, copied, customers=[customer_id], orders=[order_id])

    for kind in ("customers", "orders"):
        assert await verified(context, db, copied, kind) == {}


async def test_each_damage_is_named_and_nothing_else(context, db, copied):
    expected = await damage_orders(db, copied)

    found = await verified(context, db, copied, "orders")

    assert found == {key: (*said, False) for key, said in expected.items()}
    run = await last_run(db)
    assert (run["ours"], run["theirs"]) == (59, 60)
    assert (run["differences"], run["repaired"]) == (8, 0)
    kept = await db.fetchrow(
        "SELECT details, ours_hash, theirs_hash FROM commerce.verification_differences"
        " WHERE columns = '{orders.total_price}'"
    )
    assert '"ours": "1.0000"' in kept["details"]
    assert kept["ours_hash"] != kept["theirs_hash"]


async def test_a_repair_makes_the_copy_whole_again(context, db, copied, contents):
    tables = ("orders", "order_lines", "transactions", "refund_lines", "fulfillments")
    await verified(context, db, copied, "orders", repair=True)
    whole = await contents(*tables)
    expected = await damage_orders(db, copied)

    found = await verified(context, db, copied, "orders", repair=True)

    assert found == {key: (*said, True) for key, said in expected.items()}
    assert (await last_run(db))["repaired"] == 8
    assert await verified(context, db, copied, "orders") == {}
    alive = "SELECT order_id FROM commerce.orders WHERE deleted_at IS NULL"
    assert {r[0] for r in await db.fetch(alive)} == {row[2] for row in whole["orders"]}
    for table in tables[1:]:
        assert (await contents(table))[table] == whole[table]


async def test_damaged_stock_products_and_customers_are_named_and_repaired(context, db, copied):
    item, other, third = (await ids_of(db, "inventory_items", "inventory_item_id"))[:3]
    place = await db.fetchval("SELECT min(location_id) FROM commerce.inventory_levels")
    at = "WHERE inventory_item_id = $1 AND location_id = $2"
    await db.execute(f"UPDATE commerce.inventory_levels SET available = -5 {at}", item, place)
    await db.execute(f"DELETE FROM commerce.inventory_levels {at}", other, place)
    await db.execute(
        "INSERT INTO commerce.inventory_levels (tenant_id, shop_id, inventory_item_id,"
        " location_id, available, active, updated_at, source)"
        " VALUES ($1, $2, $3, 77, 9, true, now(), 'webhook')",
        copied.tenant_id,
        copied.shop_id,
        third,
    )
    product = await db.fetchval("SELECT min(product_id) FROM commerce.products")
    variant = await db.fetchval(
        "UPDATE commerce.variants SET price = 0.01 WHERE variant_id ="
        " (SELECT min(variant_id) FROM commerce.variants WHERE product_id = $1)"
        " RETURNING variant_id",
        product,
    )
    # What moves without its product is told by the levels.
    await db.execute("UPDATE commerce.variants SET inventory_quantity = 12345")
    customer = await db.fetchval("SELECT min(customer_id) FROM commerce.customers")
    await db.execute(
        "UPDATE commerce.customers SET email = 'x@y.z' WHERE customer_id = $1", customer
    )
    expected = {
        "inventory": {
            item: ("differs", [f"inventory_levels[{place}].available"], True),
            other: ("differs", [f"inventory_levels[{place}]"], True),
            third: ("differs", ["inventory_levels[77]"], True),
        },
        "products": {product: ("differs", [f"variants[{variant}].price"], True)},
        "customers": {customer: ("differs", ["customers.email"], True)},
    }

    for kind, said in expected.items():
        assert await verified(context, db, copied, kind, repair=True) == said
        assert await verified(context, db, copied, kind) == {}


async def test_what_changes_meanwhile_is_no_difference(context, db, copied, simulator):
    """The polls have not brought it yet: that is their business."""
    busy = asyncio.create_task(be_busy(simulator))
    found = {}
    while not busy.done():
        for kind in COMPARED:
            found |= await verified(context, db, copied, kind)
    await busy

    assert {said[0] for said in found.values()} <= {"pending"}
    assert (await last_run(db))["differences"] == 0


async def be_busy(simulator: Simulator) -> None:
    actions = ("create_order", "update_order", "refund_order", "set_inventory", "update_product")
    for action in (*actions, "create_customer", "edit_order", "fulfill_order"):
        await simulator.act(action, 2)
        await asyncio.sleep(0.3)


async def test_what_is_deleted_meanwhile_is_no_difference(context, db, copied, simulator):
    """The webhook comes while we ask again for what Shopify answered with null."""
    (gone,) = await simulator.act("delete_order")
    patient = asyncio.create_task(verified(context, db, copied, "orders"))
    looking.GRACE_SECONDS = 3.0
    seen = "SELECT count(*) FROM commerce.verification_differences WHERE what = 'missing_there'"
    async with context.pool.acquire() as conn:
        while not await conn.fetchval(seen):
            assert not patient.done()
            await asyncio.sleep(0.05)
        await conn.execute(
            "UPDATE commerce.orders SET deleted_at = now() WHERE order_id = $1", gone
        )

    assert await patient == {}


async def test_nothing_can_be_verified_before_it_was_copied(context, db, owner):
    job_id = await ask_for(db, owner, "orders", "verify")
    await run_only(context)

    ended = await db.fetchrow("SELECT status, error FROM commerce.sync_jobs")
    assert ended["status"] == "failed"
    assert "run a full sync first" in ended["error"]
    assert await db.fetchval("SELECT count(*) FROM commerce.verifications") == 0
    assert job_id


async def test_a_sample_finds_drift_repairs_it_and_shows_it(context, db, copied):
    expected = await damage_orders(db, copied)
    del expected[next(iter(expected))]  # a missing row is seen only if it is among the newest
    await db.execute("UPDATE commerce.sync_state SET full_synced_at = now() - interval '2 days'")

    await drift._tick(replace(context, sample_size=500), hour=3)
    asked = await db.fetch("SELECT kind FROM commerce.sync_jobs WHERE mode = 'sample'")
    assert {row["kind"] for row in asked} >= set(COMPARED)
    await run_only(replace(context, sample_size=500))
    await drift._tick(context, hour=3)

    rows = await db.fetch(
        "SELECT id, what FROM commerce.verification_differences WHERE repaired_at IS NOT NULL"
    )
    named = {key: what for key, (what, _) in expected.items() if what != "deleted_here"}
    assert {row["id"]: row["what"] for row in rows} == named
    shown = drift.metrics.RECONCILE_DRIFT.labels("orders")._value.get()
    assert shown == len(named)
    again = await db.fetchval("SELECT count(*) FROM commerce.sync_jobs WHERE mode = 'sample'")
    assert again == len(asked)

    await db.execute("UPDATE commerce.capabilities SET state = 'missing_scope'")
    await drift._tick(context, hour=3)
    assert drift.metrics.RECONCILE_DRIFT.labels("orders")._value.get() == 0


async def test_a_time_zone_that_nobody_knows_stops_no_sample(context, db, copied):
    """One shop's zone must not end the loop for all shops, and with it the process."""
    await db.execute("UPDATE accounts.stores SET iana_timezone = 'Mars/Olympus'")
    await db.execute("UPDATE commerce.sync_state SET full_synced_at = now() - interval '2 days'")

    await drift._tick(context, hour=3)

    asked = await db.fetch("SELECT kind FROM commerce.sync_jobs WHERE mode = 'sample'")
    assert {row["kind"] for row in asked} >= set(COMPARED)


async def test_what_shopify_does_not_let_us_read_is_not_sampled(context, db, copied):
    await db.execute("UPDATE commerce.sync_state SET full_synced_at = now() - interval '2 days'")
    await db.execute(
        "UPDATE commerce.capabilities SET state = 'missing_scope' WHERE resource = 'orders'"
    )

    await drift._tick(context, hour=3)

    asked = await db.fetch("SELECT kind FROM commerce.sync_jobs WHERE mode = 'sample'")
    assert {row["kind"] for row in asked} == {"products", "customers", "inventory"}


async def test_orders_that_shopify_hides_are_neither_asked_for_nor_counted(
    context, db, copied, monkeypatch
):
    await db.execute("UPDATE accounts.credentials SET scopes = '{}'")
    # One without which the export is complete as well, and all others young enough to be shown.
    await db.execute("UPDATE commerce.orders SET created_at = now() - interval '1 day'")
    await db.execute(
        'INSERT INTO commerce.orders SELECT (jsonb_populate_record(o, \'{"order_id": 4711,'
        ' "created_at": "2020-01-01T00:00:00Z"}\')).* FROM commerce.orders o LIMIT 1'
    )
    asked = []
    reread = looking.reread

    async def noted(*arguments, ids, **more):
        asked.extend(ids)
        return await reread(*arguments, ids=ids, **more)

    monkeypatch.setattr(looking, "reread", noted)
    assert 4711 not in await verified(context, db, copied, "orders")
    run = await last_run(db)
    assert run["ours"] == run["theirs"] == 60

    await verified(replace(context, sample_size=500), db, copied, "orders", mode="sample")
    run = await last_run(db)
    assert (run["mode"], run["compared"]) == ("sample", 60)
    assert 4711 not in asked


async def test_deletions_that_the_polls_have_yet_to_tell_are_no_differences(
    context, db, copied, simulator
):
    """No webhook came; the next poll reads Shopify's events. Lines forget the product at once."""
    (order,) = await simulator.act("delete_order")
    (product,) = await simulator.act("delete_product")

    found = await verified(context, db, copied, "orders")
    assert found.pop(order) == ("pending", [], False)
    assert {what for what, _, _ in found.values()} <= {"pending"}
    assert await verified(context, db, copied, "products") == {product: ("pending", [], False)}
    assert (await last_run(db))["differences"] == 0

    repaired = await verified(context, db, copied, "products", repair=True)
    assert repaired == {product: ("pending", [], True)}
    assert await db.fetchval(
        "SELECT deleted_at IS NOT NULL FROM commerce.products WHERE product_id = $1", product
    )


async def test_an_object_that_cannot_be_read_alone_does_not_end_the_verification(
    context, db, copied, monkeypatch
):
    spoilt = (await ids_of(db, "orders", "order_id"))[7]
    await db.execute("UPDATE commerce.orders SET note = 'x' WHERE order_id = $1", spoilt)
    reread = looking.reread

    async def refused(*arguments, ids, **more):
        if spoilt in ids:
            raise Rejected("too much", code="max_cost_exceeded")
        return await reread(*arguments, ids=ids, **more)

    monkeypatch.setattr(looking, "reread", refused)
    found = await verified(context, db, copied, "orders")

    assert found[spoilt] == ("unreadable", [], False)


async def test_a_verification_that_was_cut_off_goes_on_and_finds_the_same(
    context, db, copied, monkeypatch
):
    expected = await damage_orders(db, copied)
    keep, parts = verification._compare, []

    async def compare(run, facts, also):
        parts.append(len(facts))
        if len(parts) == 2:
            raise Unavailable("cut off")
        await keep(run, facts, also)

    monkeypatch.setattr(verification, "_compare", compare)
    job_id = await ask_for(db, copied, "orders", "verify")
    await run_only(context)
    waiting = await db.fetchrow(
        "SELECT status, rows_done FROM commerce.sync_jobs WHERE job_id = $1", job_id
    )
    assert waiting["status"] == "queued"
    before = len(parts)

    await db.execute("UPDATE commerce.sync_jobs SET not_before = now()")
    await run_only(context)

    rows = await db.fetch("SELECT id, what, columns FROM commerce.verification_differences")
    assert {r["id"]: (r["what"], r["columns"]) for r in rows} == expected
    run = await last_run(db)
    assert (run["ours"], run["theirs"], run["compared"]) == (59, 60, 61)
    # What was committed before is not exported again.
    assert sum(parts[before:]) <= 60 - waiting["rows_done"]


@pytest.mark.slow
async def test_every_resource_compares_equal_after_its_full_sync(context, db, copied):
    found = {}
    for kind in RESOURCES:
        await ask_for(db, copied, kind, "full")
    await run_jobs(context)
    ended = await db.fetch("SELECT kind, status FROM commerce.sync_jobs WHERE mode = 'full'")
    copied_kinds = [row["kind"] for row in ended if row["status"] == "succeeded"]
    assert len(set(copied_kinds)) >= 10

    for kind in RESOURCES:
        if kind in copied_kinds:
            differences = await verified(context, db, copied, kind)
            if differences:
                found[kind] = differences

    assert found == {}
    runs = await db.fetch("SELECT resource, ours, theirs FROM commerce.verifications")
    assert [tuple(row) for row in runs if row["ours"] != row["theirs"]] == []
    held = {row["resource"] for row in runs if row["ours"]}
    assert held >= {*COMPARED, "order_details", "fulfillment_orders", "collections", "discounts"}
