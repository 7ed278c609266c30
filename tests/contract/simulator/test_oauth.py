"""OAuth over HTTP: signed redirects, single-use codes, rotating tokens."""

from __future__ import annotations

import urllib.parse

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.contract.simulator.worlds import DOMAIN, a_platform
from tests.simulator.app import build_app
from tests.simulator.oauth import query_hmac

ROOT = f"/shops/{DOMAIN}"
APP = {"client_id": "sim-client", "client_secret": "sim-secret"}
SHOP = "{ shop { myshopifyDomain } }"


@pytest.fixture
async def shopify():
    platform, store = a_platform(orders=5)
    async with TestClient(TestServer(build_app(platform))) as client:
        client.platform, client.store = platform, store
        yield client


async def _code(shopify, **changes):
    query = {"client_id": "sim-client", "redirect_uri": "https://app.example/callback?x=1",
             "scope": "read_orders,read_products", "state": "n0nce"} | changes  # fmt: skip
    answer = await shopify.get(f"{ROOT}/admin/oauth/authorize", params=query, allow_redirects=False)
    location = urllib.parse.urlsplit(answer.headers.get("Location", ""))
    return answer, dict(urllib.parse.parse_qsl(location.query)), location


async def _token(shopify, **form):
    return await shopify.post(f"{ROOT}/admin/oauth/access_token", json=APP | form)


async def _ask(shopify, token, path=f"{ROOT}/admin/api/2026-10/graphql.json", **headers):
    return await shopify.post(
        path, json={"query": SHOP}, headers={"X-Shopify-Access-Token": token, **headers}
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "code=a94a110d86d2452eb3e2af4cfb8a3828&shop=some-shop.myshopify.com&timestamp=1337178173",
            "2cb1a277650a659f1b11e92a4a64275b128e037f2c3390e3c8fd2d8721dac9e2",
        ),
        (
            "code=0907a61c0c8d55e99db179b68161bc00&shop=some-shop.myshopify.com"
            "&state=0.6784241404160823&timestamp=1337178173",
            "700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf",
        ),
    ],
)
def test_queries_are_signed_as_shopifys_own_libraries_expect(query, expected):
    parameters = dict(urllib.parse.parse_qsl(query))

    assert query_hmac(parameters | {"hmac": "ignored"}, "hush") == expected


async def test_the_redirect_is_signed_and_echoes_the_state(shopify):
    answer, query, location = await _code(shopify)

    signed = {key: value for key, value in query.items() if key not in ("hmac", "x")}
    assert answer.status == 302
    assert location.netloc == "app.example"
    assert (query["state"], query["shop"], query["x"]) == ("n0nce", DOMAIN, "1")
    assert query["hmac"] == query_hmac(signed, "sim-secret")


async def test_a_code_gives_one_token_of_the_scopes_asked_for(shopify):
    _, query, _ = await _code(shopify)

    first = await _token(shopify, code=query["code"])
    second = await _token(shopify, code=query["code"])

    body = await first.json()
    assert body.keys() == {"access_token", "scope"}
    assert body["scope"] == "read_orders,read_products"
    assert second.status == 400
    assert (await _ask(shopify, body["access_token"])).status == 200


async def test_a_refresh_rotates_and_may_be_replayed_until_its_successor_is_used(shopify):
    _, query, _ = await _code(shopify)
    pair = await (await _token(shopify, code=query["code"], expiring=1)).json()
    old = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}

    fresh = await (await _token(shopify, **old)).json()
    replay = await (await _token(shopify, **old)).json()
    used = await _token(shopify, grant_type="refresh_token", refresh_token=replay["refresh_token"])

    assert (fresh["expires_in"], fresh["refresh_token_expires_in"]) == (3600, 7776000)
    assert len({pair["access_token"], fresh["access_token"], replay["access_token"]}) == 3
    assert used.status == 200
    assert (await _token(shopify, **old)).status == 400
    assert (await _ask(shopify, pair["access_token"])).status == 200


async def test_wrong_credentials_and_unknown_apps_are_refused(shopify):
    wrong = await shopify.post(
        f"{ROOT}/admin/oauth/access_token", data=APP | {"client_secret": "x", "code": "y"}
    )
    page, _, _ = await _code(shopify, client_id="somebody-else")

    assert (wrong.status, (await wrong.json())["error"]) == (400, "invalid_client")
    assert page.status == 400


async def test_client_credentials_last_a_day(shopify):
    answer = await _token(shopify, grant_type="client_credentials")

    assert (await answer.json())["expires_in"] == 86399


async def test_a_revoked_token_is_answered_as_shopify_does(shopify):
    token = (await (await _token(shopify, grant_type="client_credentials")).json())["access_token"]
    await shopify.post(f"/_sim/shops/{DOMAIN}/revoke")

    answer = await _ask(shopify, token)

    assert answer.status == 401
    assert (await answer.json())["errors"].startswith("[API] Invalid API key or access token")


async def test_a_shop_is_found_by_host_and_an_old_version_falls_forward(shopify):
    token = (await (await _token(shopify, grant_type="client_credentials")).json())["access_token"]

    answer = await _ask(shopify, token, path="/admin/api/2024-01/graphql.json", Host=DOMAIN)

    assert (await answer.json())["data"] == {"shop": {"myshopifyDomain": DOMAIN}}
    assert answer.headers["X-Shopify-API-Version"] == "2026-01"


async def test_faults_strike_the_admin_api_by_status(shopify):
    token = (await (await _token(shopify, grant_type="client_credentials")).json())["access_token"]
    await shopify.post("/_sim/faults", json={"admin": {"status": {"429": 1}}})

    answer = await _ask(shopify, token)

    assert (answer.status, answer.headers["Retry-After"]) == (429, "2.0")
