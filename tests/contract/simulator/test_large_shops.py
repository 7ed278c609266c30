"""A large shop repeats a few hundred orders; whoever reads it cannot tell."""

from __future__ import annotations

import json

import pytest
from aiohttp.test_utils import TestClient, TestServer

from shared.shopify.documents import document
from tests.contract.simulator.worlds import AS_OF, a_call, a_platform, a_recipe, ask
from tests.simulator import actions, search
from tests.simulator.app import build_app
from tests.simulator.bulk import Asked
from tests.simulator.results import family
from tests.simulator.store import Operation
from tests.simulator.world import build_world

RUN = """mutation Run($query: String!, $grouped: Boolean!) {
    bulkOperationRunQuery(query: $query, groupObjects: $grouped) {
        bulkOperation { id } userErrors { message } } }"""
QUERY = document("orders_bulk")


@pytest.fixture
def shop():
    return a_platform(orders=900, prototypes=60, customers=200)


async def _finished(platform, store, query, *, grouped=False):
    answer = ask(a_call(platform, store), RUN, query=query, grouped=grouped)
    made = answer["data"]["bulkOperationRunQuery"]["bulkOperation"]
    operation = store.operations[int(made["id"].rpartition("/")[2])]
    await operation.task
    assert platform.crashes == []
    return operation, platform.bulk.results[(operation.url or "/").rpartition("/")[2]]


def _one_by_one(store, query):
    operation = Operation(1, query, 0, "", ["read_orders", "read_all_orders"])
    asked = Asked(store, operation)
    return {line for thing in asked.things() for line in family(asked.shape, thing)}


@pytest.mark.parametrize("currency", ["USD", "JPY"])
async def test_every_line_of_a_rendered_result_is_that_of_the_order_itself(currency):
    platform, store = a_platform(orders=900, prototypes=60, customers=200, currency=currency)

    operation, result = await _finished(platform, store, QUERY.replace("__FILTER__", ""))

    raw = b"".join(result.chunks())
    told = _one_by_one(store, QUERY.replace("__FILTER__", ""))
    assert set(raw.splitlines()) == told
    assert len(raw.splitlines()) == len(told) == operation.objects
    assert (operation.roots, operation.size) == (900, len(raw))
    assert len(result._stored) < 200, "hardly anything was rendered by a template"


async def test_what_happened_since_is_in_the_result_and_the_rest_is_still_rendered(shop):
    platform, store = shop
    await _finished(platform, store, QUERY.replace("__FILTER__", ""))
    for n, name in enumerate(("refund_order", "edit_order", "create_order", "delete_order") * 10):
        actions.act(store, name, {}, seed=n, at=AS_OF + n)
    product = next(iter(store.world.products))
    actions.act(store, "delete_product", {"id": product.id}, seed=1, at=AS_OF)

    operation, result = await _finished(platform, store, QUERY.replace("__FILTER__", ""))

    raw = b"".join(result.chunks())
    assert set(raw.splitlines()) == _one_by_one(store, QUERY.replace("__FILTER__", ""))
    assert (operation.roots, operation.size) == (len(store.world.orders), len(raw))


async def test_a_result_shows_the_moment_it_was_made(shop):
    platform, store = shop
    _, result = await _finished(platform, store, QUERY.replace("__FILTER__", ""))
    before = b"".join(result.chunks())

    for n in range(30):
        actions.act(store, "update_order", {}, seed=n, at=AS_OF + n)

    assert b"".join(result.chunks()) == before


async def test_grouped_and_ungrouped_results_hold_the_same_lines(shop):
    _, loose = await _finished(*shop, QUERY.replace("__FILTER__", ""))
    _, close = await _finished(*shop, QUERY.replace("__FILTER__", ""), grouped=True)

    apart, together = (b"".join(one.chunks()).splitlines() for one in (loose, close))
    assert apart != together
    assert sorted(apart) == sorted(together)
    current = None
    for row in map(json.loads, together):
        current = row["id"] if "__parentId" not in row else current
        assert row.get("__parentId", current) == current


async def test_a_search_by_creation_time_finds_the_same_orders_as_a_look_at_each(shop):
    _, store = shop
    some = sorted(one.created for one in store.world.orders)
    query = search.parse(f"created_at:>={_at(some[200])} created_at:<{_at(some[400])}")

    found = [number for _, number in store.world.orders.scan(query)]

    assert found == sorted(
        one.id for one in store.world.orders if some[200] <= one.created < some[400]
    )
    assert store.world.orders.total(query) == len(found)


def _at(moment):
    from tests.simulator.moments import utc

    return utc(moment)


async def test_a_download_may_begin_anywhere(shop):
    platform, store = shop
    operation, result = await _finished(platform, store, QUERY.replace("__FILTER__", ""))
    whole = b"".join(result.chunks())
    path = "/" + operation.url.partition("//")[2].partition("/")[2]
    async with TestClient(TestServer(build_app(platform))) as client:
        full = await client.get(path)
        part = await client.get(path, headers={"Range": "bytes=1234567-"})
        beyond = await client.get(path, headers={"Range": f"bytes={len(whole)}-"})

        assert (full.status, await full.read()) == (200, whole)
        assert (part.status, await part.read()) == (206, whole[1234567:])
        assert part.headers["Content-Range"] == f"bytes 1234567-{len(whole) - 1}/{len(whole)}"
        assert beyond.status == 416


async def test_a_short_file_lacks_a_hundredth_of_what_the_counts_say(shop):
    platform, store = shop
    platform.faults.set({"bulk": {"short_file": True}})

    operation, result = await _finished(platform, store, QUERY.replace("__FILTER__", ""))

    roots = sum(b"__parentId" not in line for line in b"".join(result.chunks()).splitlines())
    assert (operation.roots, roots) == (900, 891)


def test_a_customers_orders_are_known_without_making_them():
    world = build_world(a_recipe(orders=900, prototypes=60, customers=200))
    bought: dict[int, list[int]] = {}
    for order in world.orders:
        if order.customer_id is not None:
            bought.setdefault(order.customer_id, []).append(order.id)

    for customer in world.customers:
        assert world.orders_of(customer.id) == bought.get(customer.id, [])
        worth = sum(
            one.totals.received.shop - one.totals.refunded.shop
            for one in (world.orders.get(number) for number in world.orders_of(customer.id))
            if not one.test
        )
        assert world.spent_by(customer.id).minor == worth


def test_a_million_orders_are_there_at_once():
    world = build_world(a_recipe(orders=1_000_000, customers=400_000))

    last = world.orders.get(world.ids.of("Order", 999_999))

    assert len(world.orders) == 1_000_000
    assert last.number == 1_001_000
    assert world.book.plan(999_999).created == last.created
