"""A shop's erasure: every table of the catalogue, resumable, refused for a store that is back."""

from __future__ import annotations

import asyncpg
import orjson
import pytest

from services.syncer import privacy_erasing
from services.syncer.handlers.deliveries import apply
from services.syncer.store import privacy as store
from tests.integration.syncer.privacy import (
    CUSTOMER,
    ORDER,
    a_store,
    asked,
    delivered,
    fill,
    requests,
    work,
)
from tests.integration.syncer.test_deliveries import RecordingBus
from tests.integration.syncer.test_killed import environment_for, process, until

SCHEMAS = ("accounts", "bus", "pacing", "intake", "commerce", "analytics", "public")
# What an erased shop leaves, and why nothing of it is the shop's.
STAYING = {
    "accounts.stores": "its number, domain and tenant",
    "commerce.privacy_requests": "the proof",
    "accounts.tenants": "ours",
    "accounts.api_keys": "the tenant's",
    "accounts.audit_log": "the tenant's",
    "accounts.oauth_states": "minutes; deleted by domain",
    "accounts.webhook_endpoints": "the tenant's",
    "bus.messages": "sealed batches, kept out when they arrive",
    "bus.dead": "sealed batches; what is the shop's is taken out of them",
    "bus.paused": "queues",
    "public.schema_migrations": "ours",
}
ROWS = 12
# So many that a kill comes in the middle.
MANY = 400_000


async def filled(db: asyncpg.Connection, owner) -> None:
    """Give *owner*'s shop rows in every schema."""
    key = (owner.tenant_id, owner.shop_id)
    for number in range(ROWS):
        await fill(db, "orders", tenant_id=key[0], shop_id=key[1], order_id=number)
        await db.execute(
            "INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id) VALUES ($1, $2, $3)",
            *(*key, number),
        )
    await fill(db, "customers", tenant_id=key[0], shop_id=key[1], customer_id=CUSTOMER)
    await db.execute(
        "INSERT INTO commerce.sync_jobs (tenant_id, shop_id, kind, mode, trigger)"
        " VALUES ($1, $2, 'orders', 'full', 'manual')",
        *key,
    )
    await db.execute(
        "INSERT INTO intake.bodies (tenant_id, shop_id, body_id, body)"
        " VALUES ($1, $2, gen_random_uuid(), '')",
        *key,
    )
    await db.execute(
        "INSERT INTO pacing.usage_daily (tenant_id, shop_id, day, requests, interactive, points,"
        " throttled, errors) VALUES ($1, $2, now(), 1, 1, 1, 0, 0)",
        *key,
    )


async def held(db: asyncpg.Connection, owner) -> dict[str, int]:
    """Count the rows of *owner*'s shop in each table that has any."""
    names = await db.fetch("SELECT name FROM accounts.shop_tables()")
    counts = {
        row["name"]: await db.fetchval(
            f"SELECT count(*) FROM {row['name']} WHERE tenant_id = $1 AND shop_id = $2",
            owner.tenant_id,
            owner.shop_id,
        )
        for row in names
    }
    return {name: count for name, count in counts.items() if count}


async def test_no_table_is_forgotten(db):
    """A new table has tenant_id and shop_id and is erased, or must be explained above."""
    found = await db.fetch(
        "SELECT format('%s.%s', schemaname, tablename) AS name FROM pg_tables"
        " WHERE schemaname = ANY ($1)",
        list(SCHEMAS),
    )
    erased = {row["name"] for row in await db.fetch("SELECT name FROM accounts.shop_tables()")}

    assert {row["name"] for row in found} - erased - STAYING.keys() == set()
    assert erased & STAYING.keys() == set()
    assert len(erased) > 50


async def test_a_shop_that_has_left_is_erased_everywhere_and_the_proof_stays(db, pool):
    owner = await a_store(db, status="uninstalled")
    other = await db.fetchval(
        "INSERT INTO accounts.stores (tenant_id, shop_domain) VALUES ($1, 'b.myshopify.com')"
        " RETURNING shop_id",
        owner.tenant_id,
    )
    await filled(db, owner)
    await fill(db, "orders", tenant_id=owner.tenant_id, shop_id=other, order_id=1)
    await apply(
        [asked(owner, "customers/redact"), asked(owner, "shop/redact", "w2")],
        pool=pool,
        bus=RecordingBus(),
    )
    before = await held(db, owner)

    await work(pool)

    assert await held(db, owner) == {}
    assert await db.fetchval("SELECT count(*) FROM commerce.orders") == 1
    rows = {row["topic"]: row for row in await requests(db)}
    proof = rows["shop/redact"]
    assert {row["state"] for row in rows.values()} == {"done"}
    assert {row["customer_id"] for row in rows.values()} == {None}
    assert orjson.loads(proof["erased"]).items() >= {
        ("commerce.orders", ROWS),
        ("analytics.order_marks", ROWS),
        ("accounts.credentials", 1),
        ("pacing.usage_daily", 1),
        ("intake.bodies", 1),
    }
    assert set(orjson.loads(proof["erased"])) == set(before) | {"commerce.redactions"}
    entry = await db.fetchrow(
        "SELECT * FROM accounts.audit_log WHERE details->>'topic' = 'shop/redact'"
    )
    assert (entry["action"], entry["target"]) == ("privacy.done", "tea.myshopify.com")
    assert orjson.loads(entry["details"])["erased"] == orjson.loads(proof["erased"])
    left = await db.fetchrow("SELECT * FROM accounts.stores WHERE shop_id = $1", owner.shop_id)
    assert (left["status"], left["name"]) == ("disconnected", None)


