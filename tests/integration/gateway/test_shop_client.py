"""The client against a small server on the loopback: real sockets, no double of ours."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from shared.errors import (
    Forbidden,
    NotFound,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)
from shared.shopify.client import Patience, ShopClient, Terms, open_session

GOOD = {"data": {"shop": {"id": "1"}}}
QUERY, MUTATION = "query { shop { id } }", "mutation { x }"


class Shop:
    """Answers what it was told to, in turn, the last answer for ever; remembers requests."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    async def answer(self, request):
        self.requests.append(request)
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        return await answer(request) if callable(answer) else answer


def says(body, status=200, **headers):
    async def answer(_):
        headers.setdefault("X-Shopify-API-Version", "2026-10")
        return web.Response(text=json.dumps(body), status=status, headers=headers)

    return answer


def fails(status, **headers):
    return says({"errors": "no"}, status, **headers)


async def cuts(request):
    request.transport.abort()
    return web.Response()


def throttled():
    return says(
        {
            "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
            "extensions": {
                "cost": {
                    "requestedQueryCost": 30,
                    "throttleStatus": {
                        "maximumAvailable": 2000, "currentlyAvailable": 10, "restoreRate": 1000
                    },
                }
            },
        }
    )  # fmt: skip


@pytest.fixture
async def connect():
    servers, sessions = [], []

    async def connected(shop, *, tokens=("shpat_1",), failures=5):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", shop.answer)
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        session = open_session()
        sessions.append(session)
        remaining = list(tokens)

        async def token():
            return remaining[0] if len(remaining) == 1 else remaining.pop(0)

        base_url = f"http://127.0.0.1:{server.port}/shops/{{shop}}"
        patience = Patience(attempts=3, delay_seconds=0.01, breaker_failures=failures)
        return ShopClient(session, shop_domain="a.myshopify.com", token=token,
                          api_version="2026-10", base_url=base_url,
                          terms=Terms(patience=patience))  # fmt: skip

    yield connected
    for session in sessions:
        await session.close()
    for server in servers:
        await server.close()


async def test_data_comes_back_as_bytes_from_the_shops_own_path(connect):
    shop = Shop(says(GOOD))
    client = await connect(shop)

    assert json.loads(await client.execute(QUERY, {"a": 1})) == GOOD["data"]
    (request,) = shop.requests
    assert request.path == "/shops/a.myshopify.com/admin/api/2026-10/graphql.json"
    assert request.headers["X-Shopify-Access-Token"] == "shpat_1"


@pytest.mark.parametrize("failure", [fails(500), fails(429), cuts, throttled()])
async def test_a_query_is_repeated_after_a_failure_that_may_pass(connect, failure):
    shop = Shop(failure, failure, says(GOOD))

    assert json.loads(await (await connect(shop)).execute(QUERY)) == GOOD["data"]
    assert len(shop.requests) == 3


async def test_patience_ends(connect):
    shop = Shop(fails(503))
    client = await connect(shop)

    with pytest.raises(Unavailable):
        await client.execute(QUERY)

    assert len(shop.requests) == 3


@pytest.mark.parametrize("failure", [fails(500), cuts])
async def test_a_mutation_that_may_have_run_is_not_repeated(connect, failure):
    shop = Shop(failure, says(GOOD))
    client = await connect(shop)

    with pytest.raises(Unavailable):
        await client.execute(MUTATION)

    assert len(shop.requests) == 1


async def test_a_throttled_mutation_did_not_run_and_is_repeated(connect):
    shop = Shop(throttled(), says(GOOD))

    await (await connect(shop)).execute(MUTATION)

    assert len(shop.requests) == 2


async def test_a_long_wait_is_left_to_the_caller(connect):
    shop = Shop(fails(429, **{"Retry-After": "3600"}))
    client = await connect(shop)

    with pytest.raises(Throttled) as caught:
        await client.execute(QUERY)

    assert caught.value.retry_after == 3600
    assert len(shop.requests) == 1


async def test_a_redirect_is_never_followed(connect):
    shop = Shop(fails(302, Location="http://evil.example/"))
    client = await connect(shop)

    with pytest.raises(Rejected) as caught:
        await client.execute(QUERY)

    assert caught.value.code == "redirect_refused"
    assert len(shop.requests) == 1


async def test_a_token_rotated_meanwhile_is_tried_once(connect):
    shop = Shop(fails(401), says(GOOD))
    client = await connect(shop, tokens=("old", "new"))

    await client.execute(QUERY)

    assert [r.headers["X-Shopify-Access-Token"] for r in shop.requests] == ["old", "new"]


async def test_a_dead_token_is_not_tried_again(connect):
    shop = Shop(fails(401))
    client = await connect(shop)

    with pytest.raises(Unauthorized):
        await client.execute(QUERY)

    assert len(shop.requests) == 1


