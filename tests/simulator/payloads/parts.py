"""Pieces that many bodies share."""

from __future__ import annotations

from typing import Any

from tests.simulator import ledger
from tests.simulator.fields.orders import product_of, variant_of
from tests.simulator.ids import gid
from tests.simulator.model import Address, Allocation, Customer, Duty, Line, TaxLine
from tests.simulator.moments import local
from tests.simulator.money import Bag, plain

Body = dict[str, Any]


def money_set(bag: Bag | None) -> Body | None:
    if bag is None:
        return None
    shop, buyer = bag.currencies
    return {
        "shop_money": {"amount": plain(bag.shop, shop), "currency_code": shop},
        "presentment_money": {"amount": plain(bag.presentment, buyer), "currency_code": buyer},
    }


def amount(bag: Bag) -> str:
    """The plain amount beside a set: in the shop's currency."""
    return plain(bag.shop, bag.currencies[0])


def tax_line(one: TaxLine) -> Body:
    return {
        "channel_liable": one.channel_liable,
        "price": amount(one.price),
        "price_set": money_set(one.price),
        "rate": one.rate,
        "title": one.title,
    }


def allocation(one: Allocation) -> Body:
    return {
        "amount": amount(one.amount),
        "amount_set": money_set(one.amount),
        "discount_application_index": one.index,
    }


def duty(one: Duty) -> Body:
    return {
        "id": str(one.id),
        "harmonized_system_code": one.hs_code,
        "country_code_of_origin": one.country,
        "shop_money": {"amount": amount(one.price), "currency_code": one.price.currencies[0]},
        "presentment_money": {
            "amount": plain(one.price.presentment, one.price.currencies[1]),
            "currency_code": one.price.currencies[1],
        },
        "tax_lines": [tax_line(tax) for tax in one.taxes],
        "admin_graphql_api_id": gid("Duty", one.id),
    }


def address(one: Address | None) -> Body | None:
    if one is None:
        return None
    return {
        "first_name": one.first_name,
        "address1": one.address1,
        "phone": one.phone,
        "city": one.city,
        "zip": one.zip,
        "province": one.province,
        "country": one.country,
        "last_name": one.last_name,
        "address2": one.address2,
        "company": one.company,
        "latitude": one.latitude,
        "longitude": one.longitude,
        "name": one.name,
        "country_code": one.country_code,
        "province_code": one.province_code,
    }


def line_item(line: Line, world: Any) -> Body:
    own = ledger.line_discount(line)
    product, variant = product_of(line, world), variant_of(line, world)
    return {
        "id": line.id,
        "admin_graphql_api_id": gid("LineItem", line.id),
        "attributed_staffs": [],
        "current_quantity": line.current_quantity,
        "fulfillable_quantity": max(0, line.current_quantity - line.fulfilled),
        "fulfillment_service": "manual",
        "fulfillment_status": _line_status(line),
        "gift_card": line.gift_card,
        "grams": line.grams,
        "name": line.name,
        "price": amount(line.price),
        "price_set": money_set(line.price),
        "product_exists": product is not None,
        "product_id": product.id if product else None,
        "properties": [{"name": name, "value": value} for name, value in line.properties],
        "quantity": line.quantity,
        "requires_shipping": line.requires_shipping,
        "sales_line_item_group_id": None,
        "sku": line.sku,
        "taxable": line.taxable,
        "title": line.title,
        "total_discount": amount(own),
        "total_discount_set": money_set(own),
        "variant_id": variant.id if variant else None,
        "variant_inventory_management": "shopify",
        "variant_title": line.variant_title,
        "vendor": line.vendor,
        "tax_lines": [tax_line(one) for one in line.taxes],
        "duties": [duty(one) for one in line.duties],
        "discount_allocations": [allocation(one) for one in line.allocations],
    }


def _line_status(line: Line) -> str | None:
    if line.fulfilled == 0:
        return None
    return "fulfilled" if line.fulfilled >= line.current_quantity else "partial"


def customer_address(one: Address, customer: Customer) -> Body:
    return {
        "id": one.id,
        "customer_id": customer.id,
        "first_name": one.first_name,
        "last_name": one.last_name,
        "company": one.company,
        "address1": one.address1,
        "address2": one.address2,
        "city": one.city,
        "province": one.province,
        "country": one.country,
        "zip": one.zip,
        "phone": one.phone,
        "name": one.name,
        "province_code": one.province_code,
        "country_code": one.country_code,
        "country_name": one.country,
        "default": one.id == customer.default_address_id,
    }


def slim_customer(customer: Customer, world: Any) -> Body:
    """A customer as deliveries carry it since 2025-01: no tags, consent or totals."""
    zone = world.shop.timezone
    home = customer.default_address
    return {
        "id": customer.id,
        "created_at": local(customer.created, zone),
        "updated_at": local(customer.updated, zone),
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "email": customer.email,
        "phone": customer.phone,
        "state": customer.state.lower(),
        "note": customer.note,
        "verified_email": customer.verified_email,
        "multipass_identifier": None,
        "tax_exempt": customer.tax_exempt,
        "currency": world.shop.currency,
        "tax_exemptions": [],
        "admin_graphql_api_id": gid("Customer", customer.id),
        "default_address": customer_address(home, customer) if home else None,
    }
