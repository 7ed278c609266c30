"""The OAuth flow and the life of a token, against the simulator."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import sys
import time
import uuid
from datetime import datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import aiohttp
import pytest
import structlog

from services.gateway import renewal
from services.gateway.command import create_tenant
from services.gateway.handlers.stores import on_store_renamed
from services.gateway.shopify import SHOPIFY
from shared import log
from shared.bus.connect import BUS
from shared.clock import now
from shared.errors import Unprocessable
from shared.events import StoreRenamed
from tests.integration.gateway.conftest import CLIENT_SECRET

CALLBACK = "/oauth/callback"


async def a_tenant(gateway, name="alba"):
    tenant_id, key = await create_tenant(gateway.pool, name)
    return tenant_id, {"X-API-Key": key}


async def begun(gateway, shop, headers):
    """Start the flow; return the path of the page that the merchant opens."""
    status, body = await gateway.post("/oauth/authorize", {"shop_domain": shop}, headers=headers)
    assert status == 200, body
    return urlsplit(body["data"]["url"]).path


async def agreed(gateway, path):
    """Open the page and go on, in the gateway's own client: return where Shopify asks."""
    page = await gateway.client.get(path)
    assert page.status == 200, await page.text()
    sent = await gateway.client.post(path, allow_redirects=False)
    assert sent.status == 303, await sent.text()
    return sent.headers["Location"]


async def authorized(gateway, shop, headers):
    """Start the flow, let the merchant approve, return the callback's parameters."""
    url = await agreed(gateway, await begun(gateway, shop, headers))
    async with aiohttp.ClientSession() as browser:
        response = await browser.get(url, allow_redirects=False)
        assert response.status == 302, await response.text()
        return dict(parse_qsl(urlsplit(response.headers["Location"]).query))


def signed(params, secret=CLIENT_SECRET):
    rest = {key: value for key, value in params.items() if key != "hmac"}
    message = "&".join(f"{key}={value}" for key, value in sorted(rest.items()))
    return rest | {"hmac": hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()}


async def connect(gateway, shop, headers):
    params = await authorized(gateway, shop, headers)
    status, body = await gateway.get(CALLBACK, **params)
    assert status == 200, body
    return body["data"]


async def test_a_merchant_connects_a_store_and_its_first_jobs_wait(connected, simulator, db):
    tenant_id, headers = await a_tenant(connected)

    store = await connect(connected, simulator.shop, headers)

    assert (store["shop_domain"], store["status"]) == (simulator.shop, "active")
    assert (store["is_connected"], store["grant_type"]) == (True, "authorization_code")
    assert store["currency"] == "USD"
    jobs = await db.fetch("SELECT tenant_id, kind, mode, trigger FROM commerce.sync_jobs")
    assert {(j["kind"], j["mode"], j["trigger"]) for j in jobs} == {
        (kind, "full", "connect")
        for kind in ("shop", "products", "customers", "inventory", "orders")
    }
    assert {job["tenant_id"] for job in jobs} == {uuid.UUID(tenant_id)}
    assert await db.fetchval("SELECT count(*) FROM bus.messages WHERE topic = 'store.connected'")
    actions = await db.fetch("SELECT action FROM accounts.audit_log ORDER BY entry_id")
    assert [row["action"] for row in actions] == ["tenant.created", "store.connected"]


async def test_tokens_are_stored_sealed_and_never_shown(connected, simulator, db):
    _, headers = await a_tenant(connected)
    store = await connect(connected, simulator.shop, headers)

    row = await db.fetchrow("SELECT * FROM accounts.credentials")
    held = str(dict(row))

    assert row["access_token_enc"].startswith("v1.")
    assert row["refresh_token_enc"].startswith("v1.")
    assert "shpat_" not in held
    assert "shprt_" not in held
    assert len(store["token_last4"]) == 4
    assert "token_enc" not in str(store)


async def test_a_posted_callback_does_the_same(connected, simulator):
    _, headers = await a_tenant(connected)
    params = await authorized(connected, simulator.shop, headers)

    status, body = await connected.post(CALLBACK, params)

    assert (status, body["data"]["shop_domain"]) == (200, simulator.shop)


