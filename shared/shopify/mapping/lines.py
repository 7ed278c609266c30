"""Order lines as rows."""

from __future__ import annotations

from shared.shopify.copytext import flag, json_text, jsonb, optional, text
from shared.shopify.mapping import parts
from shared.shopify.mapping.values import digits, number_of
from shared.shopify.nodes.orders import LineNode


def line_rows(nodes: list[LineNode], key: str) -> list[str]:
    """Return rows of ``order_lines``; *key* is the fields of the order's key.

    A line's position is its order of appearance, from 1.
    """
    return [_line_row(node, key, position) for position, node in enumerate(nodes, start=1)]


def _line_row(node: LineNode, key: str, position: int) -> str:
    price = node.original_unit_price_set
    return "\t".join(
        (
            key,
            digits(node.id),
            str(position),
            number_of(node.product),
            number_of(node.variant),
            optional(node.sku),
            text(node.title),
            optional(node.variant_title),
            optional(node.vendor),
            str(node.quantity),
            str(node.current_quantity),
            parts.shop(price),
            parts.presentment(price),
            parts.shop_total([one.allocated_amount_set for one in node.discount_allocations]),
            parts.shop_total([one.price_set for one in node.tax_lines]),
            parts.shop_total([one.price for one in node.duties]),
            flag(node.is_gift_card),
            flag(node.requires_shipping),
            flag(node.taxable),
            jsonb(parts.attributes(node.custom_attributes)) if node.custom_attributes else "[]",
            json_text(parts.tax_lines(node.tax_lines)),
            json_text(parts.allocations(node.discount_allocations)),
            jsonb(parts.duties(node.duties)) if node.duties else "[]",
        )
    )
