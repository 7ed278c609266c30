"""What a shop does not let us read, its stock, new fields, and another name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import pytest
import zstandard

from services.gateway.handlers.stores import on_store_renamed
from services.syncer import schema_drift
from services.syncer.handlers.deliveries import apply
from shared.events import StoreRenamed
from tests.integration.pains.receiver import all_sent, delivered, receiving
from tests.integration.pains.shop import OpenShop, Refused, Shop, number
from tests.integration.syncer.shopify import a_webhook
from tests.integration.syncer.test_sync import settle

FEW = "read_orders,read_products,read_locations"
QUANTITIES = (
    "available",
    "committed",
    "damaged",
    "incoming",
    "on_hand",
    "quality_control",
    "reserved",
    "safety_stock",
)


async def test_pain_20_a_missing_scope_costs_its_resource_alone(open_shop: OpenShop):
    shop = await open_shop(orders=20)
    limited = await shop.use_scopes(FEW)
    with pytest.raises(Refused, match="read_customers"):  # all of it, for one of them
        await limited.ask(
            "{ orders(first: 5) { nodes { id } } products(first: 5) { nodes { id } }"
            " customers(first: 5) { nodes { id } } }"
        )

    status = {
        kind: (await shop.run(kind, "full"))["status"]
        for kind in ("shop", "orders", "products", "customers")
    }

    done = dict.fromkeys(("shop", "orders", "products"), "succeeded")
    assert status == {**done, "customers": "skipped"}
    assert await shop.value("SELECT count(*) FROM commerce.products") == 5
    row = await shop.db.fetchrow(
        "SELECT state, missing_scopes FROM commerce.capabilities WHERE resource = 'customers'"
    )
    assert tuple(row) == ("missing_scope", ["read_customers"])


async def test_pain_20_sixty_days_are_not_called_everything(open_shop: OpenShop):
    """Without read_all_orders Shopify hides what is older, and says nothing."""
    shop = await open_shop(orders=200)
    limited = await shop.use_scopes(FEW)
    naive = await limited.page("orders", "id createdAt", sortKey="CREATED_AT")
    for kind in ("shop", "orders"):
        assert (await shop.run(kind, "full"))["status"] == "succeeded"

    truth = await shop.truth("orders")
    row = await shop.db.fetchrow(
        "SELECT rows, complete_since, reason FROM commerce.coverage WHERE resource = 'orders'"
    )
    hidden = min(datetime.fromisoformat(one["created_at"]) for one in truth)
    assert 0 < len(naive) < len(truth)  # and nothing in the answer tells
    assert row["rows"] == len(naive)
    assert hidden < row["complete_since"] <= datetime.fromisoformat(naive[0]["createdAt"])
    assert "60 days" in row["reason"]


async def test_pain_20_withheld_customer_data_is_null_and_told(open_shop: OpenShop):
    """On smaller plans Shopify answers with data and errors; who stops at errors gets nothing."""
    shop = await open_shop(orders=20)
    await shop.run("shop", "full")
    await shop.faults(admin={"partial_denied": 1.0, "denied_fields": ["customer"]})

    with pytest.raises(Refused, match="not approved"):
        await shop.naive.ask("{ orders(first: 20) { nodes { id customer { id } } } }")
    job = await shop.run("orders", "incremental")

    assert job["status"] == "succeeded"
    orders = await shop.db.fetchrow("SELECT count(*), count(customer_id) FROM commerce.orders")
    assert tuple(orders) == (20, 0)
    reason = "SELECT reason FROM commerce.capabilities WHERE resource = 'orders'"
    assert "customer" in await shop.value(reason)


async def levels(shop: Shop) -> dict[tuple[int, int], tuple[int, ...]]:
    rows = await shop.db.fetch("SELECT * FROM commerce.inventory_levels WHERE deleted_at IS NULL")
    return {
        (row["inventory_item_id"], row["location_id"]): tuple(row[name] for name in QUANTITIES)
        for row in rows
    }


async def test_pain_21_stock_is_read_where_it_moved(open_shop: OpenShop):
    """Every quantity, at inactive locations too, and only what changed."""
    shop = await open_shop(orders=0, products=4)
    (closed,) = await shop.simulator.act("update_location", active=False)
    await shop.sync("full", "shop", "inventory")
    held = await shop.value("SELECT count(*) FROM commerce.inventory_levels")

    await shop.simulator.act("set_inventory", 3)
    before = await shop.requests()
    job = await shop.run("inventory", "incremental")
    after = await shop.requests()

    truth = {
        (one["inventory_item_id"], one["location_id"]): tuple(
            one["quantities"][name] for name in QUANTITIES
        )
        for one in await shop.truth("inventory_levels")
    }
    assert await levels(shop) == truth
    assert job["status"] == "succeeded"
    assert job["rows_done"] <= 6 < held
    assert after["graphql requests"] - before["graphql requests"] <= 6

    found = await shop.naive.ask(
        "{ locations(first: 10) { nodes { id inventoryLevels(first: 100) { nodes { item { id }"
        ' quantities(names: ["available"]) { quantity } } } } } }'
    )
    naive = {
        (number(level["item"]["id"]), number(place["id"]))
        for place in found["locations"]["nodes"]
        for level in place["inventoryLevels"]["nodes"]
    }
    assert naive == {one for one in truth if one[1] != closed} < truth.keys()


@dataclass
class Picked:
    """An order as a connector keeps it that knows its fields: whatever else comes is gone."""

    id: int
    name: str
    total_price: str

    @classmethod
    def of(cls, body: bytes) -> dict[str, Any]:
        known = orjson.loads(body)
        return {name: known[name] for name in cls.__dataclass_fields__}


async def test_pain_22_a_field_that_nobody_knew_is_kept(open_shop: OpenShop):
    shop = await open_shop(orders=5)
    body = (await shop.truth("orders"))[0] | {"loyalty_tier": "gold"}
    del body["transactions"]  # the truth knows more than a webhook tells
    schema_drift.SEEN.taken()

    told = a_webhook(shop.owner, "orders/paid", body)
    await apply([told], pool=shop.context.pool, bus=shop.context.bus)
    await schema_drift.report(shop.context.pool)

    raw = await shop.value("SELECT raw FROM commerce.orders WHERE order_id = $1", body["id"])
    archived = orjson.loads(zstandard.ZstdDecompressor().decompress(raw))
    assert "loyalty_tier" not in Picked.of(orjson.dumps(body))
    assert archived["loyalty_tier"] == "gold"
    drift = await shop.column("SELECT what FROM commerce.schema_drift WHERE kind = 'field'")
    assert drift == ["orders/paid: loyalty_tier"]


async def test_pain_22_variants_that_shrank_to_ids_are_read_again(open_shop: OpenShop):
    """A product's webhook names at most a hundred of its variants whole."""
    shop = await open_shop(orders=0, products=12)
    large = max(await shop.truth("products"), key=lambda one: len(one["variants"]))
    truth = {one["id"] for one in large["variants"]}
    async with receiving() as (address, came):
        await shop.changed(webhook_url=address).sync("full", "shop")
        await shop.simulator.act("update_product", id=large["id"])
        await all_sent(shop)
    bodies = [orjson.loads(body) for topic, _, body in came if topic == "products/update"]
    naive = {one["id"] for one in bodies[-1]["variants"]}

    deliveries = [delivered(shop, *one) for one in came]
    await apply(deliveries, pool=shop.context.pool, bus=shop.context.bus)
    await settle(shop.context)

    assert len(truth) > 100
    assert naive < truth
    ours = "SELECT variant_id FROM commerce.variants WHERE product_id = $1"
    assert set(await shop.column(ours, large["id"])) == truth


