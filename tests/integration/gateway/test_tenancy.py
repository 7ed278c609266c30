"""Nobody without a credential, with too little scope, or of another tenant gets anything."""

from __future__ import annotations

import base64
import json
import re
import uuid
from datetime import timedelta

import asyncpg
import jwt
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.gateway.domain import Principal
from services.gateway.openapi import described
from services.gateway.routes import ROUTES
from services.gateway.sessions import AUDIENCE, Mint
from shared.clock import now
from shared.postgres import open_pool, tenant_transaction
from tests.integration.gateway import rows

DOCUMENT = described(ROUTES, version="0", server="http://x")
# Deleting comes last: it would end what the others ask for.
OPERATIONS = sorted(
    (
        (path, method, operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    ),
    key=lambda each: each[1] == "delete",
)
PRIVATE = [each for each in OPERATIONS if each[2]["x-scope"] != "public"]
OF_STORE = [each for each in PRIVATE if "{shop_id}" in each[0] or "{endpoint_id}" in each[0]]


def filled(path, tenant):
    values = {
        "shop_id": str(tenant.shop_id), "order_id": str(rows.ORDER),
        "product_id": str(rows.PRODUCT), "customer_id": str(rows.CUSTOMER),
        "job_id": tenant.job_id, "kind": "orders", "state": "x" * 43,
        "resource": "gift_cards", "object_id": str(rows.GIFT_CARD), "webhook_id": tenant.mark,
        "request_id": tenant.job_id, "endpoint_id": tenant.job_id, "event_id": tenant.job_id,
        "subscription_id": str(rows.SUBSCRIPTION),
    }  # fmt: skip
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], path)


def asked(operation, tenant):
    """Return the query and body with which *operation* would work for *tenant*."""
    values = {"shop_id": str(tenant.shop_id), "shop_domain": tenant.shop_domain, "topics": None}
    values |= {"url": "https://example.com/hook", "topic": "orders/create"}
    query = {
        each["name"]: values.get(each["name"], "x")
        for each in operation["parameters"]
        if each["in"] == "query" and each["required"]
    }
    reference = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = reference.get("schema", {}).get("$ref", "").rpartition("/")[2]
    schema = DOCUMENT["components"]["schemas"].get(name, {})
    body = {key: values[key] for key in schema.get("required", []) if key in values}
    return query, body


async def send(gateway, path, method, operation, *, of, headers):
    query, body = asked(operation, of)
    return await gateway.client.request(
        method.upper(), filled(path, of), params=query, headers=headers,
        json=body if method in ("post", "put") else None, allow_redirects=False,
    )  # fmt: skip


def a_token(gateway, tenant, *, life=timedelta(minutes=5), secret=None, issuer="tillstream"):
    secret = secret or gateway.settings.jwt_secret.get_secret_value()
    principal = Principal(tenant_id=tenant.tenant_id, subject="key:1", scopes=frozenset({"admin"}))
    return Mint(secret=secret, issuer=issuer, life=life).issue(principal, now())


def unsigned(token):
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    return f"{header}.{token.split('.')[1]}."


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_the_document_is_valid_openapi_3_1_and_names_every_route():
    OpenAPIV31SpecValidator(DOCUMENT).validate()

    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(ids)) == len(ids) == len(ROUTES)


def test_the_document_says_which_bodies_and_refusals_there_are():
    described_ = {operation["operationId"]: operation for _, _, operation in OPERATIONS}

    required = {
        name for name, each in described_.items() if each.get("requestBody", {}).get("required")
    }
    assert required == {
        "authorization_start_post", "authorization_finish_post", "stores_renew_token_post",
        "stores_connect_post", "sales_show_sales_post", "sync_choose_topics_put",
        "endpoints_add_endpoint_post", "endpoints_change_endpoint_put",
        "subscriptions_subscribe_post", "subscriptions_subscribe_post_of_only_store",
    }  # fmt: skip
    assert {"409", "422", "502", "504", "413"} <= described_["stores_connect_post"][
        "responses"
    ].keys()
    assert described_["stores_list_stores"]["responses"].keys() == {
        "200", "304", "400", "401", "403", "500", "503"
    }  # fmt: skip


async def test_the_document_is_served_and_covers_what_the_server_routes(gateway):
    response = await gateway.client.get("/api/v1/openapi.json")
    served = await response.json()

    routed = {
        (route.method.lower(), route.resource.canonical)
        for route in gateway.client.server.app.router.routes()
        if route.resource.canonical.startswith("/api/") and route.method != "HEAD"
    }
    described_ = {(m, path) for path, methods in served["paths"].items() for m in methods}
    assert routed - described_ == {("get", "/api/v1/openapi.json")}
    assert described_ - routed == set()


async def test_without_a_live_credential_no_route_answers(gateway, alba):
    good = a_token(gateway, alba)
    refused = {
        "none": {},
        "not ours": {"X-API-Key": "till_0000_ffff"},
        "wrong secret": {"X-API-Key": alba.keys["admin"][:-1] + "!"},
        "expired": bearer(a_token(gateway, alba, life=timedelta(seconds=-1))),
        "unsigned": bearer(unsigned(good)),
        "other secret": bearer(a_token(gateway, alba, secret="x" * 32)),
        "other issuer": bearer(a_token(gateway, alba, issuer="someone")),
        "basic": {"Authorization": "Basic YTpi"},
    }

    for path, method, operation in PRIVATE:
        for name, headers in refused.items():
            response = await send(gateway, path, method, operation, of=alba, headers=headers)
            body = await response.json()
            assert (path, name, response.status, body["code"]) == (path, name, 401, "unauthorized")


