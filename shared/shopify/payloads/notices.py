"""Bodies that only say that something happened: deletions, and objects to read again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

import msgspec

from shared.deliveries import Delivery
from shared.errors import Rejected
from shared.shopify.mapping import decoded
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import Malformed, digits, instant
from shared.shopify.payloads.parts import Id, Payload
from shared.shopify.snapshots import (
    AppUninstalled,
    BulkFinished,
    CustomerMerged,
    Deletion,
    Fact,
    Kind,
    Refetch,
    ShopTouched,
)

Reader: TypeAlias = Callable[[Delivery, Origin], list[Fact]]


class Identified(Payload):
    id: Id


class StockPlace(Payload):
    inventory_item_id: Id
    location_id: Id


class OrderMention(Payload):
    order_id: Id


class CustomerMention(Payload):
    customer_id: Id | str | None = None
    camel: str | None = msgspec.field(name="customerId", default=None)
    id: Id | str | None = None


class CustomerMerge(Payload):
    kept: str | None = msgspec.field(name="admin_graphql_api_customer_kept_id", default=None)
    gone: str | None = msgspec.field(name="admin_graphql_api_customer_deleted_id", default=None)
    status: str | None = None


class BulkEnd(Payload):
    gid: str = msgspec.field(name="admin_graphql_api_id")


_MERGED = "completed"

_identified = msgspec.json.Decoder(Identified)
_pair = msgspec.json.Decoder(StockPlace)
_order_mention = msgspec.json.Decoder(OrderMention)
_customer_mention = msgspec.json.Decoder(CustomerMention)
_merge = msgspec.json.Decoder(CustomerMerge)
_bulk_end = msgspec.json.Decoder(BulkEnd)


def moment_of(delivery: Delivery) -> datetime:
    """Return when Shopify says that it happened, else when we heard of it."""
    for text in (delivery.triggered_at, delivery.received_at):
        try:
            return instant(text)
        except Malformed:
            continue
    raise Rejected("the delivery has no time", code="bad_payload", details={"path": "$"})


def deletion_of(kind: Kind) -> Reader:
    """Return a reader of bodies that hold a deleted object's id."""

    def deleted(delivery: Delivery, origin: Origin) -> list[Fact]:
        key = (decoded(delivery.body, _identified).id,)
        return [_deletion(delivery, origin, kind=kind, key=key)]

    return deleted


def disconnected(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that an item is no longer stocked at a location."""
    body = decoded(delivery.body, _pair)
    key = (body.inventory_item_id, body.location_id)
    return [_deletion(delivery, origin, kind="inventory_level", key=key)]


def _deletion(delivery: Delivery, origin: Origin, *, kind: Kind, key: tuple[int, ...]) -> Deletion:
    return Deletion(
        owner=origin.owner, kind=kind, key=key, at=moment_of(delivery), reason="webhook"
    )


def order_touched(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that an order changed in a way that the body does not show whole."""
    return [_again(delivery, origin, "order", decoded(delivery.body, _order_mention).order_id)]


def customer_touched(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that something about a customer changed that customer bodies do not carry."""
    body = decoded(delivery.body, _customer_mention)
    named = body.customer_id or body.camel or body.id
    return [_again(delivery, origin, "customer", int(digits(str(named))))] if named else []


def customers_merged(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that a customer is gone, whose it is now, and that this one must be read again.

    A merge that failed says nothing; one that is not done yet is told again.
    """
    body = decoded(delivery.body, _merge)
    if not (body.kept and body.gone) or (body.status or _MERGED).lower() != _MERGED:
        return []
    kept, gone = int(digits(body.kept)), int(digits(body.gone))
    owner, at = origin.owner, moment_of(delivery)
    return [
        CustomerMerged(owner=owner, gone=gone, kept=kept, at=at),
        Deletion(owner=owner, kind="customer", key=(gone,), at=at, reason="merged"),
        _again(delivery, origin, "customer", kept),
    ]


def _again(delivery: Delivery, origin: Origin, kind: Kind, number: int) -> Refetch:
    return Refetch(owner=origin.owner, kind=kind, key=(number,), reason=delivery.topic)


def uninstalled(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that the app left the shop."""
    return [AppUninstalled(owner=origin.owner, at=moment_of(delivery))]


def scopes_changed(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that the app may read more or less than before."""
    return [ShopTouched(owner=origin.owner, reason=delivery.topic)]


def bulk_finished(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that a bulk operation ended; its result is only told by the Admin API."""
    return [BulkFinished(owner=origin.owner, gid=decoded(delivery.body, _bulk_end).gid)]
