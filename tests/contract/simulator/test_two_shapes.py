"""What the simulator says by webhook and by GraphQL becomes the same rows."""

from __future__ import annotations

import re

import orjson
import pytest

from shared.shopify.documents import document
from shared.shopify.snapshots import Snapshot
from shared.shopify.webhooks import facts_of
from shared.tables import COLUMNS
from tests import whole_nodes
from tests.contract.simulator.worlds import AS_OF, a_call, a_platform, ask
from tests.simulator import actions, moments
from tests.simulator.payloads import goods, orders
from tests.unit.shopify.shapes import OWNER, a_delivery

SHOPS = [
    {},
    {"currency": "GBP", "timezone": "Europe/London", "taxes_included": True},
    {"currency": "JPY", "timezone": "Asia/Tokyo", "taxes_included": True},
]


@pytest.fixture(scope="module", params=SHOPS, ids=["USD", "GBP", "JPY"])
def shop(request):
    platform, store = a_platform(orders=250, products=8, **request.param)
    for n in range(120):
        name = ("refund_order", "edit_order", "cancel_order", "create_order")[n % 4]
        actions.act(store, name, {}, seed=n, at=AS_OF + n)
    return platform, store


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)")


def _in_utc(text):
    """Postgres reads either notation as the same moment."""
    return _TIME.sub(lambda m: str(moments.parsed(m[0])), text)


def _children(snapshot, *, foreign=False):
    found = {
        table: [_in_utc(row) for row in rows]
        for table, rows in snapshot.children.items()
        if table != "transactions"
    }
    if foreign:
        found["refunds"] = [_without_total(row) for row in found["refunds"]]
    return found


def _without_total(row):
    """A webhook names a refund's money only in the buyer's currency; its total is refetched."""
    fields = row.split("\t")
    del fields[COLUMNS["refunds"].index("total_refunded")]
    return fields


def _nodes(shop, name, kind, numbers):
    platform, store = shop
    for start in range(0, len(numbers), 5):
        store.bucket.give_back(10_000)
        ids = [f"gid://shopify/{kind}/{number}" for number in numbers[start : start + 5]]
        answer = ask(a_call(platform, store), document(name), ids=ids)
        assert "errors" not in answer
        yield from answer["data"]["nodes"]


def _columns(table, snapshot, besides=("raw", "source")):
    named = dict(zip(COLUMNS[table], snapshot.row.split("\t"), strict=True))
    return {name: _in_utc(value) for name, value in named.items() if name not in besides}


def test_every_order_and_its_parts_are_the_same_rows(shop):
    world = shop[1].world
    everything = list(world.orders)
    nodes = _nodes(shop, "orders_by_ids", "Order", [one.id for one in everything])

    for order, node in zip(everything, nodes, strict=True):
        told, *_ = facts_of(
            a_delivery("orders/updated", orjson.dumps(orders.order_body(order, world)))
        )
        (read,) = whole_nodes.order_facts(orjson.dumps(node), OWNER, "poll")

        assert _columns("orders", told) == _columns("orders", read)
        foreign = order.currencies[0] != order.currencies[1]
        assert _children(told, foreign=foreign) == _children(read, foreign=foreign)


def test_every_product_within_a_hundred_variants_is_the_same_row(shop):
    world = shop[1].world
    everything = [one for one in world.products if len(one.variants) <= 100]
    nodes = _nodes(shop, "products_by_ids", "Product", [one.id for one in everything])

    for product, node in zip(everything, nodes, strict=True):
        body = orjson.dumps(goods.product_body(product, world))
        told = next(
            x for x in facts_of(a_delivery("products/update", body)) if isinstance(x, Snapshot)
        )
        read = next(x for x in whole_nodes.product_facts(orjson.dumps(node), OWNER, "poll"))

        assert _columns("products", told) == _columns("products", read)
        assert _children(told) == _children(read)
