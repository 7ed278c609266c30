"""A customer's redaction: nothing personal is left, the numbers stay, nothing comes back."""

from __future__ import annotations

import uuid

import asyncpg
import orjson
import pytest
import zstandard

from services.syncer import privacy
from services.syncer.handlers.deliveries import apply
from shared.bus.topology import DELIVERIES
from shared.deliveries import pack, unpack
from tests.integration.syncer.objects import at
from tests.integration.syncer.privacy import (
    CUSTOMER,
    EMAIL,
    MARK,
    ORDER,
    OTHER_CUSTOMER,
    OTHER_ORDER,
    a_store,
    asked,
    delivered,
    fill,
    requests,
    work,
)
from tests.integration.syncer.test_deliveries import RecordingBus

# Tables with rows of a customer or of its orders.
HOLDING = (
    *("customers", "customer_addresses", "customer_metafields", "abandoned_checkouts"),
    *("abandoned_checkout_lines", "draft_orders", "draft_order_lines", "gift_cards", "orders"),
    *("order_lines", "order_metafields", "refunds", "refund_lines", "transactions"),
    *("fulfillments", "order_details", "sales_agreements", "sales", "returns", "return_lines"),
    *("order_risks", "fulfillment_orders", "fulfillment_order_lines", "disputes"),
)
# What says nothing about a person: words of Shopify's, names of things, amounts.
HARMLESS = {
    "abandoned_checkout_lines": "sku title variant_title",
    "abandoned_checkouts": "discount_codes name source tax_lines",
    "customers": "source state",
    "disputes": "network_reason_code reason source status type",
    "draft_order_lines": "sku tax_lines title variant_title vendor",
    "draft_orders": "applied_discount discount_codes name shipping_line source status tax_lines",
    "fulfillment_order_lines": "sku title",
    "fulfillment_orders": "delivery_method location_name request_status source status"
    " supported_actions",
    "fulfillments": "name status",
    "gift_cards": "last_characters source",
    "order_details": "app_name channel channel_name return_status risk_recommendation source",
    "order_lines": "discount_allocations duties sku tax_lines title variant_title vendor",
    "order_risks": "provider_name risk_level",
    "orders": "cancel_reason confirmation_number discount_applications financial_status"
    " fulfillment_status name payment_gateway_names shipping_lines source source_name tax_lines",
    "refund_lines": "restock_type",
    "refunds": "adjustments duties shipping",
    "return_lines": "reason",
    "returns": "decline_reason name status",
    "sales": "action_type line_type",
    "sales_agreements": "reason",
    "transactions": "error_code gateway kind status",
}
MONEY = """
SELECT sum(total_price), sum(current_total_price), sum(total_tax), count(*), count(customer_id)
FROM commerce.orders
"""


async def everything_about(db: asyncpg.Connection, owner, customer: int, order: int) -> None:
    for table in HOLDING:
        await fill(
            db,
            table,
            tenant_id=uuid.UUID(owner.tenant_id),
            shop_id=owner.shop_id,
            customer_id=customer,
            order_id=order,
            draft_order_id=order + 1,
            checkout_id=order + 2,
            gift_card_id=order + 3,
            fulfillment_order_id=order + 4,
            dispute_id=order + 5,
            deleted_at=None,
        )


async def marked(db: asyncpg.Connection, *, customer: int = CUSTOMER) -> dict[str, set[str]]:
    """Return the columns in which MARK still is, of rows about *customer* and its order."""
    found: dict[str, set[str]] = {}
    order = ORDER if customer == CUSTOMER else OTHER_ORDER
    ids = {customer, *range(order, order + 6)}
    for table in HOLDING:
        for row in await db.fetch(f"SELECT * FROM commerce.{table}"):
            if ids & {value for value in row.values() if isinstance(value, int)}:
                columns = {name for name, value in row.items() if MARK in said(value)}
                found.setdefault(table, set()).update(columns)
    return {table: columns for table, columns in found.items() if columns}


def said(value: object) -> str:
    if isinstance(value, bytes):
        return zstandard.ZstdDecompressor().decompress(value).decode()
    return str(value)


async def told(pool, *deliveries) -> None:
    await apply(deliveries, pool=pool, bus=RecordingBus())


async def test_every_column_is_erased_or_said_to_be_harmless(db, pool):
    owner = await a_store(db)
    await everything_about(db, owner, CUSTOMER, ORDER)
    await everything_about(db, owner, OTHER_CUSTOMER, OTHER_ORDER)
    others = await marked(db, customer=OTHER_CUSTOMER)
    money = await db.fetchrow(MONEY)

    await told(pool, asked(owner, "customers/redact"))
    await work(pool)

    assert await marked(db) == {table: set(names.split()) for table, names in HARMLESS.items()}
    assert await marked(db, customer=OTHER_CUSTOMER) == others
    assert await db.fetchrow(MONEY) == money
    [row] = await requests(db)
    assert (row["state"], row["names"]) == ("done", [])
    assert orjson.loads(row["erased"])["commerce.orders"] == 1


