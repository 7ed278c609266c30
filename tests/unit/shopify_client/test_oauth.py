from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.errors import Rejected, Throttled, Unauthorized, Unavailable
from shared.shopify import oauth

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
APP = oauth.App(client_id="client", client_secret="hush")


def a_callback(*, secret="hush", **changed):
    params = {
        "code": "c0de",
        "shop": "a.myshopify.com",
        "state": "nonce",
        "host": "YWRtaW4",
        "timestamp": str(int(NOW.timestamp())),
    } | changed
    message = "&".join(f"{key}={value}" for key, value in sorted(params.items()))
    return params | {
        "hmac": hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    }


def test_the_merchant_is_sent_to_the_shop_with_scopes_and_state():
    url = oauth.authorize_url(
        "a.myshopify.com", app=APP, scopes=["read_orders", "read_products"],
        redirect_uri="https://x.example/cb", state="nonce",
    )  # fmt: skip

    parts = urlsplit(url)
    assert (parts.netloc, parts.path) == ("a.myshopify.com", "/admin/oauth/authorize")
    assert parse_qs(parts.query) == {
        "client_id": ["client"],
        "scope": ["read_orders,read_products"],
        "redirect_uri": ["https://x.example/cb"],
        "state": ["nonce"],
    }


def test_a_signed_fresh_callback_is_believed():
    callback = oauth.verified_callback(a_callback(), secrets=["new", "hush"], now=NOW)

    assert callback == oauth.Callback(shop_domain="a.myshopify.com", code="c0de", state="nonce")


@pytest.mark.parametrize(
    ("params", "kind", "code"),
    [
        (a_callback(secret="guess"), Unauthorized, "bad_hmac"),
        (a_callback() | {"shop": "b.myshopify.com"}, Unauthorized, "bad_hmac"),
        ({k: v for k, v in a_callback().items() if k != "hmac"}, Unauthorized, "bad_hmac"),
        (a_callback(timestamp="1"), Rejected, "stale_callback"),
        (a_callback(timestamp="soon"), Rejected, "stale_callback"),
        (a_callback(error="access_denied"), Rejected, "access_denied"),
        (a_callback(code=""), Rejected, "incomplete_callback"),
        (a_callback(shop="evil.example"), Rejected, "invalid_shop_domain"),
    ],
)
def test_a_callback_that_is_forged_stale_or_foreign_is_refused(params, kind, code):
    with pytest.raises(Rejected) as caught:
        oauth.verified_callback(params, secrets=["hush"], now=NOW)

    assert (type(caught.value), caught.value.code) == (kind, code)


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (oauth.code_request("a.myshopify.com", "c0de", app=APP), {"code": "c0de", "expiring": "1"}),
        (oauth.refresh_request("a.myshopify.com", "shprt_1", app=APP),
         {"grant_type": "refresh_token", "refresh_token": "shprt_1"}),
        (oauth.client_credentials_request("a.myshopify.com", app=APP),
         {"grant_type": "client_credentials"}),
    ],
)  # fmt: skip
def test_each_grant_is_asked_for_at_the_shop_with_the_clients_secret(request_, fields):
    assert request_.url == "https://a.myshopify.com/admin/oauth/access_token"
    assert json.loads(request_.body) == {
        "client_id": "client", "client_secret": "hush", **fields
    }  # fmt: skip


def test_an_expiring_grant_tells_when_both_tokens_end():
    body = {"access_token": "shpat_1", "scope": "read_orders, write_products", "expires_in": 3600,
            "refresh_token": "shprt_1", "refresh_token_expires_in": 7776000}  # fmt: skip

    grant = oauth.decipher_grant(200, {}, json.dumps(body).encode(), now=NOW)

    assert grant == oauth.Grant(
        access_token="shpat_1",
        scopes=("read_orders", "write_products"),
        expires_at=NOW + timedelta(hours=1),
        refresh_token="shprt_1",
        refresh_expires_at=NOW + timedelta(days=90),
    )


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, b'{"error":"invalid_grant"}', Unauthorized, "invalid_grant"),
        (400, b"<html>", Rejected, "oauth_refused"),
        (400, b"{}", Rejected, "oauth_refused"),
        (401, b'{"error":"invalid_client"}', Rejected, "invalid_client"),
        (400, b'{"error":"unsupported_grant_type"}', Rejected, "oauth_refused"),
        (429, b"", Throttled, "throttled"),
        (502, b"", Unavailable, "shopify_error"),
        (200, b"<html>", Unavailable, "bad_answer"),
        (302, b"", Rejected, "redirect_refused"),
    ],
)
def test_a_refused_grant_says_why(status, body, kind, code):
    with pytest.raises((Rejected, Unavailable)) as caught:
        oauth.decipher_grant(status, {}, body, now=NOW)

    assert (type(caught.value), caught.value.code) == (kind, code)


def test_writing_a_thing_implies_reading_it():
    asked = ["read_orders", "write_orders", "read_locations"]

    assert oauth.missing_scopes(asked, ["write_orders"]) == ["read_locations"]
    assert oauth.missing_scopes(asked, ["read_orders", "read_locations"]) == ["write_orders"]
