"""Bodies about orders and what hangs on them that only name what to read again."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec

from shared.deliveries import Delivery
from shared.errors import Rejected
from shared.shopify.mapping import decoded
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import digits, instant
from shared.shopify.payloads.notices import Identified, deletion_of
from shared.shopify.payloads.parts import Id, Payload
from shared.shopify.snapshots import Fact, Kind, Refetch

_FULFILLMENT_ORDER = re.compile(rb"gid:\\?/\\?/shopify\\?/FulfillmentOrder\\?/(\d{1,19})\b")
# A checkout younger than this is not abandoned yet, and Shopify would not tell of it.
_ABANDONED_AFTER = timedelta(minutes=10)


class OrderNamed(Payload):
    order_id: Id | None = None
    gid: str | None = msgspec.field(name="admin_graphql_api_order_id", default=None)


class OrderEdit(Payload):
    order_edit: OrderNamed


class Named(Payload):
    id: Id | str | None = None
    gid: str | None = msgspec.field(name="admin_graphql_api_id", default=None)


class ReturnNotice(Payload):
    order: Named | None = None
    order_id: Id | None = None


class FulfillmentOrderNotice(Payload):
    fulfillment_order: Named | None = None


class CheckoutNotice(Payload):
    id: Id | None = None
    created_at: str | None = None
    updated_at: str | None = None


_order_mention = msgspec.json.Decoder(OrderNamed)
_order_edit = msgspec.json.Decoder(OrderEdit)
_return = msgspec.json.Decoder(ReturnNotice)
_fulfillment_order = msgspec.json.Decoder(FulfillmentOrderNotice)
_identified = msgspec.json.Decoder(Identified)
_checkout = msgspec.json.Decoder(CheckoutNotice)
_order_gone, _details_gone = deletion_of("order"), deletion_of("order_details")


def order_edited(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that an order was edited; the body describes the edit, not the order."""
    number = _order_of(decoded(delivery.body, _order_edit).order_edit)
    return _again(delivery, origin, number, "order", "order_details")


def order_refunded(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that a refund changed an order and its ledger."""
    number = _order_of(decoded(delivery.body, _order_mention))
    return _again(delivery, origin, number, "order", "order_details")


def risk_assessed(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that an order's risk was assessed anew."""
    number = _order_of(decoded(delivery.body, _order_mention))
    return _again(delivery, origin, number, "order_details")


def order_deleted(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that an order is gone, and its ledger with it."""
    return [*_order_gone(delivery, origin), *_details_gone(delivery, origin)]


def return_touched(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that a return changed; nothing where the body does not say of which order.

    A return that changes its order's ``updated_at`` is found by the next poll all the same.
    """
    body = decoded(delivery.body, _return)
    named = (body.order.id or body.order.gid) if body.order else body.order_id
    return _again(delivery, origin, int(digits(str(named))), "order_details") if named else []


def fulfillment_orders_touched(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return every fulfilment order that the body names: a move or a split names several."""
    body = decoded(delivery.body, _fulfillment_order).fulfillment_order
    found = {int(number) for number in _FULFILLMENT_ORDER.findall(delivery.body)}
    if body is not None and (named := body.id or body.gid):
        found.add(int(digits(str(named))))
    if not found:
        raise Rejected(
            "no fulfilment order is named",
            code="bad_payload",
            details={"path": "$.fulfillment_order"},
        )
    return [
        fact
        for number in sorted(found)
        for fact in _again(delivery, origin, number, "fulfillment_order")
    ]


def draft_order_touched(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that a draft order changed; no body tells its phone, PO number and codes."""
    number = decoded(delivery.body, _identified).id
    return _again(delivery, origin, number, "draft_order")


def checkout_touched(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return a checkout that is old enough to count as abandoned; polls find the others."""
    body = decoded(delivery.body, _checkout)
    if not (body.id and body.created_at and body.updated_at):
        return []
    if instant(body.updated_at) - instant(body.created_at) < _ABANDONED_AFTER:
        return []
    return _again(delivery, origin, body.id, "abandoned_checkout")


def nothing(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return nothing: the body names a checkout by its token, which we do not keep."""
    return []


def _order_of(body: OrderNamed) -> int:
    named = body.order_id or body.gid
    if not named:
        raise Rejected("order_id is missing", code="bad_payload", details={"path": "$..order_id"})
    return int(digits(str(named)))


def _again(delivery: Delivery, origin: Origin, number: int, *kinds: Kind) -> list[Fact]:
    return [
        Refetch(owner=origin.owner, kind=kind, key=(number,), reason=delivery.topic)
        for kind in kinds
    ]
