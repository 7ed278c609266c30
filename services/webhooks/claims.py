"""What a delivery's headers claim. Only the body is signed: nothing here is proof of anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from multidict import istr

from shared.errors import Rejected

_TOPIC: Final = re.compile(r"[a-z0-9_]{1,64}([./][a-z0-9_]{1,64}){1,3}").fullmatch
_DOMAIN: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,99}\.myshopify\.com").fullmatch
_PLAIN: Final = re.compile(r"[\x21-\x7e]{0,255}").fullmatch


@dataclass(frozen=True, slots=True)
class _Family:
    """The names of one header family."""

    signature: str
    topic: str
    shop_domain: str
    webhook_id: str
    event_id: str
    triggered_at: str
    api_version: str


def _family(prefix: str) -> _Family:
    names = (
        "Hmac-Sha256",
        "Topic",
        "Shop-Domain",
        "Webhook-Id",
        "Event-Id",
        "Triggered-At",
        "API-Version",
    )
    return _Family(*(istr(prefix + name) for name in names))


_WEBHOOKS: Final = _family("X-Shopify-")
# https://shopify.dev/docs/apps/build/events: its headers have no prefix and win when both are sent.
_EVENTS: Final = _family("Shopify-")


@dataclass(frozen=True, slots=True)
class Claims:
    """The headers of one delivery; empty where absent."""

    signature: str
    topic: str
    shop_domain: str
    webhook_id: str
    event_id: str
    triggered_at: str
    api_version: str

    def check(self) -> None:
        """Raise Rejected unless a delivery can be told apart and filed by these headers."""
        if _TOPIC(self.topic) is None:
            raise Rejected("X-Shopify-Topic is missing or malformed", code="bad_topic")
        if not self.names_a_shop:
            raise Rejected("X-Shopify-Shop-Domain is missing or malformed", code="bad_domain")
        if not self.webhook_id:
            raise Rejected("X-Shopify-Webhook-Id is missing", code="bad_webhook_id")
        for text in (self.webhook_id, self.event_id, self.triggered_at, self.api_version):
            if _PLAIN(text) is None:
                raise Rejected("a Shopify header is malformed", code="bad_header")

    @property
    def names_a_shop(self) -> bool:
        """Whether the domain has the form of a shop's."""
        return _DOMAIN(self.shop_domain) is not None


def claims_of(headers: Mapping[str, str]) -> Claims:
    """Read the claims of either header family; *headers* must ignore case."""
    get = headers.get
    family = _EVENTS if _EVENTS.signature in headers else _WEBHOOKS
    return Claims(
        get(family.signature, ""),
        get(family.topic, "").lower(),
        get(family.shop_domain, "").lower(),
        get(family.webhook_id, ""),
        get(family.event_id, ""),
        get(family.triggered_at, ""),
        get(family.api_version, ""),
    )
