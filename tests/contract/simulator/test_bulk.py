"""Bulk results carry the same values as pages, in Shopify's form."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.contract.simulator.worlds import a_call, a_platform, ask
from tests.simulator import bulk_rules

AMOUNT = "{ shopMoney { amount } presentmentMoney { amount } }"
MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount } }"
ORDER = f"""__typename id name createdAt processedAt displayFinancialStatus test tags
    customer {{ id }} app {{ id }} shippingAddress {{ city countryCodeV2 latitude }}
    totalPriceSet {MONEY} totalTaxSet {AMOUNT} currentTotalDutiesSet {AMOUNT}
    currentTotalPriceSet {MONEY} totalOutstandingSet {MONEY}
    originalTotalDutiesSet {MONEY} taxLines {{ title rate priceSet {MONEY} }}
    transactions {{ id kind status amountSet {MONEY} parentTransaction {{ id }} }}
    refunds {{ id totalRefundedSet {MONEY} duties {{ amountSet {MONEY} }} }}
    fulfillments {{ name totalQuantity trackingInfo {{ number url }} location {{ id }} }}"""
LINE = f"""id sku quantity currentQuantity product {{ id }} variant {{ id }}
    originalUnitPriceSet {MONEY} discountAllocations {{ allocatedAmountSet {MONEY}
    discountApplication {{ index }} }} customAttributes {{ key value }}"""
DISCOUNT = """__typename index value { ... on MoneyV2 { amount }
    ... on PricingPercentageValue { percentage } } ... on DiscountCodeApplication { code }
    ... on ManualDiscountApplication { title description }"""
BULK = f"""{{ orders {{ edges {{ node {{ {ORDER}
    lineItems {{ edges {{ node {{ {LINE} }} }} }}
    discountApplications {{ edges {{ node {{ {DISCOUNT} }} }} }} }} }} }} }}"""
PAGE = f"""query Page($after: String) {{ orders(first: 20, after: $after, sortKey: ID) {{
    edges {{ node {{ {ORDER} lineItems(first: 50) {{ edges {{ node {{ {LINE} }} }} }}
    discountApplications(first: 9) {{ edges {{ node {{ {DISCOUNT} }} }} }} }} }}
    pageInfo {{ hasNextPage endCursor }} }} }}"""
RUN = """mutation Run($query: String!, $grouped: Boolean!) {
    bulkOperationRunQuery(query: $query, groupObjects: $grouped) {
        bulkOperation { id status objectCount url } userErrors { field message code } } }"""


async def _run(platform, store, query, *, grouped=False):
    answer = ask(a_call(platform, store), RUN, query=query, grouped=grouped)
    made = answer["data"]["bulkOperationRunQuery"]["bulkOperation"]
    operation = store.operations[int(made["id"].rpartition("/")[2])]
    await operation.task
    name = (operation.url or operation.partial_url or "").rpartition("/")[2]
    raw = (platform.folder / name).read_bytes() if name else b""
    return made, operation, raw


def _rows(raw):
    return [json.loads(line) for line in raw.splitlines()]


async def _pages(platform, store):
    nodes, after = [], None
    while True:
        answer = ask(a_call(platform, store), PAGE, after=after)
        store.bucket.give_back(10_000)
        assert "errors" not in answer
        page = answer["data"]["orders"]
        nodes += [edge["node"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = page["pageInfo"]["endCursor"]


@pytest.mark.parametrize("currency", ["USD", "JPY"])
async def test_bulk_lines_joined_by_parent_equal_the_paged_nodes(currency):
    platform, store = a_platform(orders=150, currency=currency)
    pages = await _pages(platform, store)

    _, operation, raw = await _run(platform, store, BULK)

    found = {}
    for row in _rows(raw):
        parent = row.pop("__parentId", None)
        if parent is None:
            found[row["id"]] = {**row, "lineItems": [], "discountApplications": []}
        else:
            found[parent]["discountApplications" if "index" in row else "lineItems"].append(row)
    for node in pages:
        for name in ("lineItems", "discountApplications"):
            node[name] = [edge["node"] for edge in node[name]["edges"]]
    assert list(found.values()) == pages
    assert operation.roots == 150
    assert operation.objects == len(raw.splitlines())


async def test_the_answer_says_created_and_counters_are_text():
    platform, store = a_platform()

    made, operation, raw = await _run(platform, store, BULK)

    assert (made["status"], made["objectCount"], made["url"]) == ("CREATED", "0", None)
    assert operation.status == "COMPLETED"
    assert operation.size == len(raw)
    assert b'"id":"gid:\\/\\/shopify\\/Order\\/' in raw


async def test_ungrouped_children_follow_their_parents_but_not_closely():
    platform, store = a_platform()

    _, _, loose = await _run(platform, store, BULK)
    _, _, close = await _run(platform, store, BULK, grouped=True)

    def adjacent(raw):
        current, good = None, True
        for row in _rows(raw):
            good = good and row.get("__parentId", current) == current
            current = row["id"] if "__parentId" not in row else current
        return good

    seen = set()
    for row in _rows(loose):
        assert row.get("__parentId") is None or row["__parentId"] in seen
        seen.add(row.get("id"))
    assert not adjacent(loose)
    assert adjacent(close)
    assert sorted(loose.splitlines()) == sorted(close.splitlines())


async def test_nothing_found_has_no_address():
    platform, store = a_platform()

    query = BULK.replace("orders {", 'orders(query: "created_at:>2999-01-01") {', 1)
    _, operation, _ = await _run(platform, store, query)

    assert (operation.status, operation.url, operation.objects) == ("COMPLETED", None, 0)


async def test_a_failing_operation_keeps_what_it_has_written():
    platform, store = a_platform()
    platform.faults.set({"bulk": {"fail_after": 21, "times": 1}})

    _, failed, part = await _run(platform, store, BULK)
    _, again, whole = await _run(platform, store, BULK)

    assert (failed.status, failed.error_code, failed.url) == (
        "FAILED",
        "INTERNAL_SERVER_ERROR",
        None,
    )
    assert sum("__parentId" not in row for row in _rows(part)) == 21
    assert (again.status, whole.startswith(part)) == ("COMPLETED", True)


async def test_the_sixth_operation_is_refused_in_shopifys_words():
    platform, store = a_platform()
    platform.bulk.seconds = 30
    for _ in range(5):
        ask(a_call(platform, store), RUN, query=BULK, grouped=False)

    answer = ask(a_call(platform, store), RUN, query=BULK, grouped=False)

    error = answer["data"]["bulkOperationRunQuery"]["userErrors"][0]
    assert error["code"] == "OPERATION_IN_PROGRESS"
    assert error["field"] is None
    assert error["message"].startswith(
        "A bulk query operation for this app and shop is already in progress: gid://"
    )
    await asyncio.wait_for(platform.bulk.close([store]), 5)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ shop { id } }", "Bulk queries must contain at least one connection."),
        (
            "{ orders { edges { node { id }",
            "Invalid bulk query: syntax error, unexpected end of file",
        ),
        (
            "mutation { bulkOperationCancel(id: 1) { bulkOperation { id } } }",
            "Invalid operation type. Only `query` operations are supported.",
        ),
        (
            "{ products { nodes { id } } }",
            "All connection fields in a bulk query must select their contents using 'edges' > "
            "'node', e.g: 'products { edges { node {'. Selecting via 'nodes' is not supported. "
            "Invalid connection fields: 'products'.",
        ),
        (
            "{ products { edges { node { title variants { edges { node { id } } } } } } }",
            "The parent 'node' field for a nested connection must select the 'id' field without an "
            "alias and must be of 'ID' return type. Connection fields without 'id': products.",
        ),
        (
            "{ orders { edges { node { id refunds { id refundLineItems { edges { node { id } } } }"
            " } } } }",
            "Queries that contain a connection field within a list field are not currently "
            "supported.",
        ),
    ],
)
def test_a_bad_bulk_query_is_refused_in_the_recorded_words(query, message):
    assert bulk_rules.complaints(query) == [message]
