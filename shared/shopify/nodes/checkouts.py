"""Abandoned checkouts and their lines."""

from __future__ import annotations

import msgspec

from shared.shopify.nodes.orders import TaxNode
from shared.shopify.nodes.parts import (
    AddressNode,
    AttributeNode,
    Count,
    MoneyBag,
    Node,
    Page,
    Reference,
)


class CheckoutLineNode(Node):
    quantity: Count
    original_unit_price_set: MoneyBag
    discounted_total_price_set: MoneyBag
    id: str | None = None
    title: str | None = None
    variant_title: str | None = None
    sku: str | None = None
    product: Reference | None = None
    variant: Reference | None = None
    custom_attributes: list[AttributeNode] = msgspec.field(default_factory=list)


class AbandonedCheckoutHead(Node):
    """The root line of ``abandoned_checkouts_bulk``."""

    id: str
    name: str
    abandoned_checkout_url: str
    created_at: str
    updated_at: str
    total_line_items_price_set: MoneyBag
    subtotal_price_set: MoneyBag
    total_discount_set: MoneyBag
    total_price_set: MoneyBag
    taxes_included: bool = False
    total_duties_set: MoneyBag | None = None
    total_tax_set: MoneyBag | None = None
    note: str | None = None
    completed_at: str | None = None
    customer: Reference | None = None
    discount_codes: list[str] = msgspec.field(default_factory=list)
    billing_address: AddressNode | None = None
    shipping_address: AddressNode | None = None
    custom_attributes: list[AttributeNode] = msgspec.field(default_factory=list)
    tax_lines: list[TaxNode] = msgspec.field(default_factory=list)


class AbandonedCheckoutNode(AbandonedCheckoutHead, kw_only=True):
    """A whole abandoned checkout: ``AbandonedCheckoutWithChildren``."""

    line_items: Page[CheckoutLineNode]
