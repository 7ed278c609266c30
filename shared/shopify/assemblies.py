"""The lines of one object of a bulk file as snapshots, by kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from shared.shopify.bulk_lines import type_of
from shared.shopify.catalogue_assemblies import (
    CATALOGUE_RESOURCES,
    sorted_out,
    without_metafields,
)
from shared.shopify.mapping.customers import customer_snapshot
from shared.shopify.mapping.inventory import item_snapshot, level_snapshot
from shared.shopify.mapping.lines import line_rows
from shared.shopify.mapping.orders import OrderParts, order_snapshot
from shared.shopify.mapping.products import ProductMetafields, product_snapshot
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.nodes.customers import CustomerAddressNode, CustomerHead
from shared.shopify.nodes.inventory import InventoryItemHead, LevelNode
from shared.shopify.nodes.orders import (
    BulkOrderNode,
    DiscountNode,
    LineNode,
    RefundNode,
    ShippingLineNode,
)
from shared.shopify.nodes.products import MediaNode, ProductHead, VariantNode
from shared.shopify.order_assemblies import ORDER_RESOURCES
from shared.shopify.snapshots import Kind, Snapshot

# The first line is the root; the others are all that hangs below it, each with its __parentId
# (bulk_lines.parent_of). Siblings come in the order of the file.
Assembly: TypeAlias = Callable[[list[bytes], Origin], list[Snapshot]]

_order = msgspec.json.Decoder(BulkOrderNode)
_line = msgspec.json.Decoder(LineNode)
_shipping_line = msgspec.json.Decoder(ShippingLineNode)
_discount = msgspec.json.Decoder(DiscountNode)
_product = msgspec.json.Decoder(ProductHead)
_variant = msgspec.json.Decoder(VariantNode)
_medium = msgspec.json.Decoder(MediaNode)
_customer = msgspec.json.Decoder(CustomerHead)
_address = msgspec.json.Decoder(CustomerAddressNode)
_item = msgspec.json.Decoder(InventoryItemHead)
_level = msgspec.json.Decoder(LevelNode)


def _orders(lines: list[bytes], origin: Origin) -> list[Snapshot]:
    lines, metafields = without_metafields(lines, origin)
    node = _order.decode(lines[0])
    refunds: list[RefundNode] | None = None if node.refunds else []
    sold: list[LineNode] = []
    parts = OrderParts(
        lines=partial(line_rows, sold),
        shipping=[],
        discounts=[],
        refunds=refunds,
        metafields=metafields,
    )
    for line in lines[1:]:
        match type_of(line):
            case b"LineItem":
                sold.append(_line.decode(line))
            case b"ShippingLine":
                parts.shipping.append(_shipping_line.decode(line))
            case _:
                parts.discounts.append(_discount.decode(line))
    incomplete = "refunds" if node.refunds else ""
    return [order_snapshot(node, parts, origin=origin, incomplete=incomplete)]


def _products(lines: list[bytes], origin: Origin) -> list[Snapshot]:
    lines, found = sorted_out(lines, origin)
    variants: list[VariantNode] = []
    media: list[MediaNode] = []
    for line in lines[1:]:
        if type_of(line) == b"ProductVariant":
            variants.append(_variant.decode(line))
        else:
            media.append(_medium.decode(line))
    metafields = None
    if found is not None:
        theirs = {number: nodes for number, nodes in found.items() if number}
        metafields = ProductMetafields(own=found.get("", ()), variants=theirs)
    node = _product.decode(lines[0])
    return [product_snapshot(node, variants, media=media, origin=origin, metafields=metafields)]


def _customers(lines: list[bytes], origin: Origin) -> list[Snapshot]:
    (root, *addresses), metafields = without_metafields(lines, origin)
    book = [_address.decode(line) for line in addresses]
    node = _customer.decode(root)
    return [customer_snapshot(node, book, origin=origin, metafields=metafields)]


def _items(lines: list[bytes], origin: Origin) -> list[Snapshot]:
    root, *levels = lines
    stocked = [level_snapshot(_level.decode(line), origin=origin) for line in levels]
    return [item_snapshot(_item.decode(root), origin=origin), *stocked]


ASSEMBLIES: MappingProxyType[Kind, Assembly] = MappingProxyType(
    {
        "order": _orders,
        "product": _products,
        "customer": _customers,
        "inventory_item": _items,
        **ORDER_RESOURCES,
        **CATALOGUE_RESOURCES,
    }
)
