"""Facts of one complete GraphQL node given as JSON; the product drains its nodes first."""

from __future__ import annotations

import msgspec

from shared.shopify.mapping import decoded, node_facts
from shared.shopify.nodes import CustomerNode, InventoryItemNode, OrderNode, ProductNode
from shared.shopify.snapshots import Fact, Owner, Source


def _facts(kind: type[msgspec.Struct], raw: bytes, owner: Owner, source: Source) -> list[Fact]:
    node = decoded(raw, msgspec.json.Decoder(kind))
    return node_facts(node, raw, owner=owner, source=source)


def order_facts(raw: bytes, owner: Owner, source: Source) -> list[Fact]:
    return _facts(OrderNode, raw, owner, source)


def product_facts(raw: bytes, owner: Owner, source: Source) -> list[Fact]:
    return _facts(ProductNode, raw, owner, source)


def customer_facts(raw: bytes, owner: Owner, source: Source) -> list[Fact]:
    return _facts(CustomerNode, raw, owner, source)


def inventory_item_facts(raw: bytes, owner: Owner, source: Source) -> list[Fact]:
    return _facts(InventoryItemNode, raw, owner, source)
