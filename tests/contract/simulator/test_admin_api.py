"""Search, paging, cost, scopes and subscriptions of the Admin API."""

from __future__ import annotations

import pytest

from tests.contract.simulator.worlds import AS_OF, a_call, a_platform, ask
from tests.simulator import moments, search
from tests.simulator.bucket import Bucket

IDS = """query Ids($query: String, $first: Int, $last: Int, $after: String, $reverse: Boolean) {
    orders(first: $first, last: $last, after: $after, query: $query, reverse: $reverse,
           sortKey: UPDATED_AT) { nodes { id updatedAt } pageInfo { hasNextPage endCursor } } }"""


@pytest.fixture(scope="module")
def shop():
    return a_platform(orders=120)


def _found(shop, query):
    answer = ask(a_call(*shop), IDS, query=query, first=250)
    shop[1].bucket.give_back(10_000)
    return {node["id"] for node in answer["data"]["orders"]["nodes"]}


def _expected(shop, keep):
    return {f"gid://shopify/Order/{o.id}" for o in shop[1].world.orders if keep(o)}


def test_dates_may_be_quoted_or_not_and_bounds_are_exact(shop):
    middle = sorted(o.updated for o in shop[1].world.orders)[60]
    text = moments.utc(middle)

    assert _found(shop, f"updated_at:>'{text}'") == _expected(shop, lambda o: o.updated > middle)
    assert _found(shop, f'updated_at:>="{text}"') == _expected(shop, lambda o: o.updated >= middle)
    assert _found(shop, f"updated_at:<{text}") == _expected(shop, lambda o: o.updated < middle)
    assert _found(shop, f"updated_at:<={text}") == _expected(shop, lambda o: o.updated <= middle)


def test_terms_side_by_side_must_all_hold_and_or_takes_either(shop):
    low, high = moments.utc(AS_OF - 400 * 86_400), moments.utc(AS_OF - 100 * 86_400)

    both = _found(shop, f"created_at:>={low} created_at:<{high}")
    either = _found(shop, f"created_at:<{low} OR created_at:>={high}")

    assert both == _expected(
        shop, lambda o: AS_OF - 400 * 86_400 <= o.created < AS_OF - 100 * 86_400
    )
    assert both
    assert either
    assert both | either == _expected(shop, lambda o: True)
    assert not both & either


def test_an_unknown_search_field_is_ignored_and_returns_everything(shop):
    assert _found(shop, "colour:blue") == _expected(shop, lambda o: True)


def test_status_fields_and_ids_are_searched(shop):
    one = next(iter(shop[1].world.orders))

    assert _found(shop, f"id:{one.id}") == {f"gid://shopify/Order/{one.id}"}
    assert _found(shop, "financial_status:refunded") == _expected(
        shop, lambda o: bool(o.refunds) and o.totals.refunded == o.totals.received
    )


def test_a_plain_day_means_the_whole_day():
    term = search.parse("created_at:2026-03-05")[0][0]

    assert term.high - term.low == 86_399


@pytest.mark.parametrize("reverse", [False, True])
def test_pages_follow_each_other_without_gap_or_repeat(shop, reverse):
    seen, after = [], None
    while True:
        answer = ask(a_call(*shop), IDS, first=17, after=after, reverse=reverse)
        shop[1].bucket.give_back(10_000)
        page = answer["data"]["orders"]
        seen += [(node["updatedAt"], node["id"]) for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]

    assert len(seen) == 120
    assert [when for when, _ in seen] == sorted((when for when, _ in seen), reverse=reverse)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "you must provide one of first or last"),
        ({"first": 1, "last": 1}, "providing both first and last is not supported"),
    ],
)
def test_a_page_needs_exactly_one_size(shop, arguments, message):
    error = ask(a_call(*shop), IDS, **arguments)["errors"][0]

    assert (error["message"], error["extensions"]["code"]) == (message, "BAD_REQUEST")


