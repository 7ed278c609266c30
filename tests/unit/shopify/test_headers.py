"""Webhook headers of both families."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from multidict import CIMultiDict

from shared.errors import Rejected
from shared.shopify import headers as family
from shared.shopify.headers import WebhookHeaders, signature_claimed

HEADERS = {
    "X-Shopify-Topic": "orders/create",
    "X-Shopify-Shop-Domain": "jsmith.myshopify.com",
    "X-Shopify-Webhook-Id": "w",
    "X-Shopify-Hmac-Sha256": "s",
    "X-Shopify-Event-Id": "e",
    "X-Shopify-Triggered-At": "2023-03-29T18:00:27.877041743Z",
    "X-Shopify-API-Version": "2026-10",
}


def webhook_headers(headers: Mapping[str, str]) -> WebhookHeaders:
    return family.webhook_headers(CIMultiDict(headers))


def test_headers_are_read_whatever_their_case():
    headers = webhook_headers({name.lower(): value for name, value in HEADERS.items()})

    assert headers == webhook_headers({name.upper(): value for name, value in HEADERS.items()})
    assert (headers.topic, headers.shop_domain) == ("orders/create", "jsmith.myshopify.com")
    assert (headers.webhook_id, headers.event_id, headers.signature) == ("w", "e", "s")
    assert headers.api_version == "2026-10"
    assert headers.triggered_at == "2023-03-29T18:00:27.877041743Z"


def test_the_events_family_wins_where_both_are_there():
    headers = webhook_headers({**HEADERS, "shopify-topic": "Product", "Shopify-Webhook-Id": "v"})

    assert (headers.topic, headers.webhook_id, headers.event_id) == ("Product", "v", "e")


def test_optional_headers_may_be_absent():
    headers = webhook_headers(dict(list(HEADERS.items())[:3]))

    assert (headers.event_id, headers.triggered_at, headers.api_version) == ("", "", "")


@pytest.mark.parametrize(
    "name", ["X-Shopify-Topic", "X-Shopify-Shop-Domain", "X-Shopify-Webhook-Id"]
)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_header_is_named(name, value):
    headers = {key: text for key, text in {**HEADERS, name: value}.items() if text is not None}

    with pytest.raises(Rejected) as error:
        webhook_headers(headers)

    assert error.value.code == "missing_header"
    assert f"x-shopify-{error.value.details['header']}" == name.lower()


@pytest.mark.parametrize(
    "domain",
    [
        "evil.com",
        "x.myshopify.com.evil.com",
        "-x.myshopify.com",
        "a_b.myshopify.com",
        "x.myshopify.com/admin",
        "x.myshopify.io",
        "a.b.myshopify.com",
    ],
)
def test_a_domain_that_is_no_shop_is_refused(domain):
    with pytest.raises(Rejected) as error:
        webhook_headers({**HEADERS, "X-Shopify-Shop-Domain": domain})

    assert error.value.code == "bad_shop_domain"


@pytest.mark.parametrize("topic", ["a" * 256, "orders/\x00create"])
def test_a_header_that_is_no_short_text_is_refused(topic):
    with pytest.raises(Rejected) as error:
        webhook_headers({**HEADERS, "X-Shopify-Topic": topic})

    assert error.value.code == "bad_header"


def test_the_signature_can_be_had_alone():
    events = {"Shopify-Hmac-Sha256": "events"}

    assert signature_claimed(CIMultiDict(HEADERS)) == "s"
    assert signature_claimed(CIMultiDict(HEADERS | events)) == "events"
    assert signature_claimed(CIMultiDict()) == ""
