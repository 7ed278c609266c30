"""GraphQL nodes as ``queries/fragments`` select them: the one model both payload shapes take."""

from __future__ import annotations

from shared.shopify.nodes.customers import CustomerNode
from shared.shopify.nodes.inventory import InventoryItemNode, LevelNode, LocationNode
from shared.shopify.nodes.orders import OrderNode, RefundNode
from shared.shopify.nodes.parts import Edge, Page, PageInfo
from shared.shopify.nodes.products import ProductNode
from shared.shopify.nodes.shops import ShopNode

__all__ = [
    "CustomerNode",
    "Edge",
    "InventoryItemNode",
    "LevelNode",
    "LocationNode",
    "OrderNode",
    "Page",
    "PageInfo",
    "ProductNode",
    "RefundNode",
    "ShopNode",
]
