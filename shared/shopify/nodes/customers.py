"""Customers and their addresses."""

from __future__ import annotations

from shared.shopify.nodes.metafields import MetafieldNode
from shared.shopify.nodes.parts import AddressNode, Money, Node, Page, Reference


class CustomerAddressNode(AddressNode, kw_only=True):
    id: str


class EmailNode(Node):
    email_address: str | None = None
    marketing_state: str | None = None


class ConsentNode(Node):
    state: str | None = None


class PhoneNode(Node):
    phone_number: str | None = None
    sms_marketing_consent: ConsentNode | None = None
    marketing_state: str | None = None


class CustomerHead(Node):
    """A customer without addresses: the root line of ``customers_bulk``."""

    id: str
    created_at: str
    updated_at: str
    first_name: str | None = None
    last_name: str | None = None
    state: str | None = None
    verified_email: bool | None = None
    tax_exempt: bool | None = None
    note: str | None = None
    tags: list[str] | None = None
    locale: str | None = None
    number_of_orders: str | int | None = None
    amount_spent: Money | None = None
    default_address: Reference | None = None
    default_email_address: EmailNode | None = None
    default_phone_number: PhoneNode | None = None


class CustomerNode(CustomerHead, kw_only=True):
    """A whole customer: ``CustomerWithChildren``."""

    addresses_v2: Page[CustomerAddressNode]
    metafields: Page[MetafieldNode] | None = None
