"""The shop, its locations, and what the app has made there."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from tests.simulator import words
from tests.simulator.fields.goods import matching_levels
from tests.simulator.fields.orders import _gid, _same, _time
from tests.simulator.ids import gid
from tests.simulator.model import Level, Location, Shop

_PLANS = {
    "standard": "Basic",
    "plus": "Shopify Plus",
    "enterprise": "Shopify Plus",
    "partner": "Developer Preview",
}


def _levels(location: Location, world: Any, arguments: dict[str, Any]) -> list[Level]:
    found = [
        level
        for item in world.items
        if (level := item.levels.get(location.id)) is not None
        and (level.active or arguments.get("includeInactive"))
    ]
    return matching_levels(found, arguments.get("query"))


def _offset(shop: Shop, world: Any) -> int:
    zone = zoneinfo.ZoneInfo(shop.timezone)
    offset = dt.datetime.now(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds() // 60)


def _currencies(shop: Shop, world: Any) -> list[str]:
    return [shop.currency, *(other for home, other in words.RATES if home == shop.currency)]


VALUES: dict[str, dict[str, Any]] = {
    "Shop": {
        "id": _gid("Shop"),
        "name": _same("name"),
        "email": _same("email"),
        "contactEmail": _same("email"),
        "myshopifyDomain": _same("domain"),
        "currencyCode": _same("currency"),
        "ianaTimezone": _same("timezone"),
        "timezoneOffsetMinutes": _offset,
        "taxesIncluded": _same("taxes_included"),
        "createdAt": _time("created"),
        "url": lambda s, w: f"https://{s.domain}",
        "plan": lambda s, w: s,
        "primaryDomain": lambda s, w: s,
        "enabledPresentmentCurrencies": _currencies,
    },
    "ShopPlan": {
        "publicDisplayName": lambda s, w: _PLANS[s.plan],
        "partnerDevelopment": lambda s, w: s.plan == "partner",
        "shopifyPlus": lambda s, w: s.plan == "plus",
    },
    "Domain": {
        "id": lambda s, w: gid("Domain", s.id),
        "host": _same("domain"),
        "url": lambda s, w: f"https://{s.domain}",
    },
    "Location": {
        "id": _gid("Location"),
        "legacyResourceId": lambda x, w: str(x.id),
        "name": _same("name"),
        "isActive": _same("active"),
        "fulfillsOnlineOrders": _same("fulfills_online"),
        "createdAt": _time("created"),
        "updatedAt": _time("updated"),
        "address": _same("address"),
    },
    "LocationAddress": {
        "address1": _same("address1"),
        "address2": _same("address2"),
        "city": _same("city"),
        "province": _same("province"),
        "provinceCode": _same("province_code"),
        "country": _same("country"),
        "countryCode": _same("country_code"),
        "zip": _same("zip"),
        "phone": _same("phone"),
    },
    "ApiVersion": {
        "handle": lambda handle, w: handle,
        "displayName": lambda handle, w: handle,
        "supported": lambda handle, w: True,
    },
    "AccessScope": {
        "handle": lambda handle, w: handle,
        "description": lambda handle, w: handle.replace("_", " "),
    },
    "AppInstallation": {
        "id": lambda a, w: gid("AppInstallation", 1),
        "accessScopes": lambda a, w: a.scopes,
        "app": lambda a, w: a,
    },
    "App": {"id": lambda a, w: gid("App", 1), "title": lambda a, w: "Simulated app"},
    "WebhookSubscription": {
        "id": _gid("WebhookSubscription"),
        "legacyResourceId": lambda s, w: str(s.id),
        "topic": _same("topic"),
        "uri": _same("uri"),
        "format": lambda s, w: "JSON",
        "includeFields": _same("include_fields"),
        "metafieldNamespaces": _same("metafield_namespaces"),
        "filter": _same("filter"),
        "name": _same("name"),
        "apiVersion": _same("api_version"),
        "createdAt": _time("created"),
        "updatedAt": _time("updated"),
    },
    "BulkOperation": {
        "id": _gid("BulkOperation"),
        "status": _same("status"),
        "type": _same("kind"),
        "errorCode": _same("error_code"),
        "createdAt": _time("created"),
        "completedAt": _time("completed"),
        "objectCount": lambda b, w: str(b.objects),
        "rootObjectCount": lambda b, w: str(b.roots),
        "fileSize": lambda b, w: str(b.size) if b.size else None,
        "url": _same("url"),
        "partialDataUrl": _same("partial_url"),
        "query": _same("query"),
    },
    "UserError": {
        "field": lambda e, w: e.get("field"),
        "message": lambda e, w: e["message"],
        "code": lambda e, w: e.get("code"),
    },
}
VALUES["BulkOperationUserError"] = VALUES["UserError"]
LISTS: dict[str, dict[str, Any]] = {"Location": {"inventoryLevels": _levels}}