async def test_a_credential_reaches_as_far_as_its_scope_on_every_route(gateway, alba):
    order = ["read", "write", "admin"]

    for path, method, operation in PRIVATE:
        needed = order.index(operation["x-scope"])
        for scope in order[:needed]:
            headers = alba.headers(scope)
            response = await send(gateway, path, method, operation, of=alba, headers=headers)
            body = await response.json()
            assert (path, response.status, body["code"]) == (path, 403, "insufficient_scope")
            assert body["details"]["required_scopes"] == [operation["x-scope"]]
        headers = alba.headers(order[needed])
        response = await send(gateway, path, method, operation, of=alba, headers=headers)
        assert response.status not in (401, 403), path


async def test_another_tenants_store_does_not_exist_on_any_route(gateway, alba, boro):
    for path, method, operation in OF_STORE:
        headers = alba.headers()
        response = await send(gateway, path, method, operation, of=boro, headers=headers)

        assert (path, method, response.status) == (path, method, 404)
        assert "boro" not in await response.text()


async def test_no_answer_holds_another_tenants_rows(gateway, alba, boro):
    answered = 0
    for path, method, operation in OPERATIONS:
        headers = alba.headers()
        response = await send(gateway, path, method, operation, of=alba, headers=headers)
        text = await response.text()

        assert "boro" not in text + str(response.headers), path
        assert boro.tenant_id not in text, path
        answered += response.status < 300 and "alba" in text

    assert answered >= 14


async def test_a_token_from_a_key_works_and_a_token_from_a_token_does_not(gateway, alba):
    headers = bearer(alba.keys["read"])
    made = await (await gateway.client.post("/api/v1/auth/token", headers=headers)).json()
    token = made["data"]["access_token"]

    status, body = await gateway.get("/stores", headers=bearer(token))
    again = await gateway.client.post("/api/v1/auth/token", headers=bearer(token))

    assert (status, [store["shop_id"] for store in body["data"]]) == (200, [alba.shop_id])
    assert made["data"]["scopes"] == ["read"]
    assert made["data"]["expires_in"] == 900
    assert again.status == 403
    claims = jwt.decode(token, options={"verify_signature": False}, audience=AUDIENCE)
    assert {"iss", "aud", "exp", "jti"} <= set(claims)


@pytest.mark.parametrize(
    "change",
    ["revoked_at = now()", "expires_at = now() - interval '1 s'", "secret_hash = '\\x00'"],
)
async def test_a_key_revoked_expired_or_changed_is_refused(gateway, alba, db, change):
    await db.execute(f"UPDATE accounts.api_keys SET {change}")

    status, _ = await gateway.get("/stores", headers=alba.headers())

    assert status == 401


async def test_a_suspended_tenants_keys_are_refused(gateway, alba, db):
    await db.execute("UPDATE accounts.tenants SET status = 'suspended'")

    status, _ = await gateway.get("/stores", headers=alba.headers())

    assert status == 401


async def test_the_last_use_of_a_key_is_noted_once_a_minute(gateway, alba, db):
    query = "SELECT last_used_at FROM accounts.api_keys WHERE last_used_at IS NOT NULL"
    await gateway.get("/stores", headers=alba.headers())
    first = await db.fetch(query)
    await gateway.get("/stores", headers=alba.headers())

    assert len(first) == 1
    assert await db.fetch(query) == first


async def test_a_database_role_sees_only_the_tenant_it_names(dsn, db, alba, boro):
    tables = await db.fetch(
        "SELECT c.oid::regclass::text AS name FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'r' AND n.nspname IN ('accounts', 'commerce', 'analytics')"
        " AND has_table_privilege('tillstream_gateway', c.oid, 'SELECT')"
    )
    names = [row["name"] for row in tables]
    pool = await open_pool(dsn, role="tillstream_gateway", max_size=2)
    filled_tables = 0
    try:
        for name in names:
            async with tenant_transaction(pool, alba.tenant_id) as conn:
                seen = await conn.fetch(f"SELECT DISTINCT tenant_id FROM {name}")
            assert {row["tenant_id"] for row in seen} <= {uuid.UUID(alba.tenant_id)}, name
            assert await pool.fetchval(f"SELECT count(*) FROM {name}") == 0, name
            filled_tables += bool(seen)
    finally:
        await pool.close()

    assert len(names) >= 25
    assert filled_tables >= 18


async def test_a_row_cannot_be_written_for_another_tenant(dsn, alba, boro):
    pool = await open_pool(dsn, role="tillstream_gateway", max_size=1)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_transaction(pool, alba.tenant_id) as conn:
                await conn.execute(
                    "INSERT INTO accounts.audit_log (tenant_id, actor, action, target)"
                    " VALUES ($1, 'x', 'x', 'x')",
                    boro.tenant_id,
                )
    finally:
        await pool.close()


async def test_the_audit_log_can_only_grow(dsn, alba):
    pool = await open_pool(dsn, role="tillstream_gateway", max_size=1)
    try:
        for statement in (
            "DELETE FROM accounts.audit_log",
            "UPDATE accounts.audit_log SET actor = ''",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with tenant_transaction(pool, alba.tenant_id) as conn:
                    await conn.execute(statement)
    finally:
        await pool.close()


async def test_an_unknown_path_tells_nothing(gateway):
    response = await gateway.client.get("/api/v1/shopify/secret")

    assert response.status == 404
    assert json.loads(await response.text())["ok"] is False
