"""What we keep of a shop, and how each of it is read: one row per resource.

A resource's name is the kind of its jobs, of its cursor and of its row in the API. Sources for the
search fields and sort keys: the ``query`` arguments of Shopify's 2026-10 schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from shared.shopify.snapshots import Kind

# sorted: by updated_at, pages in that order. spans: by updated_at, in no order. newest: no search
# by updated_at, but newest change first. recent: everything that can still change, every time.
Polling: TypeAlias = Literal["sorted", "spans", "newest", "recent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource.

    *documents* begins the names of its documents: ``{documents}_page``, ``_by_ids``, ``_bulk``.
    *root* is the path of its connection in an answer, *gid* the type in its ids. *scopes* are all
    needed, without the *optional* ones a part of it is not read. *created* is the search field by
    which a full sync is cut into windows, empty where there is none. *page* and *ids* are objects
    per query, *weight* what one is to hold in memory (an order is 16). *subject* is what Shopify's
    event log calls it, where it tells deletions. *changes_days* is how long after its creation an
    object may change that tells no time of its last change.
    """

    name: str
    kind: Kind
    documents: str
    root: str
    gid: str
    scopes: tuple[str, ...]
    optional: tuple[str, ...] = ()
    polling: Polling = "sorted"
    created: str = "created_at"
    bulk: bool = True
    page: int = 50
    ids: int = 25
    weight: int = 2
    subject: str = ""
    changes_days: int = 60


def _by_name(*resources: Resource) -> MappingProxyType[str, Resource]:
    return MappingProxyType({one.name: one for one in resources})


RESOURCES = _by_name(
    Resource(
        name="products",
        kind="product",
        documents="products",
        root="products",
        gid="Product",
        scopes=("read_products",),
        page=25,
        subject="PRODUCT",
    ),
    Resource(
        name="customers",
        kind="customer",
        documents="customers",
        root="customers",
        gid="Customer",
        scopes=("read_customers",),
        created="customer_date",
        ids=50,
        weight=4,
        subject="CUSTOMER",
    ),
    Resource(
        name="inventory",
        kind="inventory_item",
        documents="inventory",
        root="inventoryItems",
        gid="InventoryItem",
        scopes=("read_inventory",),
        polling="spans",
    ),
    Resource(
        name="orders",
        kind="order",
        documents="orders",
        root="orders",
        gid="Order",
        scopes=("read_orders",),
        page=20,
        ids=8,
        weight=16,
        subject="ORDER",
    ),
    Resource(
        name="order_details",
        kind="order_details",
        documents="order_details",
        root="orders",
        gid="Order",
        scopes=("read_orders",),
        optional=("read_returns",),
        page=20,
        ids=10,
        weight=8,
    ),
    Resource(
        name="fulfillment_orders",
        kind="fulfillment_order",
        documents="fulfillment_orders",
        root="fulfillmentOrders",
        gid="FulfillmentOrder",
        scopes=("read_merchant_managed_fulfillment_orders",),
        created="",
        weight=4,
    ),
    Resource(
        name="draft_orders",
        kind="draft_order",
        documents="draft_orders",
        root="draftOrders",
        gid="DraftOrder",
        scopes=("read_draft_orders",),
        page=20,
        ids=10,
        weight=12,
        subject="DRAFT_ORDER",
    ),
    Resource(
        name="abandoned_checkouts",
        kind="abandoned_checkout",
        documents="abandoned_checkouts",
        root="abandonedCheckouts",
        gid="AbandonedCheckout",
        scopes=("read_orders",),
        polling="spans",
        page=20,
        ids=10,
        weight=12,
    ),
    Resource(
        name="collections",
        kind="collection",
        documents="collections",
        root="collections",
        gid="Collection",
        scopes=("read_products",),
        created="",
        page=10,
        ids=5,
        weight=64,
        subject="COLLECTION",
    ),
    Resource(
        name="discounts",
        kind="discount",
        documents="discounts",
        root="discountNodes",
        gid="DiscountNode",
        scopes=("read_discounts",),
        page=20,
        ids=10,
        weight=4,
    ),
    Resource(
        name="gift_cards",
        kind="gift_card",
        documents="gift_cards",
        root="giftCards",
        gid="GiftCard",
        scopes=("read_gift_cards",),
        polling="newest",
    ),
    Resource(
        name="payouts",
        kind="payout",
        documents="payouts",
        root="shopifyPaymentsAccount.payouts",
        gid="ShopifyPaymentsPayout",
        scopes=("read_shopify_payments_payouts",),
        polling="recent",
        created="issued_at",
        bulk=False,
        page=100,
    ),
    Resource(
        name="disputes",
        kind="dispute",
        documents="disputes",
        root="disputes",
        gid="ShopifyPaymentsDispute",
        scopes=("read_shopify_payments_disputes",),
        polling="recent",
        created="initiated_at",
        bulk=False,
        page=100,
        changes_days=180,
    ),
    Resource(
        name="balance_transactions",
        kind="balance_transaction",
        documents="balance_transactions",
        root="shopifyPaymentsAccount.balanceTransactions",
        gid="ShopifyPaymentsBalanceTransaction",
        scopes=("read_shopify_payments_payouts",),
        polling="recent",
        created="processed_at",
        bulk=False,
        page=100,
        changes_days=14,
    ),
)
BY_KIND: MappingProxyType[str, Resource] = MappingProxyType(
    {one.kind: one for one in RESOURCES.values()}
)