async def test_a_state_and_a_code_work_once(connected, simulator):
    _, headers = await a_tenant(connected)
    params = await authorized(connected, simulator.shop, headers)

    answers = await asyncio.gather(*(connected.get(CALLBACK, **params) for _ in range(4)))

    assert sorted(status for status, _ in answers) == [200, 401, 401, 401]
    assert {body["code"] for status, body in answers if status == 401} == {"bad_state"}


async def test_a_used_code_under_a_new_state_is_refused_by_shopify(connected, simulator):
    _, headers = await a_tenant(connected)
    used = await authorized(connected, simulator.shop, headers)
    await connected.get(CALLBACK, **used)
    fresh = await authorized(connected, simulator.shop, headers)

    status, body = await connected.get(CALLBACK, **signed(fresh | {"code": used["code"]}))

    assert (status, body["code"]) == (422, "connection_failed")


@pytest.mark.parametrize(
    ("forge", "status", "code"),
    [
        (lambda p: p | {"hmac": "0" * 64}, 401, "bad_hmac"),
        (lambda p: signed(p, secret="guess"), 401, "bad_hmac"),
        (lambda p: p | {"shop": "other-store.myshopify.com"}, 401, "bad_hmac"),
        (lambda p: signed(p | {"shop": "other-store.myshopify.com"}), 401, "shop_mismatch"),
        (lambda p: signed(p | {"shop": "evil.example"}), 400, "invalid_shop_domain"),
        (lambda p: signed(p | {"timestamp": str(int(time.time()) - 3600)}), 400, "stale_callback"),
        (lambda p: signed(p | {"state": "guess"}), 401, "bad_state"),
        (lambda p: {k: v for k, v in p.items() if k != "hmac"}, 400, "validation_failed"),
    ],
)
async def test_a_forged_callback_connects_nothing(connected, simulator, db, forge, status, code):
    _, headers = await a_tenant(connected)
    params = await authorized(connected, simulator.shop, headers)

    got, body = await connected.get(CALLBACK, **forge(params))

    assert (got, body["code"]) == (status, code)
    assert await db.fetchval("SELECT count(*) FROM accounts.stores") == 0


async def test_an_expired_state_is_refused(connected, simulator, db):
    _, headers = await a_tenant(connected)
    params = await authorized(connected, simulator.shop, headers)
    await db.execute("UPDATE accounts.oauth_states SET expires_at = now()")

    status, body = await connected.get(CALLBACK, **params)

    assert (status, body["code"]) == (401, "state_expired")


async def test_a_flow_ends_only_in_the_browser_that_agreed_to_it(connected, simulator, db):
    _, headers = await a_tenant(connected)
    params = await authorized(connected, simulator.shop, headers)
    cookies = connected.client.session.cookie_jar
    mine = [*cookies]
    cookies.clear()

    elsewhere, refused = await connected.get(CALLBACK, **params)
    cookies.update_cookies({cookie.key: cookie for cookie in mine}, connected.client.make_url("/"))
    back, body = await connected.get(CALLBACK, **params)

    assert (elsewhere, refused["code"]) == (401, "browser_mismatch")
    assert (back, body["data"]["shop_domain"]) == (200, simulator.shop)