async def test_an_open_circuit_sends_nothing(connect):
    shop = Shop(fails(500))
    client = await connect(shop, failures=3)

    with pytest.raises(Unavailable):
        await client.execute(QUERY)
    with pytest.raises(Unavailable) as caught:
        await client.execute(QUERY)

    assert caught.value.code == "circuit_open"
    assert len(shop.requests) == 3


async def test_another_version_is_warned_about_once(connect):
    client = await connect(Shop(says(GOOD, **{"X-Shopify-API-Version": "2026-01"})))

    with capture_logs() as logs:
        await client.execute(QUERY)
        await client.execute(QUERY)

    assert [(line["asked"], line["served"]) for line in logs] == [("2026-10", "2026-01")]


def withheld(*errors, data):
    return says({"data": data, "errors": list(errors)})


CUSTOMER_DENIED = {
    "message": "Access denied for customer field. Required access: `read_customers` access scope.",
    "extensions": {"code": "ACCESS_DENIED", "requiredAccess": "`read_customers` access scope."},
    "path": ["orders", "edges", 0, "node", "customer"],
}
EMAIL_PROTECTED = {
    "message": "This app is not approved to access the Customer object. See https://x for more.",
    "path": ["orders", "edges", 1, "node", "email"],
    "extensions": None,
}


async def test_fields_that_are_withheld_are_named_and_the_rest_is_answered(connect):
    again = CUSTOMER_DENIED | {"path": ["orders", "edges", 1, "node", "customer"]}
    body = {"orders": {"edges": [{"node": {"id": "1", "customer": None}}]}}
    shop = Shop(withheld(CUSTOMER_DENIED, again, EMAIL_PROTECTED, data=body))
    client = await connect(shop)

    partial = await client.execute_partial(QUERY)

    assert json.loads(partial.data) == body
    assert partial.denied == ["orders.edges.node.customer", "orders.edges.node.email"]
    with pytest.raises(Forbidden) as caught:
        await client.execute(QUERY)
    assert caught.value.details["required_scopes"] == ["read_customers"]


@pytest.mark.parametrize(
    ("data", "second", "kind"),
    [
        (None, None, Forbidden),
        ({"a": 1}, {"message": "x", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}, Unavailable),
        ({"a": 1}, {"message": "x", "extensions": {"code": "THROTTLED"}}, Throttled),
        ({"a": 1}, {"message": "x", "extensions": {"code": "undefinedField"}}, Rejected),
    ],
)
async def test_what_is_more_than_withheld_fields_is_no_answer(connect, data, second, kind):
    errors = [CUSTOMER_DENIED, second] if second else [CUSTOMER_DENIED]
    client = await connect(Shop(withheld(*errors, data=data)))

    with pytest.raises(kind):
        await client.execute_partial(QUERY)


async def test_queries_beyond_the_bucket_wait_for_points(connect):
    low = {"maximumAvailable": 100, "currentlyAvailable": 0, "restoreRate": 1000}
    cost = {"requestedQueryCost": 100, "actualQueryCost": 90, "throttleStatus": low}
    client = await connect(Shop(says(GOOD | {"extensions": {"cost": cost}})))
    clock = asyncio.get_running_loop().time

    await client.execute(QUERY)
    started = clock()
    await client.execute(QUERY)

    assert clock() - started >= 0.09


async def test_a_result_is_streamed_without_our_token(connect):
    async def file(_):
        return web.Response(body=b"line\n" * 100_000)

    shop = Shop(file)
    client = await connect(shop)

    url = client._base_url.replace("/shops/{shop}", "/files/1")
    size = 0
    async for chunk in client.download(url):
        size += len(chunk)

    assert size == 500_000
    assert "X-Shopify-Access-Token" not in shop.requests[0].headers


@pytest.mark.parametrize(
    ("failure", "kind", "code"),
    [
        (fails(403), NotFound, "download_gone"),
        (fails(503), Unavailable, "shopify_error"),
        (fails(302, Location="http://evil.example"), Rejected, "redirect_refused"),
        (cuts, Unavailable, "shopify_silent"),
    ],
)
async def test_a_result_that_cannot_be_read_says_why(connect, failure, kind, code):
    client = await connect(Shop(failure))
    url = client._base_url.replace("/shops/{shop}", "/files/1")

    with pytest.raises(kind) as caught:
        [chunk async for chunk in client.download(url)]

    assert caught.value.code == code


async def test_results_of_a_foreign_host_are_not_asked_for(connect):
    shop = Shop(says(GOOD))
    client = await connect(shop)

    with pytest.raises(Rejected) as caught:
        [chunk async for chunk in client.download("http://127.0.0.1:1/files/1")]

    assert caught.value.code == "foreign_host"
    assert shop.requests == []
