"""The legacy REST reads, as other people's tools use them."""

from __future__ import annotations

import json
import re

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.contract.simulator.worlds import AS_OF, DOMAIN, SCOPES, a_platform
from tests.simulator import actions, moments
from tests.simulator.app import build_app
from tests.simulator.payloads import orders
from tests.simulator.store import Token

ROOT = f"/shops/{DOMAIN}/admin/api/2026-10"
HEADERS = {"X-Shopify-Access-Token": "shpat_test"}


@pytest.fixture
async def shop():
    platform, store = a_platform(orders=120)
    store.tokens["shpat_test"] = Token("shpat_test", list(SCOPES))
    async with TestClient(TestServer(build_app(platform)), headers=HEADERS) as client:
        yield client, platform, store


def _links(answer):
    found = re.findall(r'<([^>]+)>; rel="(\w+)"', answer.headers.get("Link", ""))
    return {rel: "/" + url.split("/", 3)[3] for url, rel in found}


async def _follow(client, path, rel="next"):
    pages = []
    while path:
        answer = await client.get(path)
        assert answer.status == 200, await answer.text()
        pages.append(next(iter((await answer.json()).values())))
        path = _links(answer).get(rel)
    return pages


async def test_links_lead_through_every_order_and_back(shop):
    client, _, store = shop

    pages = await _follow(client, f"{ROOT}/orders.json?status=any&limit=50")
    found = [one["id"] for page in pages for one in page]

    newest = sorted(store.world.orders, key=lambda one: (one.created, one.id), reverse=True)
    assert [len(page) for page in pages] == [50, 50, 20]
    assert found == [one.id for one in newest]
    second = _links(await client.get(f"{ROOT}/orders.json?status=any&limit=50"))["next"]
    back = _links(await client.get(second))["previous"]
    (first, *_) = await _follow(client, back, rel="previous")
    assert [one["id"] for one in first] == found[:50]


async def test_an_order_is_the_body_of_its_webhook(shop):
    client, _, store = shop
    order = next(one for one in store.world.orders if one.refunds)

    one = await (await client.get(f"{ROOT}/orders/{order.id}.json")).json()
    few = await (await client.get(f"{ROOT}/orders/{order.id}.json?fields=id,name")).json()
    refunds = await (await client.get(f"{ROOT}/orders/{order.id}/refunds.json")).json()

    told = json.loads(json.dumps(orders.order_body(order, store.world)))
    assert one == {"order": told}
    assert few == {"order": {"id": order.id, "name": order.name}}
    assert refunds == {"refunds": told["refunds"]}
    assert re.fullmatch(r"\d+\.\d\d", told["total_price"])


async def test_open_orders_are_the_default_and_counts_agree(shop):
    client, _, store = shop

    pages = await _follow(client, f"{ROOT}/orders.json?limit=250")
    count = await (await client.get(f"{ROOT}/orders/count.json")).json()
    whole = await (await client.get(f"{ROOT}/orders/count.json?status=any")).json()

    assert count == {"count": sum(map(len, pages))}
    assert whole == {"count": 120}
    assert {one["id"] for page in pages for one in page} == {
        one.id for one in store.world.orders if not one.closed and not one.cancelled
    }


async def test_orders_are_chosen_by_times_ids_and_the_last_seen(shop):
    client, _, store = shop
    some = sorted(store.world.orders, key=lambda one: one.updated)
    low, high = moments.utc(some[30].updated), moments.utc(some[60].updated)

    between = await _follow(
        client, f"{ROOT}/orders.json?status=any&updated_at_min={low}&updated_at_max={high}"
    )
    named = await _follow(client, f"{ROOT}/orders.json?status=any&ids={some[0].id},{some[9].id}")
    first = min(one.id for one in some)
    since = await _follow(client, f"{ROOT}/orders.json?status=any&since_id={first}&limit=250")

    assert {one["id"] for page in between for one in page} == {
        one.id for one in some if some[30].updated <= one.updated <= some[60].updated
    }
    assert {one["id"] for page in named for one in page} == {some[0].id, some[9].id}
    assert [one["id"] for one in since[0]] == sorted(one.id for one in some)[1:]


@pytest.mark.parametrize("path", ["products", "customers"])
async def test_products_and_customers_come_in_pages(shop, path):
    client, _, store = shop

    pages = await _follow(client, f"{ROOT}/{path}.json?limit=5")

    assert [one["id"] for page in pages for one in page] == [
        one.id for one in getattr(store.world, path)
    ]