async def test_the_page_names_who_asks_for_which_store(connected):
    _, headers = await a_tenant(connected, "Boro <b>Ltd</b>")
    path = await begun(connected, "a.myshopify.com", headers)

    page = await connected.client.get(path)

    text = await page.text()
    assert "Connect a.myshopify.com to Boro &lt;b&gt;Ltd&lt;/b&gt;?" in text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    cookie = page.cookies["till_oauth"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


async def test_nobody_goes_on_without_having_seen_the_page(connected):
    _, headers = await a_tenant(connected)
    path = await begun(connected, "a.myshopify.com", headers)

    response = await connected.client.post(path, allow_redirects=False)

    assert (response.status, (await response.json())["code"]) == (401, "browser_mismatch")


async def test_a_second_browser_cannot_take_a_flow_over(connected):
    _, headers = await a_tenant(connected)
    path = await begun(connected, "a.myshopify.com", headers)
    await agreed(connected, path)
    connected.client.session.cookie_jar.clear()
    await connected.client.get(path)

    response = await connected.client.post(path, allow_redirects=False)

    assert (response.status, (await response.json())["code"]) == (401, "browser_mismatch")


async def test_a_callback_that_no_browser_agreed_to_connects_nothing(connected, simulator, db):
    _, headers = await a_tenant(connected)
    params = await authorized(connected, simulator.shop, headers)
    await db.execute("UPDATE accounts.oauth_states SET browser_hash = NULL")

    status, body = await connected.get(CALLBACK, **params)

    assert (status, body["code"]) == (401, "browser_mismatch")


async def test_an_api_client_may_be_redirected_to_the_page(connected):
    _, headers = await a_tenant(connected)

    sent = await connected.client.get(
        "/api/v1/shopify/oauth/authorize", params={"shop_domain": "a.myshopify.com"},
        headers=headers, allow_redirects=False,
    )  # fmt: skip

    assert sent.status == 302
    page = await connected.client.get(urlsplit(sent.headers["Location"]).path)
    assert page.status == 200


async def test_a_gateway_that_knows_no_address_of_its_own_begins_no_flow(open_gateway):
    gateway = await open_gateway(host="0.0.0.0")
    _, headers = await a_tenant(gateway)

    status, body = await gateway.post(
        "/oauth/authorize", {"shop_domain": "a.myshopify.com"}, headers=headers
    )
    document = await (await gateway.client.get("/api/v1/openapi.json")).json()

    assert (status, body["code"]) == (400, "oauth_not_configured")
    assert document["servers"] == [{"url": "/"}]


async def test_the_url_carries_a_state_of_256_bits_whose_hash_alone_is_stored(connected, db):
    _, headers = await a_tenant(connected)
    _, body = await connected.post(
        "/oauth/authorize", {"shop_domain": "a.myshopify.com"}, headers=headers
    )

    url = await agreed(connected, urlsplit(body["data"]["url"]).path)
    state = parse_qs(urlsplit(url).query)["state"][0]
    stored = await db.fetchval("SELECT state_hash FROM accounts.oauth_states")
    assert len(state) >= 43
    assert stored == hashlib.sha256(state.encode()).digest()


async def test_scopes_the_merchant_withheld_are_named(open_gateway, simulator, db):
    gateway = await open_gateway(shopify_base_url=simulator.template)
    _, headers = await a_tenant(gateway)
    params = await authorized(gateway, simulator.shop, headers)
    stricter = await open_gateway(
        shopify_base_url=simulator.template, shopify_scopes="read_orders,read_reports"
    )
    stricter.client.session.cookie_jar.update_cookies(
        {cookie.key: cookie for cookie in gateway.client.session.cookie_jar},
        stricter.client.make_url("/"),
    )

    status, body = await stricter.get(CALLBACK, **params)

    assert (status, body["code"]) == (403, "missing_scopes")
    assert body["details"] == {"required_scopes": ["read_reports"]}
    assert await db.fetchval("SELECT count(*) FROM accounts.credentials") == 0


async def test_a_shop_belongs_to_one_tenant_until_it_is_disconnected(connected, simulator):
    _, alba = await a_tenant(connected, "alba")
    _, boro = await a_tenant(connected, "boro")
    store = await connect(connected, simulator.shop, alba)
    params = await authorized(connected, simulator.shop, boro)

    refused, body = await connected.get(CALLBACK, **params)
    await connected.client.delete(f"/api/v1/shopify/stores/{store['shop_id']}", headers=alba)
    later = await connect(connected, simulator.shop, boro)

    assert (refused, body["code"]) == (409, "store_already_connected")
    assert later["shop_id"] != store["shop_id"]


async def test_connecting_again_keeps_the_stores_number(connected, simulator):
    _, headers = await a_tenant(connected)
    first = await connect(connected, simulator.shop, headers)
    gone = await connected.client.delete(
        f"/api/v1/shopify/stores/{simulator.shop}", headers=headers
    )
    left = (await gone.json())["data"]

    again = await connect(connected, simulator.shop, headers)

    assert (left["status"], left["is_connected"], left["token_last4"]) == (
        "disconnected", False, None
    )  # fmt: skip
    assert (again["shop_id"], again["status"]) == (first["shop_id"], "active")


async def test_a_pasted_token_is_tried_before_it_is_kept(connected, simulator, db):
    _, headers = await a_tenant(connected)
    await connect(connected, simulator.other_shop, headers)
    shopify = connected.client.server.app[SHOPIFY]
    token = shopify.ring.open(
        await db.fetchval("SELECT access_token_enc FROM accounts.credentials"),
        tenant_id=str(await db.fetchval("SELECT tenant_id FROM accounts.stores")),
        shop_id=await db.fetchval("SELECT shop_id FROM accounts.stores"),
        purpose="access_token",
    )
    _, other = await a_tenant(connected, "boro")
    wanted = {"shop_domain": simulator.shop, "access_token": token}

    status, body = await connected.post("/connect", wanted, headers=other)
    missing, _ = await connected.post("/connect", {"shop_domain": simulator.shop}, headers=other)

    assert (status, body["code"]) == (422, "connection_failed")
    assert body["details"]["reason"] == "unauthorized"
    assert missing == 400
    again = {"shop_domain": simulator.other_shop, "access_token": token}
    status, body = await connected.post("/connect", again, headers=headers)
    assert (status, body["data"]["grant_type"]) == (201, "static_token")
    renewed, body = await connected.post(
        "/oauth/refresh", {"shop_id": simulator.other_shop}, headers=headers
    )
    assert (renewed, body["code"]) == (409, "token_not_refreshable")


async def test_client_credentials_connect_a_store_for_the_apps_own_tenant_alone(
    open_gateway, connected, simulator
):
    wanted = {"shop_domain": simulator.shop, "grant_type": "client_credentials"}
    tenant_id, own = await a_tenant(connected)
    _, foreign = await a_tenant(connected, "boro")
    gateway = await open_gateway(
        shopify_base_url=simulator.template, shopify_client_credentials_tenant=tenant_id
    )

    by_default, off = await connected.post("/connect", wanted, headers=own)
    stolen, refused = await gateway.post("/connect", wanted, headers=foreign)
    status, body = await gateway.post("/connect", wanted, headers=own)

    assert (by_default, off["code"]) == (403, "grant_not_allowed")
    assert (stolen, refused["code"]) == (403, "grant_not_allowed")
    assert (status, body["data"]["grant_type"]) == (201, "client_credentials")
    assert body["data"]["token_expires_at"] is not None


async def test_a_token_that_cannot_be_renewed_says_so(connected, simulator, db):
    _, headers = await a_tenant(connected)
    store = await connect(connected, simulator.shop, headers)
    await db.execute("UPDATE accounts.credentials SET refresh_token_enc = NULL")

    status, body = await connected.post(f"/stores/{store['shop_id']}/refresh", {}, headers=headers)

    assert (status, body["code"]) == (409, "token_not_refreshable")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [(503, 502, "shopify_error"), (429, 503, "shopify_throttled"), (400, 422, "connection_failed")],
)
async def test_what_shopify_does_is_not_told_as_ours(connected, simulator, db, fault, status, code):
    _, headers = await a_tenant(connected)
    store = await connect(connected, simulator.shop, headers)
    await simulator.control("/faults", {"oauth": {"status": fault}})

    got, body = await connected.post(f"/stores/{store['shop_id']}/refresh", {}, headers=headers)

    assert (got, body["code"]) == (status, code)
    assert await db.fetchval("SELECT version FROM accounts.credentials") == 1
    assert await db.fetchval("SELECT status FROM accounts.stores") == "active"


