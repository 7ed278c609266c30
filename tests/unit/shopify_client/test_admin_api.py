from __future__ import annotations

import json

import pytest

from shared.errors import Forbidden, NotFound, Rejected, Throttled, Unauthorized, Unavailable
from shared.shopify import admin_api

VERSION = {"X-Shopify-API-Version": "2026-10"}
COST = {
    "requestedQueryCost": 120,
    "actualQueryCost": None,
    "throttleStatus": {"maximumAvailable": 2000, "currentlyAvailable": 20, "restoreRate": 100},
}


def an_answer(*, data=None, code=None, message="", **extensions):
    problem = {"message": message, "extensions": {"code": code, **extensions}}
    body = {"data": data, "extensions": {"cost": COST}}
    return json.dumps(body | ({"errors": [problem]} if code or message else {})).encode()


def test_an_answer_yields_the_bytes_of_data_and_its_cost():
    answer = admin_api.decipher(200, VERSION, b'{"data":{"shop": {"id":"x"}}}')
    priced = admin_api.decipher(200, VERSION, an_answer(data={"a": 1}))

    assert answer.data == b'{"shop": {"id":"x"}}'
    assert answer.cost is None
    assert answer.api_version == "2026-10"
    assert priced.cost.throttle_status.currently_available == 20


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, b'{"errors":{"query":"Required"}}', Rejected, "bad_request"),
        (401, b'{"errors":"[API] Invalid API key"}', Unauthorized, "unauthorized"),
        (402, b'{"errors":"plan"}', Unavailable, "shop_frozen"),
        (403, b'{"errors":"User does not have access"}', Forbidden, "forbidden"),
        (403, b"Non-expiring access tokens are no longer accepted", Unauthorized,
         "non_expiring_token"),
        (404, b'{"errors":"Not Found"}', NotFound, "not_found"),
        (406, b"", Rejected, "bad_request"),
        (408, b"", Unavailable, "shopify_error"),
        (423, b'{"errors":"This shop is unavailable"}', Unavailable, "shop_unavailable"),
        (429, b"", Throttled, "throttled"),
        (430, b"", Unavailable, "security_rejection"),
        (302, b"", Rejected, "redirect_refused"),
        (500, b"", Unavailable, "shopify_error"),
        (502, b"<html>", Unavailable, "shopify_error"),
        (504, b'{"errors":"Gateway Timeout"}', Unavailable, "shopify_error"),
        (530, b"<html>", Unavailable, "shopify_error"),
        (540, b"", Unavailable, "shopify_error"),
        (200, b'{"errors":"Not Found"}', Unavailable, "bad_answer"),
        (200, b'{"data":{"shop":{"id"', Unavailable, "bad_answer"),
        (200, b'{"errors":[{"message":null,"extensions":null,"path":null}]}', Rejected,
         "bad_query"),
        (200, b'{"data":{"a":1},"errors":[{"message":"x","extensions":{"code":"undefinedField"}},'
              b'{"message":"Throttled","extensions":{"code":"THROTTLED"}}]}',
         Throttled, "throttled"),
        (200, b"<html>", Unavailable, "bad_answer"),
        (200, an_answer(code="THROTTLED"), Throttled, "throttled"),
        (200, an_answer(code="INTERNAL_SERVER_ERROR"), Unavailable, "internal_error"),
        (200, an_answer(code="SHOP_INACTIVE"), Forbidden, "shop_inactive"),
        (200, an_answer(code="RESOURCE_NOT_FOUND"), NotFound, "not_found"),
        (200, an_answer(code="undefinedField", message="no such field"), Rejected, "bad_query"),
        (200, an_answer(message="This app is not approved to access the Customer object"),
         Forbidden, "protected_customer_data"),
    ],
)  # fmt: skip
def test_each_refusal_is_the_error_that_says_whether_to_try_again(status, body, kind, code):
    with pytest.raises((Rejected, Unavailable)) as caught:
        admin_api.decipher(status, VERSION, body)

    assert type(caught.value) is kind
    assert caught.value.code == code


def test_a_throttled_answer_tells_how_long_to_wait():
    with pytest.raises(Throttled) as by_cost:
        admin_api.decipher(200, VERSION, an_answer(code="THROTTLED"))
    with pytest.raises(Throttled) as by_header:
        admin_api.decipher(429, {"Retry-After": "2.0"}, b"")

    assert by_cost.value.retry_after == 1.0
    assert by_header.value.retry_after == 2.0