async def test_a_store_that_is_connected_is_not_erased(db, pool):
    owner = await a_store(db)
    await filled(db, owner)
    await apply([asked(owner, "shop/redact")], pool=pool, bus=RecordingBus())
    before = await held(db, owner)

    await work(pool)

    assert await held(db, owner) == before
    [row] = await requests(db)
    assert (row["state"], row["erased"]) == ("refused", "{}")
    assert "is connected" in row["result"]


@pytest.mark.parametrize("pieces", [1, 3])
async def test_a_store_that_comes_back_in_the_middle_keeps_the_rest(db, pool, pieces):
    owner = await a_store(db, status="uninstalled")
    await filled(db, owner)
    await apply([asked(owner, "shop/redact")], pool=pool, bus=RecordingBus())
    for _ in range(pieces):
        async with pool.acquire() as conn, conn.transaction():
            request = await store.next_request(conn)
            assert request is not None
            await privacy_erasing.piece(conn, request, at_once=5)
    await db.execute("UPDATE accounts.stores SET status = 'active'")
    rest = await held(db, owner)

    await work(pool)

    assert await held(db, owner) == rest
    [row] = await requests(db)
    assert row["state"] == "refused"


async def test_a_killed_erasure_goes_on_where_it_was(db, pool, dsn):
    owner = await a_store(db, status="uninstalled")
    await filled(db, owner)
    await apply([asked(owner, "shop/redact")], pool=pool, bus=RecordingBus())
    for _ in range(3):
        victim = await asyncpg.connect(dsn, server_settings={"role": "tillstream_syncer"})
        await victim.execute("BEGIN")
        request = await store.next_request(victim)
        assert request is not None
        await privacy_erasing.piece(victim, request, at_once=5)
        victim.terminate()
        # As soon as Postgres knows that it is gone.
        await db.execute("SELECT FROM commerce.privacy_requests FOR UPDATE")
        async with pool.acquire() as conn, conn.transaction():
            request = await store.next_request(conn)
            assert request is not None
            await privacy_erasing.piece(conn, request, at_once=5)

    await work(pool)

    assert await held(db, owner) == {}
    [row] = await requests(db)
    assert row["state"] == "done"
    assert orjson.loads(row["erased"])["commerce.orders"] == ROWS


async def test_what_is_delivered_late_for_an_erased_shop_is_not_kept(db, pool):
    owner = await a_store(db, status="uninstalled")
    await apply([asked(owner, "shop/redact", "w1")], pool=pool, bus=RecordingBus())
    await work(pool)

    late = delivered(owner, "carts/update", {"order_id": ORDER})
    await apply([late, asked(owner, "shop/redact", "w1")], pool=pool, bus=RecordingBus())

    assert await held(db, owner) == {}
    assert len(await requests(db)) == 1


async def test_nobody_can_erase_what_shopify_did_not_ask_for(db, pool):
    owner = await a_store(db, status="uninstalled")
    await filled(db, owner)
    key = (owner.tenant_id, owner.shop_id)

    with pytest.raises(asyncpg.RaiseError, match="nobody asked"):
        await pool.fetch("SELECT * FROM accounts.erase_shop($1, $2, 10)", *key)
    for role in ("tillstream_gateway", "tillstream_webhooks", "tillstream_analytics"):
        allowed = (
            "SELECT has_function_privilege($1, 'accounts.erase_shop(uuid,bigint,int)', 'EXECUTE')"
        )
        assert not await db.fetchval(allowed, role)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_syncer_killed_while_it_erases_is_followed_by_another(db, pool, dsn):
    owner = await a_store(db, status="uninstalled")
    # Statistics of many shops with a row each let the planner expect one row of this one, too.
    await db.execute(
        "INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id)"
        " SELECT $1, 1000 + n, n FROM generate_series(1, 5000) AS n",
        owner.tenant_id,
    )
    await db.execute("ANALYZE analytics.order_marks")
    await db.execute("DELETE FROM analytics.order_marks")
    await db.execute(
        "INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id)"
        " SELECT $1, $2, generate_series(1, $3::int)",
        *(owner.tenant_id, owner.shop_id, MANY),
    )
    await apply([asked(owner, "shop/redact")], pool=pool, bus=RecordingBus())
    environment = environment_for(dsn)

    async with process("services.syncer", **environment):
        begun = "SELECT erased <> '{}' FROM commerce.privacy_requests"
        await until(db, begun, wanted=True, seconds=40)
    [row] = await requests(db)
    assert row["state"] == "open", "it was faster than the kill: raise MANY"
    async with process("services.syncer", **environment):
        await until(db, "SELECT state FROM commerce.privacy_requests", "done", seconds=60)

    assert await held(db, owner) == {}
    [row] = await requests(db)
    assert orjson.loads(row["erased"])["analytics.order_marks"] == MANY
