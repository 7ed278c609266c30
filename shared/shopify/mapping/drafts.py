"""Draft orders as rows."""

from __future__ import annotations

from collections.abc import Sequence

from shared.shopify.copytext import NULL, array, flag, json_text, jsonb, optional, text
from shared.shopify.mapping import parts
from shared.shopify.mapping.parts import Part
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import (
    currency,
    digits,
    instant,
    moment,
    number_of,
    optional_moment,
    rate,
)
from shared.shopify.nodes.drafts import AppliedDiscountNode, DraftLineNode, DraftOrderHead
from shared.shopify.nodes.orders import ShippingLineNode
from shared.shopify.snapshots import Snapshot


def draft_order_snapshot(
    node: DraftOrderHead, lines: Sequence[DraftLineNode], *, origin: Origin
) -> Snapshot:
    """Return *node* as rows; raise Malformed for a scalar of the wrong form."""
    identity = digits(node.id)
    key = f"{origin.key}\t{identity}"
    row = (key, *_heading(node), *_totals(node), *_texts(node), *_documents(node))
    return Snapshot(
        owner=origin.owner,
        kind="draft_order",
        key=(int(identity),),
        updated_at=instant(node.updated_at),
        row="\t".join((*row, moment(node.created_at), moment(node.updated_at), *origin.archive())),
        children={
            "draft_order_lines": [
                _line(one, f"{key}\t{digits(one.id)}\t{place}")
                for place, one in enumerate(lines, start=1)
            ]
        },
    )


def _heading(node: DraftOrderHead) -> tuple[str, ...]:
    return (
        text(node.name),
        text(node.status.lower()),
        number_of(node.customer),
        number_of(node.order),
        optional(node.email),
        optional(node.phone),
        currency(node.currency_code),
        currency(node.presentment_currency_code),
        flag(node.taxes_included),
        flag(node.tax_exempt),
    )


def _totals(node: DraftOrderHead) -> tuple[str, ...]:
    return (
        parts.shop(node.subtotal_price_set),
        parts.shop(node.total_discounts_set),
        parts.shop(node.total_shipping_price_set),
        parts.shop(node.total_tax_set),
        parts.shop(node.total_price_set),
        parts.presentment(node.total_price_set),
    )


def _texts(node: DraftOrderHead) -> tuple[str, ...]:
    return (
        array(node.discount_codes),
        array(sorted(node.tags)),
        optional(node.note),
        optional(node.po_number),
        optional(node.invoice_url),
        optional_moment(node.invoice_sent_at),
        optional_moment(node.completed_at),
    )


def _documents(node: DraftOrderHead) -> tuple[str, ...]:
    discount, shipping = node.applied_discount, node.shipping_line
    billing, delivery = parts.address(node.billing_address), parts.address(node.shipping_address)
    return (
        NULL if discount is None else jsonb(_discount(discount)),
        NULL if shipping is None else jsonb(_shipping(shipping)),
        NULL if billing is None else jsonb(billing),
        NULL if delivery is None else jsonb(delivery),
        json_text(parts.attributes(node.custom_attributes)),
        json_text(parts.tax_lines(node.tax_lines)),
    )


def _discount(node: AppliedDiscountNode) -> Part:
    return {
        "title": node.title or None,
        "description": node.description or None,
        "value": rate(node.value),
        "value_type": node.value_type.lower(),
        "amount": parts.shop(node.amount_set),
        "presentment_amount": parts.presentment(node.amount_set),
    }


def _shipping(node: ShippingLineNode) -> Part:
    return {
        "id": int(digits(node.id)) if node.id else None,
        "title": node.title,
        "code": node.code,
        "source": node.source,
        "price": parts.shop(node.original_price_set),
        "discounted_price": parts.shop(node.discounted_price_set),
    }


def _line(node: DraftLineNode, key: str) -> str:
    return "\t".join(
        (
            key,
            number_of(node.product),
            number_of(node.variant),
            optional(node.sku),
            text(node.title),
            optional(node.variant_title),
            optional(node.vendor),
            str(node.quantity),
            parts.shop(node.original_unit_price_set),
            parts.shop(node.discounted_total_set),
            flag(node.custom),
            flag(node.is_gift_card),
            flag(node.requires_shipping),
            flag(node.taxable),
            json_text(parts.attributes(node.custom_attributes)),
            json_text(parts.tax_lines(node.tax_lines)),
        )
    )