async def test_refreshing_from_everywhere_at_once_asks_shopify_once(connected, simulator, db):
    _, headers = await a_tenant(connected)
    store = await connect(connected, simulator.shop, headers)
    shopify = connected.client.server.app[SHOPIFY]
    await db.execute("UPDATE accounts.credentials SET expires_at = now() + interval '1 min'")
    before = await db.fetchrow("SELECT * FROM accounts.credentials")

    await asyncio.gather(
        *(
            renewal.renew_due(connected.pool, shopify, before=now() + timedelta(minutes=10))
            for _ in range(4)
        )
    )

    after = await db.fetchrow("SELECT * FROM accounts.credentials")
    assert after["version"] == before["version"] + 1
    assert after["access_token_enc"] != before["access_token_enc"]
    assert after["refresh_token_enc"] != before["refresh_token_enc"]
    assert after["expires_at"] > now() + timedelta(minutes=50)
    _, body = await connected.get("/health/connection", headers=headers)
    assert [(s["shop_id"], s["reachable"]) for s in body["data"]] == [(store["shop_id"], True)]


async def test_a_dead_refresh_token_asks_the_merchant_back(connected, simulator, db):
    tenant_id, headers = await a_tenant(connected)
    store = await connect(connected, simulator.shop, headers)
    shopify = connected.client.server.app[SHOPIFY]
    dead = shopify.ring.seal(
        "shprt_dead", tenant_id=tenant_id, shop_id=store["shop_id"], purpose="refresh_token"
    )
    await db.execute("UPDATE accounts.credentials SET refresh_token_enc = $1", dead)

    with pytest.raises(Unprocessable):
        await renewal.renew(connected.pool, shopify, tenant_id=tenant_id, shop_id=store["shop_id"])

    _, body = await connected.get(f"/stores/{store['shop_id']}", headers=headers)
    assert (body["data"]["status"], body["data"]["is_active"]) == ("reauth_required", False)
    status, _ = await connected.post(f"/stores/{store['shop_id']}/refresh", {}, headers=headers)
    assert status == 409


