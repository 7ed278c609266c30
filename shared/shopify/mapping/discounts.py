"""A discount and its codes as rows."""

from __future__ import annotations

import re

from shared.shopify.copytext import NULL, array, flag, jsonb, number, optional, text
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import (
    amount,
    currency,
    digits,
    instant,
    lowered,
    moment,
    optional_moment,
)
from shared.shopify.nodes.discounts import DiscountTerms, PromotionNode, RedeemCodeNode
from shared.shopify.snapshots import Snapshot

# DiscountCodeFreeShipping is method "code" and type "free_shipping"; a method that we do not know
# leaves the whole name as the type.
_TYPE = re.compile(r"Discount(Code|Automatic)(\w+)")
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def discount_snapshot(
    node: PromotionNode, codes: list[RedeemCodeNode], *, origin: Origin
) -> Snapshot:
    """Return *node* as rows; an automatic discount has an empty set of codes."""
    discount_id = digits(node.id)
    key = f"{origin.key}\t{discount_id}"
    return Snapshot(
        owner=origin.owner,
        kind="discount",
        key=(int(discount_id),),
        updated_at=instant(node.discount.updated_at),
        row="\t".join((key, *_terms(node.discount), *origin.archive())),
        children={"discount_codes": [_code(one, key) for one in codes]},
    )


def _terms(terms: DiscountTerms) -> tuple[str, ...]:
    method, kind = _method_and_type(terms.type_name)
    combines, sales = terms.combines_with, terms.total_sales
    return (
        text(kind),
        text(method),
        text(terms.title),
        text(terms.status.lower()),
        optional(terms.summary),
        array(sorted(one.lower() for one in terms.discount_classes)),
        NULL
        if combines is None
        else jsonb({name: getattr(combines, name) for name in combines.__struct_fields__}),
        number(terms.async_usage_count),
        number(terms.usage_limit),
        flag(terms.applies_once_per_customer),
        NULL if sales is None else amount(sales.amount),
        NULL if sales is None or not sales.currency_code else currency(sales.currency_code),
        optional_moment(terms.starts_at),
        optional_moment(terms.ends_at),
        moment(terms.created_at),
        moment(terms.updated_at),
    )


def _method_and_type(name: str) -> tuple[str, str]:
    found = _TYPE.fullmatch(name)
    method, rest = (found[1], found[2]) if found else ("unknown", name)
    return method.lower(), lowered(_WORD.sub("_", rest)) or ""


def _code(node: RedeemCodeNode, key: str) -> str:
    return f"{key}\t{digits(node.id)}\t{text(node.code)}\t{node.async_usage_count}"
