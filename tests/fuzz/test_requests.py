"""Requests of every shape against a running receiver."""

from __future__ import annotations

import asyncio
import gzip
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.process import SHOP, Receiver, receiver, request, signed

PATH = b"/api/v1/shopify/webhooks"
TOLD = [
    b"Topic",
    b"Shop-Domain",
    b"Webhook-Id",
    b"Event-Id",
    b"Triggered-At",
    b"API-Version",
    b"Hmac-Sha256",
]
OTHERS = [
    b"traceparent",
    b"X-Forwarded-For",
    b"Content-Type",
    b"Content-Encoding",
    b"Connection",
    b"Expect",
    b"Transfer-Encoding",
    b"Content-Length",
    b"Upgrade",
    b"Host",
]

fuzzing = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
noise = st.binary(max_size=60)
printable = st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass"))
values = st.one_of(
    noise,
    printable,
    st.sampled_from(
        [
            SHOP.encode(),
            b"orders/create",
            b"shop/update",
            b"app/uninstalled",
            b"2026-11-20T10:00:00.123456789Z",
            b"9999-99-99T99:99:99Z",
            b"0001-01-01T00:00:00+14:00",
            b"gzip",
            b"chunked",
            b"close",
            b"100-continue",
            b"-1",
            b"99999999999999999999",
            b"",
        ]
    ),
)
names = st.one_of(
    st.tuples(st.sampled_from([b"X-Shopify-", b"Shopify-"]), st.sampled_from(TOLD)).map(b"".join),
    st.sampled_from(OTHERS),
    noise,
)
bodies = st.one_of(
    noise,
    st.binary(max_size=5000),
    st.sampled_from(
        [
            b"{}",
            b'{"shop_domain": "other.myshopify.com"}',
            b'{"myshopify_domain": null, "id": 1e999}',
            b'{"shop_domain":' + b"[" * 5000,
            b'{"id": 99999999999999999999999999, "myshopify_domain": "fuzz.myshopify.com"}',
            b'\xff\xfe_domain"',
        ]
    ),
)


@pytest.fixture(scope="module")
def server(dsn: str) -> Iterator[Receiver]:
    asyncio.run(_connect_store(dsn))
    with tempfile.TemporaryDirectory(prefix="till-") as folder, receiver(dsn, Path(folder)) as one:
        yield one


@pytest.fixture(autouse=True)
def nothing_is_logged(server: Receiver) -> Iterator[None]:
    yield
    assert server.complaints() == []


async def _connect_store(dsn: str) -> None:
    conn = await asyncpg.connect(dsn)
    tenant = await conn.fetchval(
        "INSERT INTO accounts.tenants (name) VALUES ('Fuzz') RETURNING tenant_id"
    )
    await conn.execute(
        "INSERT INTO accounts.stores (tenant_id, shop_domain) VALUES ($1, $2)"
        " ON CONFLICT DO NOTHING",
        tenant,
        SHOP,
    )
    await conn.close()


def healthy(server: Receiver, raw: bytes, *, seconds: float = 0.1) -> list[int]:
    statuses = server.send(raw, seconds=seconds)
    assert [status for status in statuses if status >= 500] == []
    return statuses