async def test_a_revoked_token_shows_in_the_connection_test(connected, simulator):
    _, headers = await a_tenant(connected)
    await connect(connected, simulator.shop, headers)
    await simulator.control(f"/shops/{simulator.shop}/revoke")

    _, body = await connected.get("/health/connection", headers=headers)

    assert [(s["reachable"], s["code"]) for s in body["data"]] == [(False, "unauthorized")]


async def test_a_renamed_store_keeps_its_number_and_an_old_notice_changes_nothing(
    connected, simulator, db
):
    """Pain 23: the shop is the same, whatever it calls itself."""
    tenant_id, headers = await a_tenant(connected)
    store = await connect(connected, simulator.shop, headers)

    async def renamed(domain: str, at: datetime) -> None:
        event = StoreRenamed(
            id=uuid.uuid4(), tenant_id=tenant_id, shop_id=store["shop_id"], happened_at=at,
            shop_domain=domain,
        )  # fmt: skip
        await connected.client.server.app[BUS].publish(event.kind, event.model_dump_json().encode())

    for domain in ("new.myshopify.com", "newer.myshopify.com"):
        for _ in range(2):
            await renamed(domain, now())
        async with asyncio.timeout(10):
            while await db.fetchval("SELECT shop_domain FROM accounts.stores") != domain:
                await asyncio.sleep(0.02)
    await on_store_renamed(
        StoreRenamed(
            id=uuid.uuid4(),
            tenant_id=tenant_id,
            shop_id=store["shop_id"],
            happened_at=now() - timedelta(hours=1),
            shop_domain="new.myshopify.com",
        ),
        pool=connected.pool,
    )

    _, body = await connected.get("/stores/newer.myshopify.com", headers=headers)
    assert body["data"]["shop_id"] == store["shop_id"]
    kept = await db.fetch("SELECT domain FROM accounts.store_domains ORDER BY until")
    assert [row["domain"] for row in kept] == [simulator.shop, "new.myshopify.com"]
    audited = "SELECT count(*) FROM accounts.audit_log WHERE action = 'store.renamed'"
    assert await db.fetchval(audited) == 2


