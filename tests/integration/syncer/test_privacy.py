"""Privacy requests: kept with their deadlines, done, and proven."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import orjson
import pytest
from prometheus_client import REGISTRY

from services.syncer import command, privacy
from services.syncer.handlers.deliveries import apply
from shared.shopify.snapshots import Owner
from tests.integration.syncer.privacy import (
    CUSTOMER,
    DOMAIN,
    EMAIL,
    ORDER,
    a_store,
    asked,
    fill,
    requests,
    work,
)
from tests.integration.syncer.test_deliveries import RecordingBus, a_delivery

TOPICS = ("customers/data_request", "customers/redact", "shop/redact")


@pytest.mark.parametrize("topic", TOPICS)
async def test_what_shopify_asks_for_is_kept_once_with_its_deadline(db, pool, topic):
    owner = await a_store(db, status="uninstalled")
    one = asked(owner, topic, "w1")

    for _ in range(2):
        await apply([one], pool=pool, bus=RecordingBus())

    [row] = await requests(db)
    assert (row["topic"], row["state"]) == (topic, "open")
    assert row["due_at"] - row["received_at"] == timedelta(days=30)
    named = (None, []) if topic == "shop/redact" else (CUSTOMER, [ORDER])
    assert (row["customer_id"], row["order_ids"]) == named


async def test_a_request_that_names_nobody_is_dead_and_seen(db, pool):
    owner = await a_store(db)
    one = a_delivery(
        "w1", "customers/redact", b"{}", tenant_id=owner.tenant_id, shop_id=owner.shop_id
    )

    await apply([one], pool=pool, bus=RecordingBus())

    assert await db.fetchval("SELECT state FROM commerce.webhook_events") == "dead"
    assert await requests(db) == []


async def test_deadlines_are_measured(db, pool):
    owner = await a_store(db)
    for number, age in enumerate(("31 days", "25 days", "1 day")):
        await apply([asked(owner, "customers/redact", f"w{number}")], pool=pool, bus=RecordingBus())
        await db.execute(
            "UPDATE commerce.privacy_requests SET due_at = now() - $1::text::interval"
            " + interval '30 days' WHERE webhook_id = $2",
            age,
            f"w{number}",
        )

    await privacy.measure(pool)

    states = {
        state: REGISTRY.get_sample_value("tillstream_privacy_requests", {"state": state})
        for state in ("open", "close", "overdue", "done", "refused")
    }
    assert states == {"open": 1, "close": 1, "overdue": 1, "done": 0, "refused": 0}
    left = REGISTRY.get_sample_value("tillstream_privacy_due_seconds")
    assert left is not None
    assert -87_000 < left < -86_000


async def test_an_operator_lists_requests_and_tries_a_refused_one_again(db, pool, dsn, capsys):
    owner = await a_store(db)
    await apply([asked(owner, "shop/redact")], pool=pool, bus=RecordingBus())
    await work(pool)
    [refused] = await requests(db)
    shop = ("--shop", str(owner.shop_id))

    codes = [
        await asyncio.to_thread(command.run, command.parsed(["privacy", *words]), dsn)
        for words in (
            ("list", *shop, "--json"),
            ("retry", *shop, str(refused["request_id"])),
            ("retry", *shop, str(refused["request_id"])),
        )
    ]

    assert codes == [0, 0, 1]
    [shown] = orjson.loads(capsys.readouterr().out)
    assert (shown["state"], shown["erased"]) == ("refused", {})
    assert [row["state"] for row in await requests(db)] == ["open"]


async def another(db, owner, *, status="disconnected", shop=5, domain=DOMAIN, tenant_id=None):
    """Return whose a second store of a shop is, which Shopify knows as number *shop*."""
    await db.execute(
        "UPDATE accounts.stores SET shopify_shop_id = 5 WHERE shop_id = $1", owner.shop_id
    )
    tenant_id = tenant_id or str(uuid.uuid4())
    await db.execute(
        "INSERT INTO accounts.tenants (tenant_id, name) VALUES ($1, 'B') ON CONFLICT DO NOTHING",
        tenant_id,
    )
    shop_id = await db.fetchval(
        "INSERT INTO accounts.stores (tenant_id, shop_domain, shopify_shop_id, status)"
        " VALUES ($1, $2, $3, $4) RETURNING shop_id",
        *(tenant_id, domain, shop, status),
    )
    return Owner(tenant_id=tenant_id, shop_id=shop_id)


async def states(db):
    return {row["shop_id"]: row["state"] for row in await requests(db)}


@pytest.mark.parametrize("topic", TOPICS)
async def test_each_store_that_the_shop_was_here_is_asked_and_answers(db, pool, topic):
    owner = await a_store(db, status="reauth_required")
    same_shop = [
        await another(db, owner),
        await another(db, owner, shop=None),
        await another(db, owner, domain="former-name.myshopify.com", tenant_id=owner.tenant_id),
    ]
    others = [
        await another(db, owner, shop=6),
        await another(db, owner, shop=7, domain="x.myshopify.com"),
    ]
    for one in (owner, *same_shop, *others):
        key = {"tenant_id": one.tenant_id, "shop_id": one.shop_id}
        await fill(db, "customers", **key, customer_id=CUSTOMER, email=EMAIL)

    for _ in range(2):
        await apply([asked(owner, topic, "w1")], pool=pool, bus=RecordingBus())
    await work(pool)

    assert await states(db) == {one.shop_id: "done" for one in (owner, *same_shop)}
    named = await db.fetch("SELECT shop_id FROM commerce.customers WHERE email = $1", EMAIL)
    kept = {one.shop_id for one in others}
    if topic == "customers/data_request":
        kept |= {one.shop_id for one in (owner, *same_shop)}
    assert {row["shop_id"] for row in named} == kept


async def test_a_shop_that_another_tenant_has_now_is_erased_where_it_has_left(db, pool):
    owner = await a_store(db)
    left = await another(db, owner)

    await apply([asked(owner, "shop/redact")], pool=pool, bus=RecordingBus())
    await work(pool)

    assert await states(db) == {owner.shop_id: "refused", left.shop_id: "done"}
