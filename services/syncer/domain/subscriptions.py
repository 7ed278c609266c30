"""Which webhooks a shop must send us, compared with those it sends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TOPICS = (
    "APP_UNINSTALLED",
    "BULK_OPERATIONS_FINISH",
    "SHOP_UPDATE",
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "ORDERS_EDITED",
    "ORDERS_DELETE",
    "ORDER_TRANSACTIONS_CREATE",
    "REFUNDS_CREATE",
    "FULFILLMENTS_CREATE",
    "FULFILLMENTS_UPDATE",
    "PRODUCTS_CREATE",
    "PRODUCTS_UPDATE",
    "PRODUCTS_DELETE",
    "CUSTOMERS_CREATE",
    "CUSTOMERS_UPDATE",
    "CUSTOMERS_DELETE",
    "CUSTOMERS_MARKETING_CONSENT_UPDATE",
    "CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE",
    "INVENTORY_ITEMS_CREATE",
    "INVENTORY_ITEMS_UPDATE",
    "INVENTORY_ITEMS_DELETE",
    "INVENTORY_LEVELS_CONNECT",
    "INVENTORY_LEVELS_UPDATE",
    "INVENTORY_LEVELS_DISCONNECT",
    "LOCATIONS_CREATE",
    "LOCATIONS_UPDATE",
    "LOCATIONS_DELETE",
    "LOCATIONS_ACTIVATE",
    "LOCATIONS_DEACTIVATE",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One webhook subscription at Shopify."""

    gid: str
    topic: str
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What makes a shop's subscriptions right: *kept*, *missing* topics, *surplus* ones."""

    kept: Sequence[Subscription]
    missing: Sequence[str]
    surplus: Sequence[Subscription]


def compare(existing: Iterable[Subscription], uri: str) -> Changes:
    """Compare what a shop has with TOPICS at *uri*.

    Ours at another address are surplus: the address has moved. Topics we do not know are left
    alone, somebody made them on purpose.
    """
    kept: dict[str, Subscription] = {}
    surplus: list[Subscription] = []
    for one in existing:
        if one.topic in TOPICS and one.uri == uri and one.topic not in kept:
            kept[one.topic] = one
        elif one.topic in TOPICS:
            surplus.append(one)
    missing = [topic for topic in TOPICS if topic not in kept]
    return Changes(kept=list(kept.values()), missing=missing, surplus=surplus)
