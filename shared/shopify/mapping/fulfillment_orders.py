"""Fulfilment orders as rows."""

from __future__ import annotations

from collections.abc import Sequence

from shared.shopify.copytext import NULL, array, flag, jsonb, optional, text
from shared.shopify.mapping.parts import Part
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import (
    digits,
    instant,
    lowered,
    moment,
    number_of,
    optional_moment,
)
from shared.shopify.nodes.fulfillment_orders import (
    DestinationNode,
    FulfillmentOrderHead,
    FulfillmentOrderLineNode,
)
from shared.shopify.snapshots import Snapshot


def fulfillment_order_snapshot(
    node: FulfillmentOrderHead, lines: Sequence[FulfillmentOrderLineNode], *, origin: Origin
) -> Snapshot:
    """Return *node* as rows; raise Malformed for a scalar of the wrong form."""
    identity = digits(node.id)
    key = f"{origin.key}\t{identity}"
    return Snapshot(
        owner=origin.owner,
        kind="fulfillment_order",
        key=(int(identity),),
        updated_at=instant(node.updated_at),
        row="\t".join((key, *_state(node), *_times(node), *origin.archive())),
        children={"fulfillment_order_lines": [_line(one, key) for one in lines]},
    )


def _state(node: FulfillmentOrderHead) -> tuple[str, ...]:
    place, delivery = node.assigned_location, node.delivery_method
    return (
        digits(node.order_id),
        text(node.status.lower()),
        text(node.request_status.lower()),
        number_of(place.location if place else None),
        optional(place.name if place else None),
        optional(lowered(delivery.method_type if delivery else None)),
        NULL if node.destination is None else jsonb(_destination(node.destination)),
        jsonb(_holds(node)),
        array(sorted(one.action.lower() for one in node.supported_actions)),
    )


def _times(node: FulfillmentOrderHead) -> tuple[str, ...]:
    return (
        optional_moment(node.fulfill_at),
        optional_moment(node.fulfill_by),
        moment(node.created_at),
        moment(node.updated_at),
    )


def _destination(node: DestinationNode) -> Part:
    return {
        "first_name": node.first_name or None,
        "last_name": node.last_name or None,
        "company": node.company or None,
        "address1": node.address1 or None,
        "address2": node.address2 or None,
        "city": node.city or None,
        "province": node.province or None,
        "country_code": node.country_code or None,
        "zip": node.zip or None,
        "phone": node.phone or None,
        "email": node.email or None,
    }


def _holds(node: FulfillmentOrderHead) -> list[Part]:
    return [
        {
            "id": int(digits(hold.id)),
            "reason": hold.reason.lower(),
            "notes": hold.reason_notes or None,
            "display_reason": hold.display_reason or None,
        }
        for hold in node.fulfillment_holds
    ]


def _line(node: FulfillmentOrderLineNode, key: str) -> str:
    item = node.inventory_item_id
    return "\t".join(
        (
            key,
            digits(node.id),
            digits(node.line_item.id),
            number_of(node.variant),
            NULL if item is None else digits(item),
            optional(node.sku),
            text(node.product_title),
            str(node.total_quantity),
            str(node.remaining_quantity),
            flag(node.requires_shipping),
        )
    )
