"""The small flexible parts of rows: what jsonb columns hold, one key set whatever the source."""

from __future__ import annotations

import functools
from typing import TypeAlias

import orjson

from shared.shopify.copytext import json_text
from shared.shopify.mapping.values import amount, digits, lowered, rate, total
from shared.shopify.nodes.orders import (
    AllocationNode,
    DiscountNode,
    DutyNode,
    FulfillmentNode,
    ShippingLineNode,
    TaxNode,
)
from shared.shopify.nodes.parts import AddressNode, AttributeNode, MoneyBag, Reference

Part: TypeAlias = dict[str, object]

_DISCOUNT_TYPES = {
    "DiscountCodeApplication": "discount_code",
    "AutomaticDiscountApplication": "automatic",
    "ManualDiscountApplication": "manual",
    "ScriptDiscountApplication": "script",
}


def shop(bag: MoneyBag) -> str:
    """Return the amount in the shop's currency."""
    return amount(bag.shop_money.amount)


def presentment(bag: MoneyBag) -> str:
    """Return the amount in the buyer's currency."""
    return amount(bag.presentment_money.amount)


def both(bag: MoneyBag) -> str:
    """Return the fields of the amount in the shop's and in the buyer's currency."""
    return pair(bag.shop_money.amount, bag.presentment_money.amount)


@functools.lru_cache(maxsize=16384)
def pair(of_shop: str, of_buyer: str) -> str:
    """Return the fields of two amounts."""
    return f"{amount(of_shop)}\t{amount(of_buyer)}"


def identity(reference: Reference | None) -> int | None:
    """Return the number of a referenced object."""
    return None if reference is None else int(digits(reference.id))


def shop_total(bags: list[MoneyBag]) -> str:
    """Return the exact sum in the shop's currency."""
    if not bags:
        return "0"
    if len(bags) == 1:
        return amount(bags[0].shop_money.amount)
    return total([bag.shop_money.amount for bag in bags])


def address(node: AddressNode | None) -> Part | None:
    """Return an address, or None when nothing in it is known."""
    if node is None:
        return None
    known: Part = {
        "first_name": node.first_name or None,
        "last_name": node.last_name or None,
        "name": node.name or None,
        "company": node.company or None,
        "address1": node.address1 or None,
        "address2": node.address2 or None,
        "city": node.city or None,
        "province": node.province or None,
        "province_code": node.province_code or None,
        "country": node.country or None,
        "country_code": node.country_code or None,
        "zip": node.zip or None,
        "phone": node.phone or None,
        "latitude": node.latitude,
        "longitude": node.longitude,
    }
    return known


def attributes(nodes: list[AttributeNode]) -> str:
    """Return custom attributes (REST: properties, note_attributes) as JSON text."""
    if not nodes:
        return "[]"
    return f"[{','.join([attribute(node.key, quoted(node.value)) for node in nodes])}]"


def attribute(name: str, value: str) -> str:
    """Return a custom attribute as JSON text; *value* is JSON already."""
    return f'{{"name":{_json(name)},"value":{value}}}'


def quoted(value: str | None) -> str:
    """Return a text as JSON text."""
    if value is None:
        return "null"
    if value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    return orjson.dumps(value).decode()


@functools.lru_cache(maxsize=4096)
def _json(value: str | bool | None) -> str:
    return orjson.dumps(value).decode()


# Taxes and allocations are most of the parts of an order, and a shop's taxes repeat.
@functools.lru_cache(maxsize=16384)
def _tax(
    title: str | None, percent: float | str | None, of_shop: str, of_buyer: str, liable: bool | None
) -> str:
    return (
        f'{{"title":{_json(title)},"rate":{_json(rate(percent))},"amount":"{amount(of_shop)}",'
        f'"presentment_amount":"{amount(of_buyer)}","channel_liable":{_json(liable)}}}'
    )


def taxed(nodes: list[TaxNode]) -> tuple[str, str]:
    """Return the sum of taxes in the shop's currency, and the tax lines as a ``jsonb`` field."""
    if not nodes:
        return "0", "[]"
    if len(nodes) > 1:
        return shop_total([node.price_set for node in nodes]), json_text(tax_lines(nodes))
    node = nodes[0]
    price = node.price_set
    of_shop, of_buyer = price.shop_money.amount, price.presentment_money.amount
    return taxed_once(node.title, node.rate, of_shop, of_buyer, node.channel_liable)


