"""The lines of REST-shaped order bodies as rows.

They are most of a body, so no nodes are made in between. What the columns mean is said where nodes
become rows: in ``mapping.lines`` and ``mapping.parts``.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from shared.shopify.copytext import json_text, jsonb
from shared.shopify.mapping import parts
from shared.shopify.mapping.lines import sold
from shared.shopify.nodes.orders import DutyNode
from shared.shopify.payloads.orders import DutyPayload, LinePayload, OrderPayload, RefundPayload
from shared.shopify.payloads.parts import (
    AllocationPayload,
    AttributePayload,
    BagPayload,
    TaxPayload,
    Verbatim,
    allocations,
    amounts,
    certain,
    known,
    taxes,
)

_NOTHING = ("0", "0")


def line_rows(body: OrderPayload, key: str) -> list[str]:
    """Return rows of ``order_lines``; *key* is the fields of the order's key."""
    refunded = _refunded(body.refunds) if body.refunds else {}
    return [
        _row(one, f"{key}\t{one.id}\t{position}", refunded.get(one.id, 0))
        for position, one in enumerate(body.line_items, start=1)
    ]


def _refunded(refunds: Sequence[RefundPayload]) -> dict[int, int]:
    found: dict[int, int] = {}
    for refund in refunds:
        for line in refund.refund_line_items or ():
            found[line.line_item_id] = found.get(line.line_item_id, 0) + line.quantity
    return found


def _row(body: LinePayload, place: str, refunded: int) -> str:
    product, variant = body.product_id, body.variant_id
    goods = sold(
        str(product) if product else None,
        str(variant) if variant else None,
        body.sku,
        body.title or body.name or "",
        body.variant_title,
        body.vendor,
    )
    left = body.current_quantity
    if left is None:
        left = max(body.quantity - refunded, 0)
    price = parts.pair(*certain(body.price_set, body.price, name="price"))
    tax, taxed = _taxed(body.tax_lines)
    discount, allocated = _allocated(body.discount_allocations)
    duty, imposed = _imposed(body.duties) if body.duties else ("0", "[]")
    return (
        f"{place}\t{goods}\t{body.quantity}\t{left}\t{price}\t{discount}\t{tax}\t{duty}\t"
        f"{'t' if body.gift_card else 'f'}\t"
        f"{'f' if body.requires_shipping is False else 't'}\t"
        f"{'f' if body.taxable is False else 't'}\t"
        f"{_attributes(body.properties)}\t{taxed}\t{allocated}\t{imposed}"
    )


def _taxed(bodies: list[TaxPayload] | None) -> tuple[str, str]:
    if not bodies:
        return "0", "[]"
    if len(bodies) > 1:
        return parts.taxed(taxes(bodies))
    (one,) = bodies
    of_shop, of_buyer = amounts(one.price_set, one.price) or _NOTHING
    return parts.taxed_once(one.title, one.rate, of_shop, of_buyer, one.channel_liable)


def _allocated(bodies: list[AllocationPayload] | None) -> tuple[str, str]:
    if not bodies:
        return "0", "[]"
    if len(bodies) > 1:
        return parts.allocated(allocations(bodies))
    (one,) = bodies
    of_shop, of_buyer = amounts(one.amount_set, one.amount) or _NOTHING
    return parts.allocated_once(one.discount_application_index, of_shop, of_buyer)


def _imposed(bodies: list[DutyPayload]) -> tuple[str, str]:
    nodes = [_duty(one) for one in bodies]
    return parts.shop_total([one.price for one in nodes]), jsonb(parts.duties(nodes))


def _duty(body: DutyPayload) -> DutyNode:
    both = (
        BagPayload(shop_money=body.shop_money, presentment_money=body.presentment_money)
        if body.shop_money
        else None
    )
    return DutyNode(
        id=str(body.id),
        price=known(both, body.price),
        country_code_of_origin=body.country_code_of_origin,
        harmonized_system_code=body.harmonized_system_code,
        tax_lines=taxes(body.tax_lines),
    )


def _attributes(bodies: list[AttributePayload] | None) -> str:
    if not bodies:
        return "[]"
    written = [parts.attribute(one.name, _json(one.value)) for one in bodies]
    return json_text(f"[{','.join(written)}]")


def _json(value: Verbatim) -> str:
    """Return a value as the JSON of its text: a value that is no text keeps its own JSON."""
    written = bytes(value).decode()
    if written[0] == '"' and written.isprintable() and "\\" not in written:
        return written
    said = orjson.loads(written)
    return parts.quoted(said if said is None or isinstance(said, str) else written)
