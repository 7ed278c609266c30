"""Refunds and refunded lines as rows."""

from __future__ import annotations

from shared.shopify.copytext import jsonb, optional, text
from shared.shopify.mapping import parts
from shared.shopify.mapping.values import (
    Malformed,
    digits,
    lowered,
    moment,
    number_of,
    optional_moment,
)
from shared.shopify.nodes.orders import RefundLineNode, RefundNode


def refund_rows(nodes: list[RefundNode], key: str) -> list[str]:
    """Return rows of ``refunds``; *key* is the fields of the order's key."""
    return [_refund_row(node, key) for node in nodes]


def refund_line_rows(nodes: list[RefundNode], key: str) -> list[str]:
    """Return rows of ``refund_lines`` of all *nodes*."""
    return [
        _line_row(line, f"{key}\t{digits(node.id)}", position)
        for node in nodes
        for position, line in enumerate(node.refund_line_items.nodes, start=1)
    ]


def _refund_row(node: RefundNode, key: str) -> str:
    happened = node.processed_at or node.created_at
    if not happened:
        raise Malformed(node.id)
    return "\t".join(
        (
            key,
            digits(node.id),
            optional_moment(node.created_at),
            moment(happened),
            optional(node.note),
            parts.shop(node.total_refunded_set),
            jsonb(_adjustments(node)),
            jsonb(_shipping(node)),
            jsonb(_duties(node)),
        )
    )


def _line_row(node: RefundLineNode, key: str, position: int) -> str:
    # Refunds of another age carry lines without an id; their place in the refund is stable.
    return "\t".join(
        (
            key,
            digits(node.id) if node.id else str(position),
            digits(node.line_item.id),
            str(node.quantity),
            text(node.restock_type.lower()),
            number_of(node.location),
            parts.shop(node.subtotal_set),
            parts.shop(node.total_tax_set),
            parts.presentment(node.subtotal_set),
            parts.presentment(node.total_tax_set),
        )
    )


def _adjustments(node: RefundNode) -> list[parts.Part]:
    """Return the amounts that explain the difference between goods and money."""
    return [
        {
            "id": int(digits(adjustment.id)),
            "reason": lowered(adjustment.reason),
            "amount": parts.shop(adjustment.amount_set),
            "tax_amount": parts.shop(adjustment.tax_amount_set),
        }
        for adjustment in node.order_adjustments.nodes
    ]


def _shipping(node: RefundNode) -> list[parts.Part]:
    """Return refunded shipping, positive."""
    return [
        {
            "id": int(digits(line.id)),
            "shipping_line_id": parts.identity(line.shipping_line),
            "amount": parts.shop(line.subtotal_amount_set),
            "tax": parts.shop(line.tax_amount_set),
        }
        for line in node.refund_shipping_lines.nodes
    ]


def _duties(node: RefundNode) -> list[parts.Part]:
    """Return refunded duties."""
    return [
        {
            "duty_id": parts.identity(duty.original_duty),
            "amount": parts.shop(duty.amount_set),
            "presentment_amount": parts.presentment(duty.amount_set),
        }
        for duty in node.duties or []
    ]