@functools.lru_cache(maxsize=16384)
def taxed_once(
    title: str | None, percent: float | str | None, of_shop: str, of_buyer: str, liable: bool | None
) -> tuple[str, str]:
    """Return what ``taxed`` does, of one tax line."""
    return amount(of_shop), json_text(f"[{_tax(title, percent, of_shop, of_buyer, liable)}]")


def tax_lines(nodes: list[TaxNode]) -> str:
    """Return tax lines as JSON text."""
    if not nodes:
        return "[]"
    if len(nodes) == 1:
        return f"[{_tax_line(nodes[0])}]"
    return f"[{','.join([_tax_line(node) for node in nodes])}]"


def _tax_line(node: TaxNode) -> str:
    price = node.price_set
    return _tax(
        node.title,
        node.rate,
        price.shop_money.amount,
        price.presentment_money.amount,
        node.channel_liable,
    )


def allocations(nodes: list[AllocationNode]) -> str:
    """Return discount allocations as JSON text; *index* points into the discount applications."""
    if not nodes:
        return "[]"
    return f"[{','.join([_allocation(node) for node in nodes])}]"


def allocated(nodes: list[AllocationNode]) -> tuple[str, str]:
    """Return the sum of discounts in the shop's currency, and the allocations as ``jsonb``."""
    if not nodes:
        return "0", "[]"
    if len(nodes) > 1:
        return shop_total([node.allocated_amount_set for node in nodes]), allocations(nodes)
    both = nodes[0].allocated_amount_set
    index = nodes[0].discount_application.index
    return allocated_once(index, both.shop_money.amount, both.presentment_money.amount)


@functools.lru_cache(maxsize=16384)
def allocated_once(index: int, of_shop: str, of_buyer: str) -> tuple[str, str]:
    """Return what ``allocated`` does, of one allocation."""
    return amount(of_shop), f"[{_allocated(index, of_shop, of_buyer)}]"


def _allocation(node: AllocationNode) -> str:
    both = node.allocated_amount_set
    index = node.discount_application.index
    return _allocated(index, both.shop_money.amount, both.presentment_money.amount)


def _allocated(index: int, of_shop: str, of_buyer: str) -> str:
    return (
        f'{{"index":{index},"amount":"{amount(of_shop)}",'
        f'"presentment_amount":"{amount(of_buyer)}"}}'
    )


def duties(nodes: list[DutyNode]) -> list[Part]:
    """Return the duties of a line."""
    return [
        {
            "id": int(digits(node.id)),
            "country_code_of_origin": node.country_code_of_origin,
            "harmonized_system_code": node.harmonized_system_code,
            "amount": shop(node.price),
            "presentment_amount": presentment(node.price),
            "tax_lines": orjson.Fragment(tax_lines(node.tax_lines)),
        }
        for node in nodes
    ]


def discount_applications(nodes: list[DiscountNode]) -> list[Part]:
    """Return discount applications in the order of their index."""
    return [_discount(node) for node in sorted(nodes, key=lambda node: node.index)]


def _discount(node: DiscountNode) -> Part:
    value = node.value
    by_amount = value.amount is not None
    part: Part = {
        "index": node.index,
        "type": _DISCOUNT_TYPES.get(node.type_name, lowered(node.type_name)),
        "title": node.code or node.automatic_title or node.manual_title or node.script_title,
        "target_type": lowered(node.target_type),
        "target_selection": lowered(node.target_selection),
        "allocation_method": lowered(node.allocation_method),
        "value_type": "fixed_amount" if by_amount else "percentage",
        "value": rate(value.amount if by_amount else value.percentage),
    }
    if node.description:
        part["description"] = node.description
    return part


def shipping_lines(nodes: list[ShippingLineNode]) -> str:
    """Return the shipping lines that were not removed by an edit as JSON text."""
    written = [
        f'{{"id":{int(digits(node.id)) if node.id else "null"},"title":{_json(node.title)},'
        f'"code":{_json(node.code)},"source":{_json(node.source)},'
        f'"price":"{shop(node.original_price_set)}",'
        f'"discounted_price":"{shop(node.discounted_price_set)}",'
        f'"tax_lines":{tax_lines(node.tax_lines)},'
        f'"discount_allocations":{allocations(node.discount_allocations)}}}'
        for node in nodes
        if not node.is_removed
    ]
    return f"[{','.join(written)}]"


def tracking(node: FulfillmentNode) -> str:
    """Return tracking companies, numbers and links as JSON text."""
    written = [
        f'{{"company":{_json(info.company or None)},"number":{quoted(info.number or None)},'
        f'"url":{quoted(info.url or None)}}}'
        for info in node.tracking_info
    ]
    return f"[{','.join(written)}]"