async def test_pain_23_a_renamed_shop_is_the_same_shop(open_shop: OpenShop, open_gateway):
    """Its old domain is dead. Who keys shops by domain starts another one, or stops."""
    shop = await open_shop(orders=20)
    await shop.sync("full", "shop", "orders")
    found = await shop.naive.ask("{ shop { id } orders(first: 50) { nodes { id } } }")
    await shop.db.execute(
        "UPDATE accounts.stores SET shopify_shop_id = $1", number(found["shop"]["id"])
    )
    naive = {(shop.simulator.shop, one["id"]) for one in found["orders"]["nodes"]}

    renamed = shop.simulator.shop.replace("pain-", "joy-")
    await shop.simulator.act("rename", domain=renamed)
    await shop.sync("incremental", "shop")
    told = shop.context.bus.published
    (event,) = [one for one in told if one["kind"] == "store.renamed"]
    gateway = await open_gateway()
    await on_store_renamed(StoreRenamed.model_validate(event), pool=gateway.pool)
    await shop.faults(admin={"renamed": "404"})
    await shop.sync("incremental", "orders")

    with pytest.raises(Refused, match="Not Found"):
        await shop.naive.ask("{ shop { id } }")
    again = await shop.moved(renamed).naive.page("orders", "id", 50)
    naive |= {(renamed, one["id"]) for one in again}
    assert len(naive) == 40
    assert await shop.column("SELECT count(*) FROM commerce.orders GROUP BY shop_id") == [20]
    stores = await shop.db.fetch("SELECT shop_id, shop_domain, status FROM accounts.stores")
    assert [tuple(row) for row in stores] == [(shop.owner.shop_id, renamed, "active")]
    former = await shop.column("SELECT domain FROM accounts.store_domains")
    assert former == [shop.simulator.shop]
