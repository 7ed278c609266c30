"""Every way in which Shopify fails can be asked for."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.contract.simulator.worlds import DOMAIN, SCOPES, a_call, a_platform, ask
from tests.simulator import moments
from tests.simulator.app import build_app
from tests.simulator.store import Token

PATH = f"/shops/{DOMAIN}/admin/api/2026-10/graphql.json"
QUERY = "{ orders(first: 3) { nodes { id customer { id } } } }"
BULK = "{ orders { edges { node { id } } } }"
RUN = """mutation Run($query: String!) { bulkOperationRunQuery(query: $query) {
    bulkOperation { id } userErrors { code message } } }"""


@pytest.fixture
async def shop():
    platform, store = a_platform(orders=30)
    expires = moments.now() + 3600
    store.tokens["t"] = Token("t", list(SCOPES), expires)
    store.tokens["plain"] = Token("plain", list(SCOPES))
    async with TestClient(TestServer(build_app(platform))) as client:

        async def post(query=QUERY, token="t", **headers):
            named = {"X-Shopify-Access-Token": token, **headers}
            return await client.post(PATH, json={"query": query}, headers=named)

        yield platform, store, client, post


@pytest.mark.parametrize(
    "status", [401, 402, 403, 404, 406, 409, 414, 415, 422, 423, 429, 430, 500, 501, 502, 503,
               504, 530, 540],
)  # fmt: skip
async def test_a_status_comes_with_its_body(shop, status):
    platform, _, _, post = shop
    platform.faults.set({"admin": {"status": {str(status): 1}}})

    answer = await post()

    assert answer.status == status
    assert (await answer.json())["errors"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [("internal_error", "INTERNAL_SERVER_ERROR"), ("shop_inactive", "SHOP_INACTIVE"),
     ("throttle", "THROTTLED")],
)  # fmt: skip
async def test_some_failures_are_told_with_http_200(shop, fault, code):
    platform, _, _, post = shop
    platform.faults.set({"admin": {fault: 1}})

    answer = await post()

    assert answer.status == 200
    assert (await answer.json())["errors"][0]["extensions"]["code"] == code


async def test_answers_are_mutilated_or_cut(shop):
    platform, _, _, post = shop

    platform.faults.set({"admin": {"malformed": 1}})
    bent = await post()
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
        await bent.json()
    platform.faults.set({"admin": {"cut": 1}})
    cut = await post()
    with pytest.raises(aiohttp.ClientError):
        await cut.read()


async def test_protected_fields_are_null_and_named(shop):
    platform, _, _, post = shop
    platform.faults.set({"admin": {"partial_denied": 1}})

    body = await (await post()).json()

    assert all(one["customer"] is None for one in body["data"]["orders"]["nodes"])
    assert body["errors"][0]["message"].startswith("This app is not approved to access")
    assert body["errors"][0]["path"][-1] == "customer"


async def test_tokens_that_never_expire_can_be_refused(shop):
    platform, _, _, post = shop
    platform.faults.set({"admin": {"reject_plain_tokens": True}})

    assert (await post(token="t")).status == 200
    assert (await post(token="plain")).status == 403


async def test_a_search_that_was_not_understood_is_told_on_request(shop):
    post = shop[3]
    query = '{ orders(first: 1, query: "color:red test:false") { nodes { id } } }'

    body = await (await post(query, **{"Shopify-Search-Query-Debug": "1"})).json()
    silent = await (await post(query)).json()

    warnings = body["extensions"]["search"][0]["warnings"]
    assert [one["field"] for one in warnings] == ["color"]
    assert "search" not in silent["extensions"]


async def _operation(platform, store):
    answer = ask(a_call(platform, store), RUN, query=BULK)["data"]["bulkOperationRunQuery"]
    if answer["userErrors"]:
        return answer["userErrors"][0]
    operation = store.operations[int(answer["bulkOperation"]["id"].rpartition("/")[2])]
    await operation.task
    return operation


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [("internal_error", "FAILED", "INTERNAL_SERVER_ERROR"), ("timeout", "FAILED", "TIMEOUT"),
     ("access_denied", "FAILED", "ACCESS_DENIED"), ("expire", "EXPIRED", None),
     ("cancel", "CANCELED", None)],
)  # fmt: skip
async def test_a_bulk_operation_ends_as_told(shop, fault, status, code):
    platform, store, *_ = shop
    platform.faults.set({"bulk": {fault: True}})

    operation = await _operation(platform, store)

    assert (operation.status, operation.error_code, operation.url) == (status, code, None)


async def test_somebody_elses_jobs_hold_the_slots_for_a_while(shop):
    platform, store, *_ = shop
    platform.faults.set({"bulk": {"slot_busy": {"slots": 5, "seconds": 0.3}}})

    refused = await _operation(platform, store)
    await asyncio.sleep(0.35)
    operation = await _operation(platform, store)

    assert refused["code"] == "OPERATION_IN_PROGRESS"
    assert operation.status == "COMPLETED"


async def test_the_address_of_a_result_stops_working(shop):
    platform, store, client, _ = shop
    platform.faults.set({"bulk": {"url_expires": 0.2}})
    operation = await _operation(platform, store)
    path = "/files/" + operation.url.rpartition("/")[2]

    before = await client.get(path)
    await asyncio.sleep(0.25)
    after = await client.get(path)

    assert (before.status, after.status) == (200, 400)
    assert "ExpiredToken" in await after.text()