def test_a_changed_order_moves_to_the_end_of_the_updated_pages(shop):
    platform, store = a_platform(orders=30)
    ask(a_call(platform, store), IDS, first=5)
    order = next(iter(store.world.orders))
    order.updated = AS_OF + 500
    store.world.put_order(order)

    nodes = ask(a_call(platform, store), IDS, last=1)["data"]["orders"]["nodes"]

    assert nodes == [
        {"id": f"gid://shopify/Order/{order.id}", "updatedAt": moments.utc(AS_OF + 500)}
    ]


def test_orders_older_than_sixty_days_need_a_scope_of_their_own():
    platform, store = a_platform(orders=50, as_of=moments.now())
    call = a_call(platform, store, ["read_orders"])

    answer = ask(call, "{ ordersCount { count } orders(first: 100) { nodes { createdAt } } }")

    floor = moments.utc(moments.now() - 60 * 86_400)
    recent = [node["createdAt"] for node in answer["data"]["orders"]["nodes"]]
    assert 0 < len(recent) < 50
    assert min(recent) >= floor
    assert answer["data"]["ordersCount"]["count"] == len(recent)


def test_a_missing_scope_is_told_by_name():
    answer = ask(
        a_call(*a_platform(), ["read_products"]), "{ customers(first: 1) { nodes { id } } }"
    )

    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert "`read_customers` access scope" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        # Recorded from a live shop.
        ("{ products(first: 1) { nodes { id } } }", 3),
        ("{ locations(first: 10) { nodes { id name isActive } } }", 6),
        ("{ products(first: 250) { nodes { id title tags } pageInfo { hasNextPage } } }", 13),
        (
            """{ order(id: "gid://shopify/Order/1") { id lineItems(first: 50) { nodes { id
            variant { id } originalUnitPriceSet { shopMoney { amount } } } } } }""",
            17,
        ),
    ],
)
def test_a_query_costs_what_it_cost_at_a_live_shop(shop, query, cost):
    shop[1].bucket.give_back(10_000)

    answer = ask(a_call(*shop), query)

    assert answer["extensions"]["cost"]["requestedQueryCost"] == cost
    assert answer["extensions"]["cost"]["actualQueryCost"] <= cost


def test_the_bucket_empties_throttles_and_refills():
    now = [0.0]
    bucket = Bucket("standard", clock=lambda: now[0])

    assert bucket.take(1_999)
    assert not bucket.take(2)
    now[0] = 0.5
    assert bucket.available == 51
    now[0] = 1_000
    assert bucket.available == 2_000


def test_a_query_that_does_not_fit_is_throttled_with_its_cost():
    platform, store = a_platform()
    store.bucket.take(1_999)

    answer = ask(a_call(platform, store), "{ products(first: 250) { nodes { id } } }")

    assert answer["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert answer["extensions"]["cost"]["actualQueryCost"] is None
    assert "data" not in answer


def test_a_query_above_a_thousand_points_is_refused():
    query = """{ orders(first: 250) { nodes { lineItems(first: 250) { nodes { product { id }
        variant { product { id } inventoryItem { id } } } } shippingLines(first: 250) { edges { node
        { id } } } customer { orders(first: 250) { nodes { id app { id } } } } } } }"""

    answer = ask(a_call(*a_platform()), query)

    assert answer["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert answer["errors"][0]["extensions"]["maxCost"] == 1000


CREATE = """mutation Create($uri: String!) { webhookSubscriptionCreate(topic: ORDERS_CREATE,
    webhookSubscription: {uri: $uri}) { webhookSubscription { id topic uri }
    userErrors { field message } } }"""


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("https://app.example/hooks", "Address for this topic has already been taken"),
        ("", "Address can't be blank"),
        ("https://a.myshopify.com/x", "Address cannot be a Shopify or an internal domain"),
    ],
)
def test_a_bad_webhook_address_is_refused_in_the_recorded_words(uri, message):
    platform, store = a_platform()
    call = a_call(platform, store)
    ask(call, CREATE, uri="https://app.example/hooks")

    payload = ask(call, CREATE, uri=uri)["data"]["webhookSubscriptionCreate"]

    assert payload["webhookSubscription"] is None
    assert payload["userErrors"][0]["message"] == message
