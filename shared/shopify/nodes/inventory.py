"""Inventory items, their levels, and locations."""

from __future__ import annotations

import msgspec

from shared.shopify.nodes.parts import AddressNode, Count, Money, Node, Page, Reference


class QuantityNode(Node):
    name: str
    quantity: Count | None = None


class LevelNode(Node):
    item: Reference
    location: Reference
    updated_at: str
    is_active: bool = True
    quantities: list[QuantityNode] = msgspec.field(default_factory=list)


class InventoryItemHead(Node):
    """An item without its levels: the root line of ``inventory_bulk``."""

    id: str
    created_at: str
    updated_at: str
    sku: str | None = None
    tracked: bool = True
    requires_shipping: bool = True
    country_code_of_origin: str | None = None
    province_code_of_origin: str | None = None
    harmonized_system_code: str | None = None
    unit_cost: Money | None = None


class InventoryItemNode(InventoryItemHead, kw_only=True):
    """A whole item: ``InventoryItemWithChildren``."""

    inventory_levels: Page[LevelNode]


class LocationAddressNode(AddressNode):
    country_code: str | None = msgspec.field(name="countryCode", default=None)


class LocationNode(Node):
    id: str
    name: str
    created_at: str
    updated_at: str
    is_active: bool = True
    address: LocationAddressNode = msgspec.field(default_factory=LocationAddressNode)