def test_a_denied_field_names_the_scopes_it_needs():
    body = an_answer(
        code="ACCESS_DENIED",
        message="Access denied for orders field.",
        requiredAccess="`read_orders` access scope. Also: `read_all_orders`.",
    )

    with pytest.raises(Forbidden) as caught:
        admin_api.decipher(200, VERSION, body)

    assert caught.value.details == {"required_scopes": ["read_orders", "read_all_orders"]}


def test_a_query_that_costs_too_much_is_rejected_with_its_cost():
    body = an_answer(code="MAX_COST_EXCEEDED", message="Query cost", cost=2003, maxCost=1000)

    with pytest.raises(Rejected) as caught:
        admin_api.decipher(200, VERSION, body)

    assert caught.value.details == {"cost": 2003, "maxCost": 1000}


@pytest.mark.parametrize(
    "text",
    ["shop.myshopify.com.evil.example", "evil.example/shop.myshopify.com", "a_b.myshopify.com",
     "-a.myshopify.com", "a.myshopify.com@evil.example", "a.myshopify.com:443", "",
     "a\n.myshopify.com", "a.b.myshopify.com"],
)  # fmt: skip
def test_a_host_that_is_not_a_shop_never_gets_a_token(text):
    with pytest.raises(Rejected) as caught:
        admin_api.graphql_url(text, "2026-10")

    assert caught.value.code == "invalid_shop_domain"


def test_a_request_goes_to_the_shop_with_its_token():
    request = admin_api.graphql_request(
        "{ shop { id } }", None, url=admin_api.graphql_url(" HTTPS://A.myshopify.com/", "2026-10"),
        token="shpat_1",
    )  # fmt: skip

    assert request.url == "https://a.myshopify.com/admin/api/2026-10/graphql.json"
    assert request.headers["X-Shopify-Access-Token"] == "shpat_1"
    assert json.loads(request.body) == {"query": "{ shop { id } }", "variables": {}}


def test_the_simulator_is_refused_in_production_and_needs_a_place_for_the_shop():
    simulator = "http://127.0.0.1:9400/shops/{shop}"

    assert admin_api.checked_base_url(simulator, "test") == simulator
    assert admin_api.checked_base_url("", "production") == ""
    for base_url, env in [(simulator, "production"), ("http://127.0.0.1:9400", "test")]:
        with pytest.raises(Rejected):
            admin_api.checked_base_url(base_url, env)
    assert admin_api.origin("a.myshopify.com", simulator) == (
        "http://127.0.0.1:9400/shops/a.myshopify.com"
    )


def test_results_are_read_only_from_shopifys_hosts_or_the_simulator():
    google = "https://storage.googleapis.com/shopify-tiers/x.jsonl?sig=1"
    local = "http://127.0.0.1:9400/files/1"

    assert admin_api.downloadable(google) == google
    assert admin_api.downloadable(local, "http://127.0.0.1:9400/shops/{shop}") == local
    for url, base_url in [
        ("http://storage.googleapis.com/x", ""),
        ("https://storage.googleapis.com.evil.example/x", ""),
        ("https://evilstorage.googleapis.com/x", ""),
        ("https://evil.example/shopify.com", ""),
        ("https://user@storage.googleapis.com/x", ""),
        ("https://storage.googleapis.com:8443/x", ""),
        (google, "http://127.0.0.1:9400/shops/{shop}"),
    ]:
        with pytest.raises(Rejected):
            admin_api.downloadable(url, base_url)


QUERY, MUTATION = "query { shop { id } }", "mutation { x }"
SAFE = 'mutation { x @idempotent(key: "1") }'


@pytest.mark.parametrize(
    ("error", "document", "expected"),
    [
        (Unavailable("", code="shopify_error"), QUERY, True),
        (Unavailable("", code="shopify_error"), MUTATION, False),
        (Unavailable("", code="shopify_silent"), MUTATION, False),
        (Unavailable("", code="shopify_silent"), SAFE, True),
        (Unavailable("", code="shopify_unreachable"), MUTATION, True),
        (Throttled("", retry_after=3.0), MUTATION, 3.0),
        (Throttled("", retry_after=0.0), QUERY, True),
        (Unavailable("", code="shop_frozen", retry_after=900), QUERY, False),
        (Unavailable("", code="circuit_open", retry_after=5), QUERY, False),
        (Rejected(""), QUERY, False),
        (ValueError(), QUERY, False),
    ],
)
def test_only_what_cannot_run_twice_is_repeated(error, document, expected):
    assert admin_api.worth_repeating(error, document) is expected or (
        admin_api.worth_repeating(error, document) == expected and expected is not False
    )
