"""Recorded bodies of real and official sources: what the mapper takes and what it refuses.

The recordings are not ours to publish, so this runs where the folder lies beside the repository.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from shared.deliveries import Delivery
from shared.errors import Rejected
from shared.shopify import mapping
from shared.shopify.payload_schemas import SCHEMA_OF, schema
from shared.shopify.snapshots import Fact, Owner, Source
from shared.shopify.webhooks import facts_of
from tests import whole_nodes

FIXTURES = Path(__file__).parents[2].parent / "shared" / "data" / "shopify-fixtures"
MOMENT = "2026-03-29T18:00:27Z"
OWNER = Owner(tenant_id="00000000-0000-0000-0000-00000000000a", shop_id=7)

TOPICS = {
    "order": "orders/updated",
    "product": "products/update",
    "customer": "customers/update",
    "transaction": "order_transactions/create",
    "fulfillment": "fulfillments/update",
    "refund": "refunds/create",
    "inventory_item": "inventory_items/update",
    "inventory_level": "inventory_levels/update",
    "location": "locations/update",
    "shop": "shop/update",
}
VALIDATORS = {topic: Draft202012Validator(schema(SCHEMA_OF[topic])) for topic in TOPICS.values()}
WITHOUT_AMOUNTS = {
    topic: Draft202012Validator(
        json.loads(
            json.dumps(validator.schema).replace('{"type": ["string", "number", "null"]}', "{}")
        )
    )
    for topic, validator in VALIDATORS.items()
}
# File -> what its mapped bodies are, and how many.
MAPPED = {
    "api-node/inventory-level__res__list.json": ("inventory_level", 2),
    "api-node/order__res__list.json": ("order", 1),
    "api-node/product__res__list.json": ("product", 2),
    "api-node/refund__res__list.json": ("refund", 1),
    "api-node/transaction__res__list.json": ("transaction", 3),
    "go-shopify/customer.json": ("customer", 1),
    "go-shopify/inventory_levels.json": ("inventory_level", 4),
    "go-shopify/order_with_transaction.json": ("order", 1),
    "go-shopify/orders.json": ("order", 1),
    "go-shopify/transactions.json": ("transaction", 1),
    "python-api/customer.json": ("customer", 1),
    "python-api/inventory_item.json": ("inventory_item", 1),
    "python-api/inventory_levels.json": ("inventory_level", 4),
    "python-api/locations.json": ("location", 2),
    "python-api/order.json": ("order", 1),
    "python-api/product.json": ("product", 1),
    "python-api/products.json": ("product", 4),
    "python-api/refund.json": ("refund", 1),
    "python-api/transaction.json": ("transaction", 1),
    "rest-official-2026-07/collection__test_2.json": ("product", 1),
    "rest-official-2026-07/customer__test_1.json": ("customer", 2),
    "rest-official-2026-07/customer__test_15.json": ("customer", 1),
    "rest-official-2026-07/customer__test_28.json": ("order", 1),
    "rest-official-2026-07/customer__test_29.json": ("order", 1),
    "rest-official-2026-07/customer__test_3.json": ("customer", 1),
    "rest-official-2026-07/customer__test_4.json": ("customer", 1),
    "rest-official-2026-07/fulfillment__test_1.json": ("fulfillment", 1),
    "rest-official-2026-07/fulfillment__test_2.json": ("fulfillment", 1),
    "rest-official-2026-07/fulfillment__test_5.json": ("fulfillment", 1),
    "rest-official-2026-07/inventory_item__test_1.json": ("inventory_item", 3),
    "rest-official-2026-07/inventory_item__test_2.json": ("inventory_item", 1),
    "rest-official-2026-07/inventory_item__test_3.json": ("inventory_item", 1),
    "rest-official-2026-07/inventory_level__test_1.json": ("inventory_level", 4),
    "rest-official-2026-07/inventory_level__test_2.json": ("inventory_level", 2),
    "rest-official-2026-07/inventory_level__test_3.json": ("inventory_level", 4),
    "rest-official-2026-07/inventory_level__test_7.json": ("inventory_level", 1),
    "rest-official-2026-07/location__test_1.json": ("location", 5),
    "rest-official-2026-07/location__test_2.json": ("location", 1),
    "rest-official-2026-07/location__test_4.json": ("inventory_level", 4),
    "rest-official-2026-07/order__test_11.json": ("order", 1),
    "rest-official-2026-07/order__test_12.json": ("order", 1),
    "rest-official-2026-07/order__test_13.json": ("order", 1),
    "rest-official-2026-07/order__test_14.json": ("order", 1),
    "rest-official-2026-07/order__test_28.json": ("order", 1),
    "rest-official-2026-07/order__test_29.json": ("order", 1),
    "rest-official-2026-07/order__test_30.json": ("order", 1),
    "rest-official-2026-07/order__test_32.json": ("order", 1),
    "rest-official-2026-07/order__test_5.json": ("order", 1),
    "rest-official-2026-07/order__test_8.json": ("order", 1),
    "rest-official-2026-07/product__test_1.json": ("product", 2),
    "rest-official-2026-07/product__test_11.json": ("product", 1),
    "rest-official-2026-07/product__test_13.json": ("product", 1),
    "rest-official-2026-07/product__test_14.json": ("product", 1),
    "rest-official-2026-07/product__test_15.json": ("product", 1),
    "rest-official-2026-07/product__test_22.json": ("product", 1),
    "rest-official-2026-07/product__test_4.json": ("product", 1),
    "rest-official-2026-07/product__test_9.json": ("product", 1),
    "rest-official-2026-07/refund__test_1.json": ("refund", 1),
    "rest-official-2026-07/refund__test_2.json": ("refund", 1),
    "rest-official-2026-07/refund__test_3.json": ("refund", 1),
    "rest-official-2026-07/refund__test_4.json": ("refund", 1),
    "rest-official-2026-07/shop__test_1.json": ("shop", 1),
    "rest-official-2026-07/transaction__test_1.json": ("transaction", 3),
    "rest-official-2026-07/transaction__test_2.json": ("transaction", 1),
    "rest-official-2026-07/transaction__test_3.json": ("transaction", 1),
    "rest-official-2026-07/transaction__test_8.json": ("transaction", 1),
}
# File -> what its bodies look like, though they are none of ours.
REFUSED = {
    "api-node/refund__res__calculate.json": ("refund", 1),  # calculated, of no order
    "python-api/refund_calculate.json": ("refund", 1),
    "go-shopify/payments_transactions.json": ("transaction", 3),  # of a balance, not of an order
    "python-api/payouts_transactions.json": ("transaction", 25),
    "python-api/orders.json": ("order", 1),  # narrowed to a few fields, without lines
    "python-api/graphql.json": ("shop", 1),  # narrowed, without its time zone
}
# Nodes that happen to be selected as whole as our own queries select them.
NODES = {
    "graphql-live/2025-01__customers__customer-merge-parity.json": {"Customer": 3},
    "graphql-live/2025-01__products__product-variants-bulk-create-parity.json": {"Product": 1},
    "graphql-live/2026-04__discounts__discount-bxgy-lifecycle.json": {"Product": 2},
    "graphql-live/2026-04__shipping-fulfillments__fulfillment-order-mixed-catalog-lifecycle.json": {
        "Location": 1
    },
}
GRAPHQL = (
    ("Order", whole_nodes.order_facts),
    ("Product", whole_nodes.product_facts),
    ("Customer", whole_nodes.customer_facts),
    ("InventoryItem", whole_nodes.inventory_item_facts),
    ("InventoryLevel", mapping.level_facts),
    ("Location", mapping.location_facts),
)


def files(folder: str = "*") -> list[str]:
    found = sorted(FIXTURES.glob(f"{folder}/*.json"))
    return [f"{path.parent.name}/{path.name}" for path in found]


def bodies(file: str) -> Iterator[tuple[str, dict[str, Any]]]:
    document = json.loads((FIXTURES / file).read_text())
    if isinstance(document, list):
        document = {Path(file).stem: document}
    for name, value in document.get("response", document).items():
        kind = name.removesuffix("s")
        if kind in TOPICS:
            yield from ((kind, body) for body in (value if isinstance(value, list) else [value]))


def outcome(topic: str, body: Any) -> str:
    shop = body.get("myshopify_domain", "x") if isinstance(body, dict) else "x"
    raw = json.dumps(body).encode()
    delivery = Delivery("t", 7, shop, topic, "w", "e", MOMENT, MOMENT, "2026-10", raw)
    try:
        return "mapped" if facts_of(delivery) else "nothing"
    except Rejected as error:
        return error.code if str(error.details["path"]).startswith("$") else "no path"


pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason=f"{FIXTURES} is absent")


@pytest.mark.parametrize("file", [one for one in files() if not one.startswith("graphql-live")])
def test_recorded_bodies_are_mapped_or_refused(file):
    outcomes = Counter((kind, outcome(TOPICS[kind], body)) for kind, body in bodies(file))

    expected: Counter[tuple[str, str]] = Counter()
    for table, name in ((MAPPED, "mapped"), (REFUSED, "bad_payload")):
        if file in table:
            kind, count = table[file]
            expected[kind, name] = count
    assert outcomes == expected


def fits(topic: str, body: Any) -> bool:
    """Whether the published schema takes *body*."""
    return VALIDATORS[topic].is_valid(body)


@pytest.mark.parametrize("file", MAPPED)
def test_recorded_bodies_fit_the_published_schemas(file):
    mapped, count = MAPPED[file]
    fitting = [fits(TOPICS[kind], body) for kind, body in bodies(file) if kind == mapped]

    assert fitting == [True] * count


@pytest.mark.parametrize("wanted", TOPICS)
def test_a_schema_refuses_a_value_of_another_kind_where_the_mapper_does(wanted):
    """Less plain amounts that stand beside a ``*_set``: the mapper does not look at them."""
    topic, seen = TOPICS[wanted], set()
    for file in MAPPED:
        for _, body in (one for one in bodies(file) if one[0] == wanted):
            for path, changed in changes(body, {"": []}):
                if path in seen:
                    continue
                seen.add(path)
                refused = outcome(topic, changed) == "bad_payload"
                assert not (refused and fits(topic, changed)), path
                assert refused or WITHOUT_AMOUNTS[topic].is_valid(changed), path
    assert seen


@pytest.mark.parametrize("file", MAPPED)
def test_what_a_schema_asks_for_the_mapper_asks_for(file):
    for kind, body in bodies(file):
        for name in body:
            less = {key: value for key, value in body.items() if key != name}
            if not fits(TOPICS[kind], less):
                assert outcome(TOPICS[kind], less) == "bad_payload"


def changes(value: Any, other: Any, path: str = "$") -> Iterator[tuple[str, Any]]:
    """Yield *value* with each of its properties in turn, at any depth, being *other*, and where."""
    if isinstance(value, dict):
        for name, inner in value.items():
            below = f"{path}.{name}"
            yield below, {**value, name: other}
            yield from ((at, {**value, name: one}) for at, one in changes(inner, other, below))
    if isinstance(value, list) and value:
        yield from ((at, [one, *value[1:]]) for at, one in changes(value[0], other, f"{path}[]"))


@pytest.mark.parametrize("file", files())
def test_a_whole_file_is_no_body_of_any_topic(file):
    document = json.loads((FIXTURES / file).read_text())

    assert {outcome(topic, document) for topic in TOPICS.values()} == {"bad_payload"}


@pytest.mark.parametrize("file", files("graphql-live"))
def test_real_nodes_are_mapped_where_they_were_selected_whole(file):
    document = json.loads((FIXTURES / file).read_text())
    outcomes = Counter(
        (type_name, node_outcome(read, node))
        for type_name, read in GRAPHQL
        for node in nodes(document, type_name)
    )

    mapped = {kind: count for (kind, what), count in outcomes.items() if what == "mapped"}
    assert mapped == NODES.get(file, {})
    assert {what for _, what in outcomes} <= {"mapped", "bad_payload"}


def node_outcome(read: Callable[[bytes, Owner, Source], list[Fact]], node: Any) -> str:
    try:
        read(json.dumps(node).encode(), OWNER, "poll")
    except Rejected as error:
        return error.code
    return "mapped"


def nodes(value: Any, type_name: str) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for inner in value:
            yield from nodes(inner, type_name)
    elif isinstance(value, dict):
        if str(value.get("id")).startswith(f"gid://shopify/{type_name}/"):
            yield value
        for inner in value.values():
            yield from nodes(inner, type_name)
