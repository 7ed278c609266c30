"""Customer bodies: ``customers/*``."""

from __future__ import annotations

from shared.shopify.nodes.customers import (
    ConsentNode,
    CustomerAddressNode,
    CustomerHead,
    EmailNode,
    PhoneNode,
)
from shared.shopify.nodes.parts import Money
from shared.shopify.payloads.metafields import MetafieldPayload
from shared.shopify.payloads.parts import (
    AddressPayload,
    Id,
    Payload,
    Plain,
    address,
    plain,
    reference,
    split_tags,
)

# A body lists the most recently changed addresses, no more than this.
_ADDRESSES = 10


class CustomerAddressPayload(AddressPayload):
    id: Id = 0


class ConsentPayload(Payload):
    state: str | None = None


class CustomerPayload(Payload):
    """A customer body; since 2025-01 it lacks tags, consent, orders_count and total_spent."""

    id: Id
    created_at: str
    updated_at: str
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    state: str | None = None
    verified_email: bool | None = None
    tax_exempt: bool | None = None
    note: str | None = None
    tags: str | list[str] | None = None
    orders_count: int | None = None
    total_spent: Plain = None
    currency: str | None = None
    email_marketing_consent: ConsentPayload | None = None
    sms_marketing_consent: ConsentPayload | None = None
    default_address: CustomerAddressPayload | None = None
    addresses: list[CustomerAddressPayload] | None = None
    metafields: list[MetafieldPayload] | None = None


def customer_head(body: CustomerPayload) -> CustomerHead:
    """Return the customer without addresses."""
    spent, email, sms = (
        plain(body.total_spent),
        body.email_marketing_consent,
        body.sms_marketing_consent,
    )
    return CustomerHead(
        id=str(body.id),
        created_at=body.created_at,
        updated_at=body.updated_at,
        first_name=body.first_name,
        last_name=body.last_name,
        state=body.state,
        verified_email=body.verified_email,
        tax_exempt=body.tax_exempt,
        note=body.note,
        tags=None if body.tags is None else split_tags(body.tags),
        number_of_orders=body.orders_count,
        amount_spent=None
        if spent is None
        else Money(amount=spent, currency_code=body.currency or ""),
        default_address=reference(body.default_address.id if body.default_address else None),
        default_email_address=EmailNode(
            email_address=body.email, marketing_state=email.state if email else None
        ),
        default_phone_number=PhoneNode(
            phone_number=body.phone,
            sms_marketing_consent=ConsentNode(state=sms.state) if sms else None,
        ),
    )


def address_nodes(body: CustomerPayload) -> list[CustomerAddressNode] | None:
    """Return the address book, or None when the body may not hold all of it."""
    if body.addresses is None or len(body.addresses) >= _ADDRESSES:
        return None
    return [_address(one) for one in body.addresses if one.id]


def _address(body: CustomerAddressPayload) -> CustomerAddressNode:
    node = CustomerAddressNode(id=str(body.id))
    plain_node = address(body)
    for name in plain_node.__struct_fields__ if plain_node else ():
        setattr(node, name, getattr(plain_node, name))
    return node
