"""Draft orders and their lines."""

from __future__ import annotations

import msgspec

from shared.shopify.nodes.orders import ShippingLineNode, TaxNode
from shared.shopify.nodes.parts import (
    AddressNode,
    AttributeNode,
    Count,
    MoneyBag,
    Node,
    Page,
    Reference,
)


class AppliedDiscountNode(Node):
    value: float
    value_type: str
    amount_set: MoneyBag
    title: str | None = None
    description: str | None = None


class DraftLineNode(Node):
    id: str
    title: str
    quantity: Count
    original_unit_price_set: MoneyBag
    discounted_total_set: MoneyBag
    variant_title: str | None = None
    vendor: str | None = None
    sku: str | None = None
    custom: bool = False
    is_gift_card: bool = False
    requires_shipping: bool = True
    taxable: bool = True
    product: Reference | None = None
    variant: Reference | None = None
    custom_attributes: list[AttributeNode] = msgspec.field(default_factory=list)
    tax_lines: list[TaxNode] = msgspec.field(default_factory=list)


class DraftOrderHead(Node):
    """The root line of ``draft_orders_bulk``."""

    id: str
    name: str
    status: str
    created_at: str
    updated_at: str
    currency_code: str
    presentment_currency_code: str
    subtotal_price_set: MoneyBag
    total_discounts_set: MoneyBag
    total_shipping_price_set: MoneyBag
    total_tax_set: MoneyBag
    total_price_set: MoneyBag
    taxes_included: bool = False
    tax_exempt: bool = False
    email: str | None = None
    phone: str | None = None
    po_number: str | None = None
    note: str | None = msgspec.field(name="note2", default=None)
    invoice_url: str | None = None
    invoice_sent_at: str | None = None
    completed_at: str | None = None
    tags: list[str] = msgspec.field(default_factory=list)
    discount_codes: list[str] = msgspec.field(default_factory=list)
    customer: Reference | None = None
    order: Reference | None = None
    applied_discount: AppliedDiscountNode | None = None
    shipping_line: ShippingLineNode | None = None
    billing_address: AddressNode | None = None
    shipping_address: AddressNode | None = None
    custom_attributes: list[AttributeNode] = msgspec.field(default_factory=list)
    tax_lines: list[TaxNode] = msgspec.field(default_factory=list)


class DraftOrderNode(DraftOrderHead, kw_only=True):
    """A whole draft order: ``DraftOrderWithChildren``."""

    line_items: Page[DraftLineNode]
