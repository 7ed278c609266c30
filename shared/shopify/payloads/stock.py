"""Bodies of inventory items, inventory levels, locations and the shop."""

from __future__ import annotations

from shared.shopify.nodes.inventory import (
    InventoryItemHead,
    LevelNode,
    LocationAddressNode,
    LocationNode,
    QuantityNode,
)
from shared.shopify.nodes.parts import Count, Money, Reference
from shared.shopify.nodes.shops import PlanNode, ShopNode
from shared.shopify.payloads.parts import Id, Payload, Plain, plain


class ItemPayload(Payload):
    id: Id
    created_at: str
    updated_at: str
    sku: str | None = None
    tracked: bool | None = None
    requires_shipping: bool | None = None
    cost: Plain = None
    country_code_of_origin: str | None = None
    province_code_of_origin: str | None = None
    harmonized_system_code: str | None = None


class LevelPayload(Payload):
    inventory_item_id: Id
    location_id: Id
    updated_at: str
    available: Count | None = None


class LocationPayload(Payload):
    id: Id
    name: str
    created_at: str
    updated_at: str
    active: bool | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    country: str | None = None
    country_name: str | None = None
    country_code: str | None = None
    zip: str | None = None
    phone: str | None = None


class ShopPayload(Payload):
    id: Id
    name: str
    myshopify_domain: str
    currency: str
    iana_timezone: str
    email: str | None = None
    taxes_included: bool | None = None
    plan_display_name: str | None = None
    plan_name: str | None = None


def item_node(body: ItemPayload) -> InventoryItemHead:
    """Return an inventory item without levels."""
    cost = plain(body.cost)
    return InventoryItemHead(
        id=str(body.id),
        created_at=body.created_at,
        updated_at=body.updated_at,
        sku=body.sku,
        tracked=bool(body.tracked),
        requires_shipping=body.requires_shipping is not False,
        country_code_of_origin=body.country_code_of_origin,
        province_code_of_origin=body.province_code_of_origin,
        harmonized_system_code=body.harmonized_system_code,
        unit_cost=None if cost is None else Money(amount=cost),
    )


def level_node(body: LevelPayload) -> LevelNode:
    """Return a level that knows one of its quantities."""
    return LevelNode(
        item=Reference(id=str(body.inventory_item_id)),
        location=Reference(id=str(body.location_id)),
        updated_at=body.updated_at,
        quantities=[QuantityNode(name="available", quantity=body.available)],
    )


def location_node(body: LocationPayload) -> LocationNode:
    """Return a location; older bodies give the country's code as ``country``."""
    return LocationNode(
        id=str(body.id),
        name=body.name,
        created_at=body.created_at,
        updated_at=body.updated_at,
        is_active=body.active is not False,
        address=LocationAddressNode(
            address1=body.address1,
            address2=body.address2,
            city=body.city,
            province=body.province,
            province_code=body.province_code,
            country=body.country_name or body.country,
            country_code=body.country_code,
            zip=body.zip,
            phone=body.phone,
        ),
    )


def shop_node(body: ShopPayload) -> ShopNode:
    """Return the shop."""
    return ShopNode(
        id=str(body.id),
        name=body.name,
        myshopify_domain=body.myshopify_domain,
        currency_code=body.currency,
        iana_timezone=body.iana_timezone,
        email=body.email,
        taxes_included=body.taxes_included,
        plan=PlanNode(public_display_name=body.plan_display_name or body.plan_name),
    )