async def test_stock_is_read_by_location_and_by_item(shop):
    client, _, store = shop
    place = next(iter(store.world.locations))
    item = next(one for one in store.world.items if place in one.levels)

    pages = await _follow(client, f"{ROOT}/inventory_levels.json?location_ids={place}&limit=20")
    items = await (await client.get(f"{ROOT}/inventory_items.json?ids={item.id}")).json()
    nothing = await client.get(f"{ROOT}/inventory_levels.json")

    found = {(one["inventory_item_id"], one["location_id"]) for page in pages for one in page}
    assert found == {(one.id, place) for one in store.world.items if place in one.levels}
    assert [one["id"] for one in items["inventory_items"]] == [item.id]
    assert nothing.status == 422


async def test_shop_scopes_and_locations_answer(shop):
    client, _, store = shop

    told = await (await client.get(f"{ROOT}/shop.json")).json()
    scopes = await (await client.get(f"/shops/{DOMAIN}/admin/oauth/access_scopes.json")).json()
    places = await (await client.get(f"{ROOT}/locations.json")).json()

    assert told["shop"]["myshopify_domain"] == DOMAIN
    assert [one["handle"] for one in scopes["access_scopes"]] == SCOPES
    assert [one["id"] for one in places["locations"]] == list(store.world.locations)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("page=2", 400),
        ("page_info=abc&status=any", 400),
        ("page_info=abc", 400),
        ("limit=none", 400),
        ("updated_at_min=yesterday", 400),
    ],
)
async def test_a_bad_request_is_told_what_is_wrong(shop, query, status):
    answer = await shop[0].get(f"{ROOT}/orders.json?{query}")

    assert answer.status == status
    assert (await answer.json())["errors"]


async def test_forty_calls_fit_and_the_next_waits(shop):
    client = shop[0]

    answers = [await client.get(f"{ROOT}/shop.json") for _ in range(45)]

    statuses = [one.status for one in answers]
    assert statuses[:40] == [200] * 40
    assert 429 in statuses[40:]
    refused = answers[statuses.index(429)]
    assert refused.headers["Retry-After"] == "2.0"
    assert answers[0].headers["X-Shopify-Shop-Api-Call-Limit"] == "1/40"


async def test_a_missing_scope_or_object_is_refused(shop):
    client, _, store = shop
    store.tokens["less"] = Token("less", ["read_products"])

    denied = await client.get(f"{ROOT}/orders.json", headers={"X-Shopify-Access-Token": "less"})
    unknown = await client.get(f"{ROOT}/orders/1.json")
    stranger = await client.get(f"{ROOT}/orders.json", headers={"X-Shopify-Access-Token": "x"})

    assert (denied.status, unknown.status, stranger.status) == (403, 404, 401)


@pytest.mark.parametrize(
    ("asked", "served"),
    [("2026-10", "2026-10"), ("2020-01", "2026-01"), ("unstable", "unstable"),
     ("2027-01", "2027-01"), ("nonsense", "2026-01")],
)  # fmt: skip
async def test_the_version_that_answers_is_told(shop, asked, served):
    answer = await shop[0].get(f"/shops/{DOMAIN}/admin/api/{asked}/shop.json")

    assert (answer.status, answer.headers["X-Shopify-API-Version"]) == (200, served)


async def test_a_renamed_shop_answers_under_both_names_until_told_otherwise(shop):
    client, platform, store = shop
    actions.act(store, "rename", {"domain": "fresh.myshopify.com"}, seed=1, at=AS_OF)

    old = await client.get(f"{ROOT}/shop.json")
    new = await client.get("/admin/api/2026-10/shop.json", headers={"Host": "fresh.myshopify.com"})
    page = await client.get(
        f"/shops/{DOMAIN}/admin/oauth/authorize?client_id=x", allow_redirects=False
    )
    platform.faults.set({"admin": {"renamed": "404"}})
    gone = await client.get(f"{ROOT}/shop.json")

    assert (await old.json())["shop"]["myshopify_domain"] == "fresh.myshopify.com"
    assert (new.status, gone.status) == (200, 404)
    assert page.status == 301
    assert page.headers["Location"] == (
        "/shops/fresh.myshopify.com/admin/oauth/authorize?client_id=x"
    )
