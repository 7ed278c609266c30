"""Bodies of products, inventory, customers, locations and the shop."""

from __future__ import annotations

from typing import Any

from tests.simulator.ids import gid, level_gid
from tests.simulator.model import (
    Customer,
    InventoryItem,
    Level,
    Location,
    Media,
    Product,
    Shop,
    Variant,
)
from tests.simulator.moments import local
from tests.simulator.money import plain
from tests.simulator.payloads.parts import Body, customer_address, slim_customer

FULL_VARIANTS = 100


def product_body(product: Product, world: Any) -> Body:
    """A product: full variants for the first hundred, gids for all."""
    zone = world.shop.timezone
    media = [_media(one, place, product) for place, one in enumerate(product.media)]
    return {
        "admin_graphql_api_id": gid("Product", product.id),
        "body_html": product.description,
        "created_at": local(product.created, zone),
        "handle": product.handle,
        "id": product.id,
        "product_type": product.kind,
        "published_at": local(product.published, zone),
        "template_suffix": None,
        "title": product.title,
        "updated_at": local(product.updated, zone),
        "vendor": product.vendor,
        "status": product.status.lower(),
        "published_scope": "web",
        "tags": ", ".join(product.tags),
        "variants": [_variant(one, world) for one in product.variants[:FULL_VARIANTS]],
        "options": [
            {
                "name": one.name,
                "id": one.id,
                "product_id": product.id,
                "position": one.position,
                "values": one.values,
            }
            for one in product.options
        ],
        "images": [_image(one, place, product) for place, one in enumerate(product.media)],
        "image": _image(product.media[0], 0, product) if product.media else None,
        "media": media,
        "variant_gids": [
            {
                "admin_graphql_api_id": gid("ProductVariant", one.id),
                "updated_at": local(one.updated, zone),
            }
            for one in product.variants
        ],
        "has_variants_that_requires_components": False,
        "category": None,
    }


def _variant(one: Variant, world: Any) -> Body:
    zone, currency = world.shop.timezone, world.shop.currency
    values = [value for _, value in one.selected] + [None, None, None]
    stock = world.available(one.item_id)
    return {
        "admin_graphql_api_id": gid("ProductVariant", one.id),
        "barcode": one.barcode,
        "compare_at_price": None if one.compare_at is None else plain(one.compare_at, currency),
        "created_at": local(one.created, zone),
        "id": one.id,
        "inventory_policy": one.policy.lower(),
        "position": one.position,
        "price": plain(one.price, currency),
        "product_id": one.product_id,
        "sku": one.sku,
        "taxable": one.taxable,
        "title": one.title,
        "updated_at": local(one.updated, zone),
        "option1": values[0],
        "option2": values[1],
        "option3": values[2],
        "image_id": None,
        "inventory_item_id": one.item_id,
        "inventory_quantity": stock,
        "old_inventory_quantity": stock,
    }


def _image(one: Media, place: int, product: Product) -> Body:
    return {
        "id": one.id,
        "product_id": product.id,
        "position": place + 1,
        "alt": one.alt,
        "width": one.width,
        "height": one.height,
        "src": one.url,
        "variant_ids": [],
        "admin_graphql_api_id": gid("MediaImage", one.id),
    }


def _media(one: Media, place: int, product: Product) -> Body:
    return {
        "id": one.id,
        "position": place + 1,
        "alt": one.alt,
        "status": "READY",
        "media_content_type": "IMAGE",
        "preview_image": {
            "width": one.width,
            "height": one.height,
            "src": one.url,
            "status": "READY",
        },
        "variant_ids": [],
        "admin_graphql_api_id": gid("MediaImage", one.id),
    }


def customer_body(customer: Customer, world: Any) -> Body:
    body = slim_customer(customer, world)
    body["addresses"] = [customer_address(one, customer) for one in customer.addresses]
    return body


def item_body(item: InventoryItem, world: Any) -> Body:
    zone, currency = world.shop.timezone, world.shop.currency
    return {
        "id": item.id,
        "sku": item.sku,
        "created_at": local(item.created, zone),
        "updated_at": local(item.updated, zone),
        "requires_shipping": item.requires_shipping,
        "cost": None if item.cost is None else plain(item.cost, currency),
        "country_code_of_origin": item.country,
        "province_code_of_origin": item.province,
        "harmonized_system_code": item.hs_code,
        "tracked": item.tracked,
        "country_harmonized_system_codes": [],
        "admin_graphql_api_id": gid("InventoryItem", item.id),
    }


def level_body(level: Level, world: Any) -> Body:
    return {
        "inventory_item_id": level.item_id,
        "location_id": level.location_id,
        "available": level.quantity("available"),
        "updated_at": local(level.updated, world.shop.timezone),
        "admin_graphql_api_id": level_gid(level.id, level.item_id),
    }


def disconnected_body(level: Level) -> Body:
    return {"inventory_item_id": level.item_id, "location_id": level.location_id}


def location_body(one: Location, world: Any) -> Body:
    zone, where = world.shop.timezone, one.address
    return {
        "id": one.id,
        "name": one.name,
        "address1": where.address1,
        "address2": where.address2,
        "city": where.city,
        "zip": where.zip,
        "province": where.province,
        "country": where.country_code,
        "phone": where.phone,
        "created_at": local(one.created, zone),
        "updated_at": local(one.updated, zone),
        "country_code": where.country_code,
        "country_name": where.country,
        "province_code": where.province_code,
        "legacy": False,
        "active": one.active,
        "admin_graphql_api_id": gid("Location", one.id),
    }


def shop_body(shop: Shop) -> Body:
    plans = {"plus": "shopify_plus", "enterprise": "enterprise", "partner": "partner_test"}
    plan = plans.get(shop.plan, "basic")
    return {
        "id": shop.id,
        "name": shop.name,
        "email": shop.email,
        "domain": shop.domain,
        "myshopify_domain": shop.domain,
        "currency": shop.currency,
        "iana_timezone": shop.timezone,
        "taxes_included": shop.taxes_included,
        "plan_name": plan,
        "plan_display_name": plan.replace("_", " ").title(),
        "created_at": local(shop.created, shop.timezone),
    }
