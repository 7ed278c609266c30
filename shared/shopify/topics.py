"""The webhook topics that a store can be subscribed to, and the scope that each needs."""

from __future__ import annotations

from collections.abc import Mapping
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
SCOPES: Mapping[str, str] = MappingProxyType(
    {topic: scope for scope, topics in _BY_SCOPE.items() for topic in topics.split()}
)
TOPICS = tuple(SCOPES)
# What earlier guides called a topic that Shopify calls otherwise.
_ALIASES = {"ORDERS_UPDATE": "ORDERS_UPDATED"}


def as_enum(topic: str) -> str:
    """Return *topic* as Shopify's enum spells it: orders/create is ORDERS_CREATE."""
    spelled = topic.upper().replace("/", "_").replace(".", "_")
    return _ALIASES.get(spelled, spelled)
