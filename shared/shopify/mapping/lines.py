"""Order lines as rows."""

from __future__ import annotations

import functools

from shared.shopify.copytext import NULL, json_text, jsonb, optional, text
from shared.shopify.mapping import parts
from shared.shopify.mapping.values import digits
from shared.shopify.nodes.orders import LineNode


def line_rows(nodes: list[LineNode], key: str) -> list[str]:
    """Return rows of ``order_lines``; *key* is the fields of the order's key.

    A line's position is its order of appearance, from 1.
    """
    return [_line_row(node, key, position) for position, node in enumerate(nodes, start=1)]


def _line_row(node: LineNode, key: str, position: int) -> str:
    product, variant = node.product, node.variant
    goods = sold(
        None if product is None else product.id,
        None if variant is None else variant.id,
        node.sku,
        node.title,
        node.variant_title,
        node.vendor,
    )
    tax, taxes = parts.taxed(node.tax_lines)
    discount, allocated = parts.allocated(node.discount_allocations)
    duty, imposed = "0", "[]"
    if node.duties:
        duty = parts.shop_total([one.price for one in node.duties])
        imposed = jsonb(parts.duties(node.duties))
    return (
        f"{key}\t{digits(node.id)}\t{position}\t{goods}\t{node.quantity}\t{node.current_quantity}\t"
        f"{parts.both(node.original_unit_price_set)}\t{discount}\t{tax}\t{duty}\t"
        f"{'t' if node.is_gift_card else 'f'}\t{'t' if node.requires_shipping else 'f'}\t"
        f"{'t' if node.taxable else 'f'}\t"
        f"{json_text(parts.attributes(node.custom_attributes))}\t{taxes}\t{allocated}\t{imposed}"
    )


# What a shop sells comes again and again.
@functools.lru_cache(maxsize=8192)
def sold(
    product: str | None,
    variant: str | None,
    sku: str | None,
    title: str,
    variant_title: str | None,
    vendor: str | None,
) -> str:
    """Return the fields of what a line sold; *product* and *variant* are ids, global or bare."""
    numbers = [NULL if one is None else digits(one) for one in (product, variant)]
    return "\t".join(
        (*numbers, optional(sku), text(title), optional(variant_title), optional(vendor))
    )