@pytest.fixture
def log_lines(monkeypatch):
    """What shared.log writes."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    log.configure("gateway", level="DEBUG", fmt="json")
    structlog.configure(cache_logger_on_first_use=False)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines() if line[:1] == "{"]
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


async def test_nothing_secret_is_logged_or_answered(connected, simulator, db, log_lines):
    _, headers = await a_tenant(connected)
    params = await authorized(connected, simulator.shop, headers)
    answers = [await connected.get(CALLBACK, **params) for _ in range(2)]
    await simulator.control("/faults", {"oauth": {"status": 500}})
    shopify = connected.client.server.app[SHOPIFY]
    await renewal.renew_due(connected.pool, shopify, before=now() + timedelta(days=1))
    structlog.get_logger().info("all of it", access_token="shpat_x", hmac=params["hmac"])
    await db.execute("ALTER TABLE accounts.stores RENAME COLUMN plan TO plan_away")
    try:
        again = await authorized(connected, simulator.other_shop, headers)
        await simulator.control("/faults", {})
        answers.append(await connected.get(CALLBACK, **again))
        answers.append(await connected.get("/stores", headers=headers))
    finally:
        await db.execute("ALTER TABLE accounts.stores RENAME COLUMN plan_away TO plan")
    answers += [
        await connected.get(path, headers=headers)
        for path in ("/stores", "/health/tokens", "/health/connection", "/health/summary")
    ]

    lines = log_lines()
    said = json.dumps(lines) + str(answers)
    secret = headers["X-API-Key"].rpartition("_")[2]
    flow = [flow[name] for flow in (params, again) for name in ("code", "state", "hmac")]
    for forbidden in ("shpat_", "shprt_", CLIENT_SECRET, secret, *flow):
        assert forbidden not in said
    events = [line["event"] for line in lines]
    assert {"token not renewed", "request", "all of it"} <= set(events)
    assert [status for status, _ in answers].count(500) == events.count("request failed") == 2
    assert next(x for x in lines if x["event"] == "all of it")["access_token"] == "[redacted]"


async def test_a_request_is_logged_with_the_id_that_its_answer_has(gateway, log_lines):
    response = await gateway.client.get(
        "/api/v1/shopify/health", headers={"X-Request-Id": "mine.1"}
    )
    await gateway.client.get("/readyz")

    (line,) = [line for line in log_lines() if line["event"] == "request"]
    assert response.headers["X-Request-Id"] == line["request_id"] == "mine.1"
    assert (line["method"], line["route"]) == ("GET", "/api/v1/shopify/health")
    assert line["status"] == 200


async def test_flows_are_counted_by_their_result(connected, simulator):
    _, headers = await a_tenant(connected)
    params = await authorized(connected, simulator.shop, headers)

    async def counted():
        text = await (await connected.client.get("/metrics")).text()
        lines = [line.split() for line in text.splitlines() if "oauth_flows_total{" in line]
        return {name: float(value) for name, value in lines}

    before = await counted()
    for _ in range(2):
        await connected.get(CALLBACK, **params)
    after = await counted()

    name = 'tillstream_gateway_oauth_flows_total{{result="{}"}}'
    for result in ("connected", "bad_state"):
        key = name.format(result)
        assert after[key] - before.get(key, 0) == 1


async def test_tokens_that_ended_while_we_were_away_are_renewed_at_the_start(
    open_gateway, connected, simulator, db
):
    _, headers = await a_tenant(connected)
    await connect(connected, simulator.shop, headers)
    await db.execute("UPDATE accounts.credentials SET expires_at = now() - interval '1 hour'")

    await open_gateway(shopify_base_url=simulator.template)

    async with asyncio.timeout(10):
        while await db.fetchval("SELECT expires_at < now() FROM accounts.credentials"):
            await asyncio.sleep(0.02)
    assert await db.fetchval("SELECT version FROM accounts.credentials") == 2
