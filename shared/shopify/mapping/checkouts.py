"""Abandoned checkouts as rows."""

from __future__ import annotations

from collections.abc import Sequence

from shared.shopify.copytext import NULL, array, flag, json_text, jsonb, optional, text
from shared.shopify.mapping import parts
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import (
    currency,
    digits,
    instant,
    moment,
    number_of,
    optional_moment,
)
from shared.shopify.nodes.checkouts import AbandonedCheckoutHead, CheckoutLineNode
from shared.shopify.nodes.parts import MoneyBag
from shared.shopify.snapshots import Snapshot


def abandoned_checkout_snapshot(
    node: AbandonedCheckoutHead, lines: Sequence[CheckoutLineNode], *, origin: Origin
) -> Snapshot:
    """Return *node* as rows; a line is known by its place, because its id is no number."""
    identity = digits(node.id)
    key = f"{origin.key}\t{identity}"
    row = (key, *_heading(node), *_totals(node), *_documents(node), *_times(node))
    return Snapshot(
        owner=origin.owner,
        kind="abandoned_checkout",
        key=(int(identity),),
        updated_at=instant(node.updated_at),
        row="\t".join((*row, *origin.archive())),
        children={
            "abandoned_checkout_lines": [
                _line(one, f"{key}\t{place}") for place, one in enumerate(lines, start=1)
            ]
        },
    )


def _heading(node: AbandonedCheckoutHead) -> tuple[str, ...]:
    total = node.total_price_set
    return (
        text(node.name),
        number_of(node.customer),
        text(node.abandoned_checkout_url),
        currency(total.shop_money.currency_code),
        currency(total.presentment_money.currency_code),
        flag(node.taxes_included),
    )


def _totals(node: AbandonedCheckoutHead) -> tuple[str, ...]:
    return (
        parts.shop(node.total_line_items_price_set),
        parts.shop(node.subtotal_price_set),
        parts.shop(node.total_discount_set),
        _known(node.total_duties_set),
        _known(node.total_tax_set),
        parts.shop(node.total_price_set),
        parts.presentment(node.total_price_set),
    )


def _known(bag: MoneyBag | None) -> str:
    return NULL if bag is None else parts.shop(bag)


def _documents(node: AbandonedCheckoutHead) -> tuple[str, ...]:
    billing, delivery = parts.address(node.billing_address), parts.address(node.shipping_address)
    return (
        array(node.discount_codes),
        optional(node.note),
        NULL if billing is None else jsonb(billing),
        NULL if delivery is None else jsonb(delivery),
        json_text(parts.attributes(node.custom_attributes)),
        json_text(parts.tax_lines(node.tax_lines)),
    )


def _times(node: AbandonedCheckoutHead) -> tuple[str, ...]:
    return (
        optional_moment(node.completed_at),
        moment(node.created_at),
        moment(node.updated_at),
    )


def _line(node: CheckoutLineNode, key: str) -> str:
    return "\t".join(
        (
            key,
            number_of(node.product),
            number_of(node.variant),
            optional(node.sku),
            optional(node.title),
            optional(node.variant_title),
            str(node.quantity),
            parts.shop(node.original_unit_price_set),
            parts.shop(node.discounted_total_price_set),
            json_text(parts.attributes(node.custom_attributes)),
        )
    )
