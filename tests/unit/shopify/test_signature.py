"""Webhook and query signatures against published vectors."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from shared.shopify.signature import query_is_signed, webhook_is_signed

BODY = b'{"id":1}'
SIGNED = "A971iWIMgT8Zj9A9eWfikrFj7wQ16/Qwcc4OlRl2PLc="
SHOP = ("shop", "some-shop.myshopify.com")
TIME = ("timestamp", "1337178173")
CODE = ("code", "0907a61c0c8d55e99db179b68161bc00")
QUERIES = [
    (
        [("code", "a94a110d86d2452eb3e2af4cfb8a3828"), SHOP, TIME],
        "2cb1a277650a659f1b11e92a4a64275b128e037f2c3390e3c8fd2d8721dac9e2",
    ),
    ([CODE, SHOP, TIME], "4712bf92ffc2917d15a2f5a273e39f0116667419aa4b6ac0b3baaf26fa3c4d20"),
    (
        [CODE, SHOP, ("state", "0.6784241404160823"), TIME],
        "700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf",
    ),
    (
        [("ids[]", "2"), ("ids[]", "1"), SHOP],
        "b93b9f82996f6f8bf9f1b7bbddec284c8fabacdc4e12dc80550b4705f3003b1e",
    ),
]


def hexed(message: str, secret: str) -> str:
    return hmac.digest(secret.encode(), message.encode(), hashlib.sha256).hex()


def test_a_webhook_is_signed_over_its_raw_bytes():
    assert webhook_is_signed(BODY, SIGNED, ["secret"])
    assert not webhook_is_signed(b'{"id": 1}', SIGNED, ["secret"])


def test_any_live_secret_may_have_signed():
    assert webhook_is_signed(BODY, SIGNED, ["new", "secret"])
    assert not webhook_is_signed(BODY, SIGNED, ["new", "other"])
    assert not webhook_is_signed(BODY, SIGNED, [])


def test_an_empty_secret_signs_nothing():
    signed = base64.b64encode(hmac.digest(b"", BODY, hashlib.sha256)).decode()

    assert not webhook_is_signed(BODY, signed, [""])


@pytest.mark.parametrize(
    "claimed",
    [
        "",
        "not base64!",
        "é",
        base64.b64encode(b"short").decode(),
        base64.b64encode(base64.b64decode(SIGNED) + b"x").decode(),
        base64.b64decode(SIGNED).hex(),
    ],
)
def test_what_is_no_signature_does_not_verify(claimed):
    assert not webhook_is_signed(BODY, claimed, ["secret"])


@pytest.mark.parametrize(("params", "expected"), QUERIES)
def test_published_queries_verify(params, expected):
    assert query_is_signed([*params, ("hmac", expected)], "hush")
    assert query_is_signed([("hmac", expected), *reversed(params)], "hush") == (
        params[0][0] != "ids[]"
    )


def test_separators_inside_values_cannot_make_new_parameters():
    signed = hexed("a=1%26b=2&c%3D3%26d=4", "secret")

    assert query_is_signed({"a": "1&b=2", "c=3&d": "4", "hmac": signed}, "secret")
    assert not query_is_signed({"a": "1", "b": "2", "c": "3", "d": "4", "hmac": signed}, "secret")


def test_the_percent_encoded_form_verifies_too():
    params = {"code": "some code", "host": "YWRtaW4=", "shop": "a/b"}
    signed = hexed("code=some%20code&host=YWRtaW4%3D&shop=a%2Fb", "hush")

    assert query_is_signed({**params, "hmac": signed}, "hush")


@pytest.mark.parametrize("name", ["hmac", "shop", "timestamp", "code", "state"])
def test_a_repeated_parameter_is_refused(name):
    params = [CODE, SHOP, TIME, ("state", "1")]
    message = "&".join(f"{key}={value}" for key, value in sorted(params))
    signed = [*params, ("hmac", hexed(message, "hush"))]
    assert query_is_signed(signed, "hush")

    repeated = [*signed, (name, dict(signed)[name])]

    assert not query_is_signed(repeated, "hush")


def test_a_query_without_hmac_or_with_another_secret_is_not_signed():
    params = {"shop": "x.myshopify.com"}

    assert not query_is_signed(params, "hush")
    assert not query_is_signed({**params, "hmac": hexed("shop=x.myshopify.com", "other")}, "hush")
    assert not query_is_signed({**params, "hmac": "é"}, "hush")


def test_an_empty_secret_signs_no_query():
    params = {"shop": "a.myshopify.com"}

    assert not query_is_signed({**params, "hmac": hexed("shop=a.myshopify.com", "")}, "")
