"""The headers of a webhook request, in either of Shopify's two families."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from shared.errors import Rejected
from shared.shopify.admin_api import SHOP_DOMAIN
from shared.tracing import TRACEPARENT

_SHOP = re.compile(SHOP_DOMAIN)

_LONGEST = 255
_EVENTS_TOPIC: Final = "Shopify-Topic"
_EVENTS_SIGNATURE: Final = "Shopify-Hmac-Sha256"
# What earlier guides called it.
_ALIASES = {"orders/update": "orders/updated"}
_FAMILIES = ("Shopify-", "X-Shopify-")
_OLDER_FAMILY = ("X-Shopify-",)


class WebhookHeaders(msgspec.Struct, frozen=True, kw_only=True):
    """What the headers claim; nothing of it is proved before the signature is.

    Afterwards only the body is: Shopify signs no header. *topic*, *shop_domain* and the ids remain
    somebody's word.
    """

    topic: str
    shop_domain: str
    webhook_id: str
    signature: str
    event_id: str
    triggered_at: str
    api_version: str
    traceparent: str = ""


def webhook_headers(headers: Mapping[str, str]) -> WebhookHeaders:
    """Return the webhook's headers; ``Shopify-*`` (Events) wins over ``X-Shopify-*``.

    *headers* finds a name in any case. Raises Rejected, code ``missing_header``, ``bad_header`` or
    ``bad_shop_domain``.
    Source: https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
    """
    families = (
        _FAMILIES if _EVENTS_TOPIC in headers or _EVENTS_SIGNATURE in headers else _OLDER_FAMILY
    )
    shop_domain = _required(headers, families, "Shop-Domain").lower()
    if _SHOP.fullmatch(shop_domain) is None:
        raise Rejected("the shop domain is not one of Shopify's", code="bad_shop_domain")
    topic = _required(headers, families, "Topic")
    return WebhookHeaders(
        topic=_ALIASES.get(topic, topic),
        shop_domain=shop_domain,
        webhook_id=_required(headers, families, "Webhook-Id"),
        signature=_first(headers, families, "Hmac-Sha256"),
        event_id=_first(headers, families, "Event-Id"),
        triggered_at=_first(headers, families, "Triggered-At"),
        api_version=_first(headers, families, "Api-Version"),
        traceparent=headers.get(TRACEPARENT, ""),
    )


def signature_claimed(headers: Mapping[str, str]) -> str:
    """Return the signature alone, or an empty text."""
    return headers.get(_EVENTS_SIGNATURE) or headers.get("X-Shopify-Hmac-Sha256", "")


def _required(headers: Mapping[str, str], families: tuple[str, ...], name: str) -> str:
    value = _first(headers, families, name)
    if not value:
        lowered = name.lower()
        raise Rejected(
            f"the header {lowered} is missing", code="missing_header", details={"header": lowered}
        )
    return value


def _first(headers: Mapping[str, str], families: tuple[str, ...], name: str) -> str:
    for family in families:
        value = headers.get(family + name, "").strip()
        if value:
            if len(value) > _LONGEST or not value.isprintable():
                raise Rejected(f"the header {name.lower()} is not text", code="bad_header")
            return value
    return ""
