"""Whatever is sent, the answer is ours: never a bug, never a traceback."""

from __future__ import annotations

import asyncio
import base64
import io
import json

import pytest

from tests.integration.gateway.test_tenancy import OPERATIONS, filled

STRANGE = [
    "\0", "a\0b", "", " ", "-1", "0", "9223372036854775807", "9223372036854775808", "1e400", "NaN",
    "null", "0001-01-01", "9999-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2026-01-01T00:00:00", "infinity", "' OR 1=1 --", "%", "\\", "😀", "x" * 5000, "../..", "{}",
    "2026-02-30",
]  # fmt: skip


def cursor(*position):
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


CURSORS = [
    cursor("2026-01-01T00:00:00", 1),
    cursor("9999-12-31T23:59:59-14:00", 1),
    cursor("2026-01-01T00:00:00Z", 2**63),
    cursor(2**70),
    cursor(-(2**64), 1),
    cursor("2026-01-01T00:00:00Z", "a\0", "b"),
    cursor("2026-01-01T00:00:00Z", "not a uuid"),
    cursor([], {}),
]


async def test_no_strange_query_is_a_bug(gateway, alba):
    seen = set()
    for path, method, operation in OPERATIONS:
        names = [each["name"] for each in operation["parameters"] if each["in"] == "query"]
        for name in names if method == "get" else ():
            for value in (*STRANGE, *(CURSORS if name == "cursor" else ())):
                response = await gateway.client.get(
                    filled(path, alba), params={name: value}, headers=alba.headers(),
                    allow_redirects=False,
                )  # fmt: skip
                seen.add(response.status)
                assert response.status < 500, (path, name, value, await response.text())

    assert {200, 400, 404} <= seen


async def test_no_strange_store_name_is_a_bug(gateway, alba):
    for value in ("%00", "%F0%9F%98%80", "-1", "9" * 30, "a%0Ab", "'", "x" * 4000):
        for tail in ("", "/orders", "/sync/status"):
            response = await gateway.client.get(
                f"/api/v1/shopify/stores/{value}{tail}", headers=alba.headers()
            )
            assert response.status in (400, 404), (value, await response.text())


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"1", b'"x"', b"{}", b'{"shop_domain": 1}', b'{"a": "\\u0000"}',
     b'{"shop_domain": "\\ud800"}', b"\xff\xfe", b"[" * 5000, b'{"shop_id": {}}',
     b'{"kinds": ["orders", "orders", 7]}', b'{"full_sync": "maybe"}'],
)  # fmt: skip
async def test_no_strange_body_is_a_bug(gateway, alba, body):
    for path, method, _ in OPERATIONS:
        if method == "post":
            response = await gateway.client.post(
                filled(path, alba), data=body, headers=alba.headers()
            )
            assert response.status < 500, (path, await response.text())
            assert (await response.json())["ok"] is (response.status < 300)


async def test_a_body_that_is_too_large_is_refused(gateway, alba):
    response = await gateway.client.post(
        f"/api/v1/shopify/stores/{alba.shop_id}/sync", data=io.BytesIO(b" " * 2_000_000),
        headers=alba.headers(),
    )  # fmt: skip

    assert response.status == 413


@pytest.mark.parametrize(
    "headers",
    [{"X-API-Key": b"till_k_\xe9"}, {"X-API-Key": b"caf\xc3\xa9"},
     {"Authorization": b"Bearer \x80"}, {"Authorization": b"Bearer till_k_\xff"}],
)  # fmt: skip
async def test_a_credential_that_is_not_ascii_is_no_credential(gateway, alba, headers):
    ((name, value),) = headers.items()
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.client.port)
    writer.write(
        b"GET /api/v1/shopify/stores HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        + name.encode() + b": " + value + b"\r\n\r\n"
    )  # fmt: skip
    answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"WWW-Authenticate: Bearer" in answer


@pytest.mark.parametrize(
    "token", ["shpat_1234\r\nX-Evil: 1", "shpat_12 34", "shpat_caf\u00e9s", None]
)
async def test_a_token_that_cannot_travel_in_a_header_is_not_valid(gateway, alba, token):
    body = {"shop_domain": "a.myshopify.com"} | ({"access_token": token} if token else {})

    status, body = await gateway.post("/connect", body, headers=alba.headers())

    assert (status, body["code"]) == (400, "validation_failed")
    assert [each["field"] for each in body["details"]["fields"]] == ["access_token"]


@pytest.mark.parametrize("path", ["/health", "/stores", "/health/summary", "/sync/status"])
async def test_an_unknown_query_name_is_refused_everywhere(gateway, alba, path):
    of_store = f"/stores/{alba.shop_id}" if path.startswith("/sync") else ""

    status, body = await gateway.get(of_store + path, headers=alba.headers(), colour="red")

    assert (status, body["details"]["fields"][0]["field"]) == (400, "colour")


async def test_a_strange_cookie_is_no_browser(gateway):
    headers = {"Cookie": "till_oauth=caf\u00e9"}

    response = await gateway.client.post(
        f"/api/v1/shopify/oauth/start/{'x' * 43}", headers=headers, allow_redirects=False
    )

    assert response.status == 401


@pytest.mark.parametrize("expected", [b"\x80", b"anything"])
async def test_an_expectation_that_cannot_be_met_is_told_so(gateway, expected):
    reader, writer = await asyncio.open_connection(gateway.client.host, gateway.client.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: " + expected + b"\r\n\r\n")
    writer.write(b"GET /api/v1/shopify/stores HTTP/1.1\r\nHost: x\r\nConnection: close\r\n")
    writer.write(b"Expect: " + expected + b"\r\n\r\n")

    answers = await asyncio.wait_for(reader.read(), 10)

    writer.close()
    assert answers.count(b"HTTP/1.1 417 ") == 2, answers


async def test_who_leaves_before_the_answer_is_no_error(gateway, caplog):
    for _ in range(20):
        _, writer = await asyncio.open_connection(gateway.client.host, gateway.client.port)
        writer.write(b"GET /api/v1/shopify/stores HTTP/1.1\r\nHost: x\r\n")
        writer.write(b"Expect: 100-continue\r\n\r\n")
        writer.transport.abort()

    assert (await gateway.client.get("/healthz")).status == 200
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []
