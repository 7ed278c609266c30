"""Which webhooks a shop must send us, compared with those it sends."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

# Scope -> the topics that need it. Those without a scope tell about the app and the shop itself.
_BY_SCOPE = {
    "": "APP_UNINSTALLED APP_SCOPES_UPDATE BULK_OPERATIONS_FINISH SHOP_UPDATE",
    "read_orders": """
        ORDERS_CREATE ORDERS_UPDATED ORDERS_EDITED ORDERS_DELETE ORDERS_RISK_ASSESSMENT_CHANGED
        ORDER_TRANSACTIONS_CREATE REFUNDS_CREATE CHECKOUTS_CREATE CHECKOUTS_UPDATE CHECKOUTS_DELETE
    """,
    "read_fulfillments": "FULFILLMENTS_CREATE FULFILLMENTS_UPDATE",
    "read_returns": """
        RETURNS_REQUEST RETURNS_APPROVE RETURNS_DECLINE RETURNS_CANCEL RETURNS_CLOSE RETURNS_REOPEN
        RETURNS_PROCESS RETURNS_UPDATE
    """,
    "read_merchant_managed_fulfillment_orders": """
        FULFILLMENT_ORDERS_ORDER_ROUTING_COMPLETE FULFILLMENT_ORDERS_CANCELLED
        FULFILLMENT_ORDERS_MOVED FULFILLMENT_ORDERS_SPLIT FULFILLMENT_ORDERS_MERGED
        FULFILLMENT_ORDERS_PLACED_ON_HOLD FULFILLMENT_ORDERS_HOLD_RELEASED
        FULFILLMENT_ORDERS_RESCHEDULED FULFILLMENT_ORDERS_SCHEDULED_FULFILLMENT_ORDER_READY
    """,
    "read_draft_orders": "DRAFT_ORDERS_CREATE DRAFT_ORDERS_UPDATE DRAFT_ORDERS_DELETE",
    "read_products": """
        PRODUCTS_CREATE PRODUCTS_UPDATE PRODUCTS_DELETE
        COLLECTIONS_CREATE COLLECTIONS_UPDATE COLLECTIONS_DELETE
    """,
    "read_customers": """
        CUSTOMERS_CREATE CUSTOMERS_UPDATE CUSTOMERS_DELETE CUSTOMERS_MARKETING_CONSENT_UPDATE
        CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE CUSTOMER_TAGS_ADDED CUSTOMER_TAGS_REMOVED
    """,
    "read_customer_merge": "CUSTOMERS_MERGE",
    "read_inventory": """
        INVENTORY_ITEMS_CREATE INVENTORY_ITEMS_UPDATE INVENTORY_ITEMS_DELETE
        INVENTORY_LEVELS_CONNECT INVENTORY_LEVELS_UPDATE INVENTORY_LEVELS_DISCONNECT
    """,
    "read_locations": """
        LOCATIONS_CREATE LOCATIONS_UPDATE LOCATIONS_DELETE LOCATIONS_ACTIVATE LOCATIONS_DEACTIVATE
    """,
    "read_discounts": """
        DISCOUNTS_CREATE DISCOUNTS_UPDATE DISCOUNTS_DELETE
        DISCOUNTS_REDEEMCODE_ADDED DISCOUNTS_REDEEMCODE_REMOVED
    """,
    "read_shopify_payments_disputes": "DISPUTES_CREATE DISPUTES_UPDATE",
}
_SCOPES: Mapping[str, str] = MappingProxyType(
    {topic: scope for scope, topics in _BY_SCOPE.items() for topic in topics.split()}
)
TOPICS = tuple(_SCOPES)


# Bodies that describe an object whole carry its metafields, if they are asked to.
_WITH_METAFIELDS = frozenset(
    {
        "ORDERS_CREATE",
        "ORDERS_UPDATED",
        "PRODUCTS_CREATE",
        "PRODUCTS_UPDATE",
        "CUSTOMERS_CREATE",
        "CUSTOMERS_UPDATE",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One webhook subscription at Shopify; its bodies carry the metafields of *namespaces*."""

    gid: str
    topic: str
    uri: str
    namespaces: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What makes a shop's subscriptions right: *kept*, *missing* topics, *surplus* ones."""

    kept: Sequence[Subscription]
    missing: Sequence[str]
    surplus: Sequence[Subscription]


def wanted(granted: Collection[str], chosen: Iterable[str] | None) -> list[str]:
    """Return the topics that the *granted* scopes allow and the store's owner has *chosen*.

    None chooses all. A topic may be written either way, orders/create or ORDERS_CREATE; those
    that tell about the app and the shop are always wanted.
    """
    names = None if chosen is None else {_as_enum(topic) for topic in chosen}
    return [
        topic
        for topic, scope in _SCOPES.items()
        if not scope or (scope in granted and (names is None or topic in names))
    ]


def namespaces_of(topic: str, chosen: Sequence[str]) -> list[str]:
    """Return those of the *chosen* namespaces that a subscription to *topic* asks for."""
    return sorted(chosen) if topic in _WITH_METAFIELDS else []


def compare(
    existing: Iterable[Subscription],
    uri: str,
    topics: Sequence[str] = TOPICS,
    *,
    namespaces: Sequence[str] = (),
) -> Changes:
    """Compare what a shop has with *topics* at *uri*.

    Ours at another address are surplus: the address has moved. So are ours that nobody wants any
    more, and those that carry other metafields. Topics we do not know are left alone, somebody
    made them on purpose.
    """
    kept: dict[str, Subscription] = {}
    surplus: list[Subscription] = []
    for one in existing:
        is_right = one.uri == uri and _carries(one, namespaces)
        if one.topic in topics and is_right and one.topic not in kept:
            kept[one.topic] = one
        elif one.topic in _SCOPES:
            surplus.append(one)
    missing = [topic for topic in topics if topic not in kept]
    return Changes(kept=list(kept.values()), missing=missing, surplus=surplus)


def _carries(one: Subscription, namespaces: Sequence[str]) -> bool:
    return sorted(one.namespaces) == namespaces_of(one.topic, namespaces)


def _as_enum(topic: str) -> str:
    return topic.upper().replace("/", "_").replace(".", "_")
