"""What each drained node becomes: the registry of ``mapping.node_facts``, one line per node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from shared.errors import Rejected
from shared.shopify.mapping.checkouts import abandoned_checkout_snapshot
from shared.shopify.mapping.collections import collection_snapshot
from shared.shopify.mapping.customers import customer_snapshot
from shared.shopify.mapping.discounts import discount_snapshot
from shared.shopify.mapping.drafts import draft_order_snapshot
from shared.shopify.mapping.fulfillment_orders import fulfillment_order_snapshot
from shared.shopify.mapping.gift_cards import gift_card_snapshot
from shared.shopify.mapping.inventory import item_snapshot, level_snapshot, location_snapshot
from shared.shopify.mapping.metafields import chosen
from shared.shopify.mapping.order_details import order_details_snapshot, whole_ledger
from shared.shopify.mapping.orders import order_snapshot, whole
from shared.shopify.mapping.payments import (
    balance_transaction_snapshot,
    dispute_snapshot,
    payout_snapshot,
)
from shared.shopify.mapping.products import ProductMetafields, product_snapshot
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.nodes import (
    CustomerNode,
    InventoryItemNode,
    LevelNode,
    LocationNode,
    OrderNode,
    Page,
    ProductNode,
)
from shared.shopify.nodes.checkouts import AbandonedCheckoutNode
from shared.shopify.nodes.collections import CollectionNode
from shared.shopify.nodes.discounts import PromotionNode
from shared.shopify.nodes.drafts import DraftOrderNode
from shared.shopify.nodes.fulfillment_orders import FulfillmentOrderNode
from shared.shopify.nodes.gift_cards import GiftCardNode
from shared.shopify.nodes.order_details import OrderDetailsNode
from shared.shopify.nodes.payments import BalanceTransactionNode, DisputeNode, PayoutNode
from shared.shopify.snapshots import Snapshot

Mapper: TypeAlias = Callable[[Any, Origin], Sequence[Snapshot]]


def check_ends(*pages: Page[Any] | None) -> None:
    """Raise Rejected, code ``not_drained``, when a connection goes on."""
    if any(page is not None and page.page_info.has_next_page for page in pages):
        raise Rejected("a connection was not read to its end", code="not_drained")


def _order(node: OrderNode, origin: Origin) -> list[Snapshot]:
    check_ends(node.line_items, node.shipping_lines, node.discount_applications, node.metafields)
    for refund in node.refunds:
        check_ends(refund.refund_line_items, refund.order_adjustments)
        check_ends(refund.refund_shipping_lines)
    parts = whole(node, chosen(node.metafields, origin))
    return [order_snapshot(node, parts, origin=origin)]


def _product(node: ProductNode, origin: Origin) -> list[Snapshot]:
    variants, media = node.variants.nodes, node.media.nodes
    check_ends(node.variants, node.media, node.metafields, *(one.metafields for one in variants))
    own = chosen(node.metafields, origin)
    theirs = {one.id: chosen(one.metafields, origin) or [] for one in variants}
    metafields = None if own is None else ProductMetafields(own=own, variants=theirs)
    return [product_snapshot(node, variants, media=media, origin=origin, metafields=metafields)]


def _customer(node: CustomerNode, origin: Origin) -> list[Snapshot]:
    check_ends(node.addresses_v2, node.metafields)
    addresses, metafields = node.addresses_v2.nodes, chosen(node.metafields, origin)
    return [customer_snapshot(node, addresses, origin=origin, metafields=metafields)]


def _item(node: InventoryItemNode, origin: Origin) -> list[Snapshot]:
    check_ends(node.inventory_levels)
    levels = [level_snapshot(one, origin=origin) for one in node.inventory_levels.nodes]
    return [item_snapshot(node, origin=origin), *levels]


def _collection(node: CollectionNode, origin: Origin) -> list[Snapshot]:
    check_ends(node.products, node.metafields)
    metafields = chosen(node.metafields, origin)
    return [collection_snapshot(node, node.products.nodes, metafields=metafields, origin=origin)]


def _discount(node: PromotionNode, origin: Origin) -> list[Snapshot]:
    check_ends(node.codes)
    return [discount_snapshot(node, node.codes.nodes, origin=origin)]


def _alone(snapshot: Callable[..., Snapshot]) -> Mapper:
    return lambda node, origin: [snapshot(node, origin=origin)]


def _order_details(node: OrderDetailsNode, origin: Origin) -> list[Snapshot]:
    check_ends(node.agreements, node.returns)
    check_ends(*(one.sales for one in node.agreements.nodes))
    if node.returns is not None:
        check_ends(*(one.return_line_items for one in node.returns.nodes))
    return [order_details_snapshot(node, whole_ledger(node), origin=origin)]


def _fulfillment_order(node: FulfillmentOrderNode, origin: Origin) -> list[Snapshot]:
    check_ends(node.line_items)
    return [fulfillment_order_snapshot(node, node.line_items.nodes, origin=origin)]


def _draft_order(node: DraftOrderNode, origin: Origin) -> list[Snapshot]:
    check_ends(node.line_items)
    return [draft_order_snapshot(node, node.line_items.nodes, origin=origin)]


def _abandoned_checkout(node: AbandonedCheckoutNode, origin: Origin) -> list[Snapshot]:
    check_ends(node.line_items)
    return [abandoned_checkout_snapshot(node, node.line_items.nodes, origin=origin)]


MAPPERS: MappingProxyType[type, Mapper] = MappingProxyType(
    {
        OrderNode: _order,
        ProductNode: _product,
        CustomerNode: _customer,
        InventoryItemNode: _item,
        LevelNode: _alone(level_snapshot),
        LocationNode: _alone(location_snapshot),
        OrderDetailsNode: _order_details,
        FulfillmentOrderNode: _fulfillment_order,
        DraftOrderNode: _draft_order,
        AbandonedCheckoutNode: _abandoned_checkout,
        CollectionNode: _collection,
        PromotionNode: _discount,
        GiftCardNode: _alone(gift_card_snapshot),
        PayoutNode: _alone(payout_snapshot),
        DisputeNode: _alone(dispute_snapshot),
        BalanceTransactionNode: _alone(balance_transaction_snapshot),
    }
)