def honest(body: bytes, changes: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return headers as Shopify sends them, with some replaced and more added."""
    headers = {
        b"X-Shopify-Topic": b"orders/create",
        b"X-Shopify-Shop-Domain": SHOP.encode(),
        b"X-Shopify-Webhook-Id": b"w",
        b"X-Shopify-Hmac-Sha256": signed(body),
        b"Content-Length": b"%d" % len(body),
        b"Connection": b"close",
    }
    return [*(headers | dict(changes)).items()]


@fuzzing
@given(raw=st.binary(max_size=2000))
def test_bytes_that_are_no_request(server: Receiver, raw: bytes):
    healthy(server, raw)


@fuzzing
@given(headers=st.lists(st.tuples(names, values), max_size=12), body=bodies, path=printable)
def test_requests_of_strangers(server: Receiver, headers, body, path):
    healthy(server, request(PATH + b"/" + path, headers, body))
    healthy(server, request(PATH, [*headers, (b"Content-Length", b"%d" % len(body))], body))


@fuzzing
@given(changes=st.lists(st.tuples(names, values), max_size=3), body=bodies)
def test_signed_requests_with_other_headers(server: Receiver, changes, body):
    healthy(server, request(PATH, honest(body, changes), body))


@fuzzing
@given(body=bodies, topic=st.sampled_from(["orders/create", "shop/update", "shop/redact", "x"]))
def test_signed_bodies_of_any_kind_are_kept_or_refused(server: Receiver, body, topic):
    headers = honest(body, [(b"X-Shopify-Topic", topic.encode())])

    assert healthy(server, request(PATH, headers, body), seconds=10)[0] in {200, 400}


@fuzzing
@given(
    body=st.binary(min_size=1, max_size=3000),
    cuts=st.lists(st.integers(1, 500), min_size=1, max_size=8),
    tail=st.sampled_from([b"0\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n", b"", b"zz\r\n", b"-1\r\n\r\n"]),
)
def test_bodies_in_chunks(server: Receiver, body: bytes, cuts: list[int], tail: bytes):
    chunks, rest = [], body
    while rest:
        size = cuts[len(chunks) % len(cuts)]
        chunks.append(rest[:size])
        rest = rest[size:]
    coded = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + tail
    headers = [one for one in honest(body, []) if one[0] != b"Content-Length"]

    headers.append((b"Transfer-Encoding", b"chunked"))
    whole = tail == b"0\r\n\r\n"

    statuses = healthy(server, request(PATH, headers, coded), seconds=10 if whole else 0.1)

    if whole:
        assert statuses == [200]


@pytest.mark.parametrize("topic", [b"orders/create", b"shop/update"])
def test_a_body_that_nests_deeper_than_is_read_is_kept(server: Receiver, topic: bytes):
    body = b'{"a_domain":' + b"[" * 3000 + b"]" * 3000 + b"}"
    headers = honest(body, [(b"X-Shopify-Topic", topic)])

    assert healthy(server, request(PATH, headers, body), seconds=10) == [200]


def test_a_signature_is_over_the_bytes_that_were_sent(server: Receiver):
    body = gzip.compress(b'{"id": 1}')
    headers = honest(body, [(b"Content-Encoding", b"gzip")])

    assert healthy(server, request(PATH, headers, body), seconds=10) == [200]


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd", b"nonsense"])
def test_bodies_that_claim_to_be_compressed(server: Receiver, coding: bytes):
    for body in (b"{}", b"\x1f\x8b\x08" + b"\0" * 50, b"x" * 200_000):
        healthy(server, request(PATH, honest(body, [(b"Content-Encoding", coding)]), body))


@pytest.mark.parametrize("count", [50, 500, 20_000])
def test_very_many_headers(server: Receiver, count: int):
    many = [(b"X-%d" % number, b"y" * 20) for number in range(count)]

    healthy(server, request(PATH, honest(b"{}", many), b"{}"))


def test_a_header_and_a_path_of_a_megabyte(server: Receiver):
    long = b"a" * 2**20

    healthy(server, request(PATH, honest(b"{}", [(b"X-Long", long)]), b"{}"))
    healthy(server, request(PATH + b"/" + long, honest(b"{}", []), b"{}"))


@pytest.mark.parametrize("path", [PATH, PATH + b"/x", b"/healthz", b"/", b"*"])
@pytest.mark.parametrize("expected", [b"\x80", b"100-continue", b"100-CONTINUE", b"anything"])
def test_expectations(server: Receiver, path: bytes, expected: bytes):
    for method in (b"GET", b"POST"):
        headers = honest(b"{}", [(b"Expect", expected)])
        healthy(server, request(path, headers, b"{}", method=method))


@pytest.mark.parametrize("method", [b"GET", b"PUT", b"OPTIONS", b"CONNECT", b"HEAD", b"B\xffD"])
def test_other_methods(server: Receiver, method: bytes):
    healthy(server, request(PATH, honest(b"{}", []), b"{}", method=method))


@pytest.mark.parametrize("path", [PATH, b"/healthz", b"/"])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_clients_that_leave_before_they_are_answered(server: Receiver, path: bytes, method: bytes):
    headers = honest(b"{}", [(b"Expect", b"100-continue")])

    for _ in range(100):
        server.leave(request(path, headers, b"{}", method=method))

    assert server.send(request(PATH, honest(b"{}", []), b"{}"), seconds=10) == [200]