async def test_no_table_that_names_customers_or_orders_is_overlooked(db):
    """A new one belongs into HOLDING, or into what holds ids, amounts and times only."""
    found = await db.fetch(
        "SELECT DISTINCT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'commerce'::regnamespace"
        " AND a.attname IN ('customer_id', 'order_id', 'draft_order_id', 'checkout_id',"
        " 'fulfillment_order_id') AND NOT a.attisdropped"
    )

    only_ids = {"customer_merges", "balance_transactions", "privacy_requests"}
    assert {row["relname"] for row in found} - only_ids == set(HOLDING)


async def test_what_a_request_says_of_a_refusal_does_not_quote_the_row(db, pool):
    owner = await a_store(db)
    await everything_about(db, owner, CUSTOMER, ORDER)
    named = "ADD CONSTRAINT named CHECK (first_name IS NOT NULL) NOT VALID"
    await db.execute(f"ALTER TABLE commerce.customers {named}")
    try:
        await told(pool, asked(owner, "customers/redact"))
        await work(pool)
    finally:
        await db.execute("ALTER TABLE commerce.customers DROP CONSTRAINT named")

    [row] = await requests(db)
    assert row["state"] == "open"
    assert row["result"] == "refused: CheckViolationError 23514 in commerce.customers named"


async def test_bodies_that_name_the_customer_are_forgotten(db, pool):
    owner = await a_store(db)
    await told(
        pool,
        delivered(owner, "carts/update", {"customer": {"id": CUSTOMER}}, "by id"),
        delivered(owner, "carts/update", {"email": EMAIL.upper()}, "by email"),
        delivered(owner, "fulfillments/update", {"id": 1, "order_id": ORDER}, "by order"),
        delivered(owner, "carts/update", {"customer": {"id": OTHER_CUSTOMER}}, "another"),
    )

    await told(pool, asked(owner, "customers/redact", "redact"))
    await work(pool)

    rows = await db.fetch("SELECT webhook_id FROM commerce.webhook_events WHERE body IS NOT NULL")
    assert {row["webhook_id"] for row in rows} == {"another"}
    [row] = await requests(db)
    assert orjson.loads(row["erased"])["commerce.webhook_events"] == 4


async def test_large_bodies_and_dead_letters_lose_what_names_the_customer(db, pool):
    owner = await a_store(db)
    one, other = (
        delivered(owner, "carts/update", {"customer": {"id": who}})
        for who in (CUSTOMER, OTHER_CUSTOMER)
    )
    for letter, delivery in enumerate(([one, other], [one])):
        await db.execute(
            "INSERT INTO bus.dead (message_id, queue, topic, body, headers, attempts, reason,"
            " enqueued_at) VALUES ($1, $2, 't', $3, '{}', 1, 'r', now())",
            *(letter, DELIVERIES, pack(delivery)),
        )
    for delivery in (one, other):
        await db.execute(
            "INSERT INTO intake.bodies (tenant_id, shop_id, body_id, body) VALUES ($1, $2, $3, $4)",
            *(owner.tenant_id, owner.shop_id, uuid.uuid4(), delivery.body),
        )

    await told(pool, asked(owner, "customers/redact"))
    await work(pool)

    letters = await db.fetch("SELECT body FROM bus.dead")
    assert [unpack(row["body"]) for row in letters] == [[other]]
    assert [row["body"] for row in await db.fetch("SELECT body FROM intake.bodies")] == [other.body]


async def test_what_was_redacted_does_not_come_back(db, pool, save):
    owner = await a_store(db)
    await told(pool, asked(owner, "customers/redact"))
    await work(pool)
    body = {
        "id": CUSTOMER,
        "email": EMAIL,
        "first_name": "Ada",
        "created_at": at(0).isoformat(),
        "updated_at": at(5).isoformat(),
    }

    await told(pool, delivered(owner, "customers/update", body, "late"))

    row = await db.fetchrow("SELECT * FROM commerce.customers")
    assert (row["customer_id"], row["email"], row["first_name"]) == (CUSTOMER, None, None)
    assert said(row["raw"]) == "{}"
    late = "SELECT state, body FROM commerce.webhook_events WHERE webhook_id = 'late'"
    assert tuple(await db.fetchrow(late)) == ("applied", None)


@pytest.mark.parametrize("pieces", range(1, 6))
async def test_a_worker_that_is_killed_costs_one_piece(db, pool, dsn, pieces):
    owner = await a_store(db)
    await everything_about(db, owner, CUSTOMER, ORDER)
    await told(pool, asked(owner, "customers/redact"))
    for _ in range(pieces - 1):
        assert await privacy.work_once(pool, [])
    victim = await asyncpg.connect(dsn, server_settings={"role": "tillstream_syncer"})
    transaction = victim.transaction()
    await transaction.start()
    request = await privacy.store.next_request(victim)
    assert request is not None
    await privacy._PIECES[request.topic](victim, request)
    victim.terminate()
    # As soon as Postgres knows that it is gone.
    await db.execute("SELECT FROM commerce.privacy_requests FOR UPDATE")

    await work(pool)

    assert await marked(db) == {table: set(names.split()) for table, names in HARMLESS.items()}
    [row] = await requests(db)
    assert row["state"] == "done"
    assert orjson.loads(row["erased"])["commerce.orders"] == 1
