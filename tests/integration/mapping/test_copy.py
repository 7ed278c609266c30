"""Mapped rows in the real tables: COPY takes them and gives back what Shopify sent."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import orjson
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings

from shared.shopify.snapshots import ChildRows, Fact, Snapshot
from shared.shopify.webhooks import facts_of
from shared.tables import COLUMNS, TABLES
from tests.unit.shopify import graphql
from tests.unit.shopify.shapes import MOMENT, OWNER, a_delivery, orders
from tests.whole_nodes import order_facts

NASTY = "tab\there \\N new\nline \\ \" ' \r \x00 é \u2028 {x}"
NASTY_STORED = NASTY.replace("\x00", "")
NASTY_TAG = NASTY_STORED.replace("\r", "")
TIMES = {"created_at": MOMENT, "updated_at": MOMENT}


async def stored(db: Any, facts: Iterable[Fact]) -> None:
    for fact in facts:
        assert isinstance(fact, Snapshot)
        table, _ = TABLES[fact.kind]
        for name, rows in {table: [fact.row], **fact.children}.items():
            await copied(db, name, rows)


async def copied(db: Any, table: str, rows: Iterable[str]) -> None:
    text = "".join(f"{row}\n" for row in rows).encode()
    await db.copy_to_table(
        table, schema_name="commerce", source=io.BytesIO(text), columns=COLUMNS[table]
    )


async def emptied(db: Any) -> None:
    for table in (TABLES["order"][0], *TABLES["order"][1]):
        await db.execute(f"DELETE FROM commerce.{table}")


def without_nul(text: str) -> str:
    return text.replace("\x00", "")


@pytest.mark.parametrize("table", sorted(COLUMNS))
async def test_the_column_list_is_the_table_s(db, table):
    rows = await db.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = ('commerce.' || $1)::regclass"
        " AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        table,
    )

    columns = [row["attname"] for row in rows]

    assert [one for one in columns if one not in ("synced_at", "deleted_at")] == [*COLUMNS[table]]


@settings(max_examples=20, deadline=None, suppress_health_check=[*HealthCheck])
@given(order=orders)
async def test_copy_takes_every_order_that_the_mapper_lets_through(order, db):
    await emptied(db)
    payload = orjson.dumps(distinct(graphql.order(order)))

    await stored(db, order_facts(payload, OWNER, "poll"))

    row = await db.fetchrow("SELECT * FROM commerce.orders")
    assert row["name"] == without_nul(order["name"])
    assert row["tags"] == [without_nul(tag) for tag in sorted(order["tags"])]
    assert int(row["total_price"] * 100) == order["totals"][3][0]
    assert zstandard.ZstdDecompressor().decompress(row["raw"]) == payload
    lines = await db.fetch("SELECT * FROM commerce.order_lines ORDER BY position")
    assert [line["title"] for line in lines] == [without_nul(x["title"]) for x in order["lines"]]
    assert [int(line["tax"] * 100) for line in lines] == [
        sum(tax["price"][0] for tax in line["taxes"]) for line in order["lines"]
    ]
    assert [orjson.loads(line["attributes"]) for line in lines] == [
        [{name: value and without_nul(value) for name, value in one.items()} for one in each]
        for each in (line["attributes"] for line in order["lines"])
    ]


async def test_every_kind_of_body_fits_its_tables(db):
    bodies = {
        "products/update": {
            "id": 1,
            "title": NASTY,
            "body_html": NASTY,
            "tags": f"a, {NASTY_TAG}",
            "variants": [{"id": 2, "price": "1.50", "title": NASTY, "option1": NASTY, **TIMES}],
            "options": [{"id": 3, "name": NASTY, "values": [NASTY]}],
            "images": [{"id": 4, "src": "https://x/y.png", "alt": NASTY}],
        },
        "customers/update": {
            "id": 1,
            "email": NASTY,
            "tags": NASTY_TAG,
            "orders_count": 3,
            "total_spent": "9.99",
            "currency": "USD",
            "addresses": [{"id": 5, "city": NASTY, "latitude": "1.5"}],
        },
        "inventory_items/update": {"id": 1, "sku": NASTY, "cost": 2.5, "tracked": True},
        "inventory_levels/update": {"inventory_item_id": 1, "location_id": 2, "available": None},
        "locations/update": {"id": 2, "name": NASTY, "city": NASTY, "active": False},
    }

    for topic, body in bodies.items():
        await stored(db, facts_of(a_delivery(topic, orjson.dumps({**body, **TIMES}))))

    product = await db.fetchrow("SELECT * FROM commerce.products")
    variant = await db.fetchrow("SELECT * FROM commerce.variants")
    assert (product["title"], product["description_html"]) == (NASTY_STORED, NASTY_STORED)
    assert product["tags"] == sorted(["a", NASTY_TAG])
    assert orjson.loads(product["media"])[0]["alt"] == NASTY_STORED
    assert orjson.loads(variant["options"]) == [{"name": NASTY_STORED, "value": NASTY_STORED}]
    address = await db.fetchval("SELECT address FROM commerce.customer_addresses")
    assert orjson.loads(address)["city"] == NASTY_STORED
    assert await db.fetchval("SELECT tags FROM commerce.customers") == [NASTY_TAG]
    assert await db.fetchval("SELECT sku FROM commerce.inventory_items") == NASTY_STORED
    assert await db.fetchval("SELECT available FROM commerce.inventory_levels") is None
    assert not await db.fetchval("SELECT active FROM commerce.locations")


async def test_a_transaction_fits_its_table(db):
    body = {"id": 6, "order_id": 1, "kind": "sale", "status": "success", "error_code": None}
    money = {"amount": "9.00", "currency": "USD", "gateway": NASTY, "created_at": MOMENT}
    (fact,) = facts_of(a_delivery("order_transactions/create", orjson.dumps({**body, **money})))

    assert isinstance(fact, ChildRows)
    await copied(db, fact.table, fact.rows)

    assert await db.fetchval("SELECT gateway FROM commerce.transactions") == NASTY_STORED


def distinct(order: dict[str, Any]) -> dict[str, Any]:
    # Random ids may repeat inside one set of children; Shopify's do not.
    held = order["lineItems"]["edges"], order["refunds"], order["fulfillments"]
    for number, one in enumerate((edge["node"] for edge in held[0]), start=1):
        one["id"] = f"gid://shopify/LineItem/{number}"
    for number, refund in enumerate(held[1], start=1):
        refund["id"] = f"gid://shopify/Refund/{number}"
        for place, edge in enumerate(refund["refundLineItems"]["edges"], start=1):
            edge["node"]["id"] = f"gid://shopify/RefundLineItem/{place}"
    for number, one in enumerate(held[2], start=1):
        one["id"] = f"gid://shopify/Fulfillment/{number}"
    return order
