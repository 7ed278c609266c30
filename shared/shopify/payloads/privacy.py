"""What Shopify's privacy topics ask for."""

from __future__ import annotations

import hashlib

import msgspec

from shared.deliveries import Delivery
from shared.errors import Rejected
from shared.shopify.mapping import decoded
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import Malformed, instant
from shared.shopify.payloads.parts import Id, Payload
from shared.shopify.snapshots import Fact, PrivacyAsked


class PrivacyCustomer(Payload):
    id: Id
    email: str | None = None
    phone: str | None = None


class CustomerAsked(Payload):
    customer: PrivacyCustomer
    orders_requested: list[Id] | None = None
    orders_to_redact: list[Id] | None = None


_customer_asked = msgspec.json.Decoder(CustomerAsked)


def customer_asked(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that a customer's data is to be shown, or to be erased."""
    body = decoded(delivery.body, _customer_asked)
    customer = body.customer
    orders = (*(body.orders_requested or ()), *(body.orders_to_redact or ()))
    names = tuple(name for name in (customer.email, customer.phone) if name)
    return [_asked(delivery, origin, customer_id=customer.id, order_ids=orders, names=names)]


def shop_asked(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that everything of the shop is to be erased."""
    return [_asked(delivery, origin)]


def _asked(
    delivery: Delivery,
    origin: Origin,
    *,
    customer_id: int | None = None,
    order_ids: tuple[int, ...] = (),
    names: tuple[str, ...] = (),
) -> PrivacyAsked:
    try:
        received_at = instant(delivery.received_at)
    except Malformed as exc:
        # Ours, not Shopify's: the deadline is counted from it.
        raise Rejected("the delivery has no time of receipt", code="bad_payload") from exc
    return PrivacyAsked(
        owner=origin.owner,
        topic=delivery.topic,
        webhook_id=delivery.webhook_id,
        customer_id=customer_id,
        order_ids=order_ids,
        names=names,
        body_sha256=hashlib.sha256(delivery.body).digest(),
        received_at=received_at,
    )
