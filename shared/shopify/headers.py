"""The headers of a webhook request, in either of Shopify's two families."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import Rejected
from shared.shopify.admin_api import SHOP_DOMAIN

_SHOP = re.compile(SHOP_DOMAIN)

_FAMILIES = ("shopify-", "x-shopify-")
_LONGEST = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookHeaders:
    """What the headers claim; nothing of it is proved before the signature is."""

    topic: str
    shop_domain: str
    webhook_id: str
    signature: str
    event_id: str
    triggered_at: str
    api_version: str


def webhook_headers(headers: Mapping[str, str]) -> WebhookHeaders:
    """Return the webhook's headers; ``Shopify-*`` (Events) wins over ``X-Shopify-*``.

    Raises Rejected, code ``missing_header``, ``bad_header`` or ``bad_shop_domain``.
    Source: https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
    """
    lowered = {name.lower(): value.strip() for name, value in headers.items()}
    shop_domain = _required(lowered, "shop-domain").lower()
    if _SHOP.fullmatch(shop_domain) is None:
        raise Rejected("the shop domain is not one of Shopify's", code="bad_shop_domain")
    return WebhookHeaders(
        topic=_required(lowered, "topic"),
        shop_domain=shop_domain,
        webhook_id=_required(lowered, "webhook-id"),
        signature=_first(lowered, "hmac-sha256"),
        event_id=_first(lowered, "event-id"),
        triggered_at=_first(lowered, "triggered-at"),
        api_version=_first(lowered, "api-version"),
    )


def _required(headers: Mapping[str, str], name: str) -> str:
    value = _first(headers, name)
    if not value:
        raise Rejected(
            f"the header {name} is missing", code="missing_header", details={"header": name}
        )
    return value


def _first(headers: Mapping[str, str], name: str) -> str:
    for family in _FAMILIES:
        value = headers.get(family + name, "")
        if value:
            if len(value) > _LONGEST or not value.isprintable():
                raise Rejected(f"the header {name} is not text", code="bad_header")
            return value
    return ""
