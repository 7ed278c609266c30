"""A gift card as a row."""

from __future__ import annotations

import re

from shared.shopify.copytext import NULL, flag, optional, text
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import (
    Malformed,
    amount,
    currency,
    digits,
    instant,
    moment,
    number_of,
    optional_moment,
)
from shared.shopify.nodes.gift_cards import GiftCardNode
from shared.shopify.snapshots import Snapshot

_DAY = re.compile(r"(?:19|20|21)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", re.ASCII)


def gift_card_snapshot(node: GiftCardNode, *, origin: Origin) -> Snapshot:
    """Return *node* as a row; both amounts are in the card's own currency."""
    card_id = digits(node.id)
    row = (
        origin.key,
        card_id,
        text(node.last_characters),
        number_of(node.customer),
        number_of(node.order),
        number_of(node.line_item),
        currency(node.balance.currency_code),
        amount(node.initial_value.amount),
        amount(node.balance.amount),
        flag(node.enabled),
        optional(node.note),
        _day(node.expires_on),
        optional_moment(node.deactivated_at),
        moment(node.created_at),
        moment(node.updated_at),
        *origin.archive(),
    )
    return Snapshot(
        owner=origin.owner,
        kind="gift_card",
        key=(int(card_id),),
        updated_at=instant(node.updated_at),
        row="\t".join(row),
    )


def _day(value: str | None) -> str:
    if not value:
        return NULL
    if _DAY.fullmatch(value) is None:
        raise Malformed(value)
    return value
