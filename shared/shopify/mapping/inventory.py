"""Inventory items, their levels, and locations as rows."""

from __future__ import annotations

from shared.shopify.copytext import flag, jsonb, number, optional, text
from shared.shopify.mapping.parts import address
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import amount, digits, instant, moment
from shared.shopify.nodes.inventory import InventoryItemHead, LevelNode, LocationNode
from shared.shopify.snapshots import Snapshot

# The order of the columns of inventory_levels.
QUANTITIES = (
    "available",
    "on_hand",
    "committed",
    "incoming",
    "reserved",
    "damaged",
    "quality_control",
    "safety_stock",
)


def item_snapshot(node: InventoryItemHead, *, origin: Origin) -> Snapshot:
    """Return an inventory item as a row."""
    item_id = digits(node.id)
    cost = node.unit_cost
    row = (
        origin.key,
        item_id,
        optional(node.sku),
        flag(node.tracked),
        flag(node.requires_shipping),
        optional(amount(cost.amount) if cost else None),
        optional(node.country_code_of_origin),
        optional(node.province_code_of_origin),
        optional(node.harmonized_system_code),
        moment(node.created_at),
        moment(node.updated_at),
        *origin.archive(),
    )
    return Snapshot(
        owner=origin.owner,
        kind="inventory_item",
        key=(int(item_id),),
        updated_at=instant(node.updated_at),
        row="\t".join(row),
    )


def level_snapshot(node: LevelNode, *, origin: Origin, incomplete: str = "") -> Snapshot:
    """Return one level as a row; a quantity that the source does not name is null."""
    item_id, location_id = digits(node.item.id), digits(node.location.id)
    known = {one.name: one.quantity for one in node.quantities}
    row = (
        origin.key,
        item_id,
        location_id,
        *(number(known.get(name)) for name in QUANTITIES),
        flag(node.is_active),
        moment(node.updated_at),
        origin.source,
    )
    return Snapshot(
        owner=origin.owner,
        kind="inventory_level",
        key=(int(item_id), int(location_id)),
        updated_at=instant(node.updated_at),
        row="\t".join(row),
        incomplete=incomplete,
    )


def location_snapshot(node: LocationNode, *, origin: Origin) -> Snapshot:
    """Return a location as a row."""
    location_id = digits(node.id)
    row = (
        origin.key,
        location_id,
        text(node.name),
        flag(node.is_active),
        jsonb(address(node.address)),
        moment(node.created_at),
        moment(node.updated_at),
        *origin.archive(),
    )
    return Snapshot(
        owner=origin.owner,
        kind="location",
        key=(int(location_id),),
        updated_at=instant(node.updated_at),
        row="\t".join(row),
    )
