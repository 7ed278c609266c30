"""Orders, their lines, refunds, transactions and fulfilments."""

from __future__ import annotations

import msgspec

from shared.shopify.nodes.metafields import MetafieldNode
from shared.shopify.nodes.parts import (
    AddressNode,
    AttributeNode,
    Count,
    Money,
    MoneyBag,
    Node,
    Page,
    Reference,
)


class TaxNode(Node):
    price_set: MoneyBag
    title: str | None = None
    rate: float | str | None = None
    channel_liable: bool | None = None


class ApplicationIndex(Node):
    index: Count


class AllocationNode(Node):
    allocated_amount_set: MoneyBag
    discount_application: ApplicationIndex


class DutyNode(Node):
    id: str
    price: MoneyBag
    country_code_of_origin: str | None = None
    harmonized_system_code: str | None = None
    tax_lines: list[TaxNode] = msgspec.field(default_factory=list)


class LineNode(Node):
    id: str
    title: str
    quantity: Count
    current_quantity: Count
    original_unit_price_set: MoneyBag
    variant_title: str | None = None
    vendor: str | None = None
    sku: str | None = None
    is_gift_card: bool = False
    requires_shipping: bool = True
    taxable: bool = True
    product: Reference | None = None
    variant: Reference | None = None
    custom_attributes: list[AttributeNode] = msgspec.field(default_factory=list)
    tax_lines: list[TaxNode] = msgspec.field(default_factory=list)
    discount_allocations: list[AllocationNode] = msgspec.field(default_factory=list)
    duties: list[DutyNode] = msgspec.field(default_factory=list)


class ShippingLineNode(Node):
    original_price_set: MoneyBag
    discounted_price_set: MoneyBag
    id: str | None = None
    title: str | None = None
    code: str | None = None
    source: str | None = None
    is_removed: bool = False
    tax_lines: list[TaxNode] = msgspec.field(default_factory=list)
    discount_allocations: list[AllocationNode] = msgspec.field(default_factory=list)


class DiscountValue(Node):
    amount: str | None = None
    percentage: float | str | None = None


class DiscountNode(Node, kw_only=True):
    type_name: str = msgspec.field(name="__typename")
    index: Count
    value: DiscountValue
    allocation_method: str | None = None
    target_selection: str | None = None
    target_type: str | None = None
    code: str | None = None
    automatic_title: str | None = None
    manual_title: str | None = None
    script_title: str | None = None
    description: str | None = None


class TransactionNode(Node):
    id: str
    kind: str
    status: str
    amount_set: MoneyBag
    created_at: str
    processed_at: str | None = None
    gateway: str | None = None
    error_code: str | None = None
    test: bool = False
    parent_transaction: Reference | None = None


class TrackingNode(Node):
    company: str | None = None
    number: str | None = None
    url: str | None = None


class FulfillmentNode(Node):
    id: str
    status: str
    created_at: str
    updated_at: str
    name: str | None = None
    total_quantity: Count = 0
    location: Reference | None = None
    tracking_info: list[TrackingNode] = msgspec.field(default_factory=list)


class RefundLineNode(Node):
    quantity: Count
    line_item: Reference
    subtotal_set: MoneyBag
    total_tax_set: MoneyBag
    id: str | None = None
    restock_type: str = "no_restock"
    location: Reference | None = None


class AdjustmentNode(Node):
    id: str
    amount_set: MoneyBag
    tax_amount_set: MoneyBag
    reason: str | None = None


class RefundShippingNode(Node):
    id: str
    subtotal_amount_set: MoneyBag
    tax_amount_set: MoneyBag
    shipping_line: Reference | None = None


class RefundDutyNode(Node):
    amount_set: MoneyBag
    original_duty: Reference | None = None


class RefundNode(Node):
    id: str
    total_refunded_set: MoneyBag
    created_at: str | None = None
    processed_at: str | None = None
    note: str | None = None
    duties: list[RefundDutyNode] | None = None
    refund_line_items: Page[RefundLineNode] = msgspec.field(default_factory=Page)
    order_adjustments: Page[AdjustmentNode] = msgspec.field(default_factory=Page)
    refund_shipping_lines: Page[RefundShippingNode] = msgspec.field(default_factory=Page)


class OrderHead(Node):
    """An order without what GraphQL pages and bulk operations write apart."""

    id: str
    name: str
    created_at: str
    processed_at: str
    updated_at: str
    currency_code: str
    presentment_currency_code: str
    subtotal_price_set: MoneyBag
    total_price_set: MoneyBag
    current_subtotal_price_set: MoneyBag
    current_total_discounts_set: MoneyBag
    current_total_tax_set: MoneyBag
    current_total_price_set: MoneyBag
    total_outstanding_set: MoneyBag
    total_discounts_set: MoneyBag | None = None
    total_shipping_price_set: MoneyBag | None = None
    total_tax_set: MoneyBag | None = None
    total_tip_received_set: MoneyBag | None = None
    original_total_duties_set: MoneyBag | None = None
    confirmation_number: str | None = None
    email: str | None = None
    phone: str | None = None
    note: str | None = None
    po_number: str | None = None
    tags: list[str] = msgspec.field(default_factory=list)
    customer_locale: str | None = None
    source_name: str | None = None
    cancelled_at: str | None = None
    cancel_reason: str | None = None
    closed_at: str | None = None
    display_financial_status: str | None = None
    display_fulfillment_status: str | None = None
    taxes_included: bool = False
    duties_included: bool = False
    estimated_taxes: bool = False
    test: bool = False
    confirmed: bool = True
    payment_gateway_names: list[str] = msgspec.field(default_factory=list)
    app: Reference | None = None
    customer: Reference | None = None
    custom_attributes: list[AttributeNode] = msgspec.field(default_factory=list)
    billing_address: AddressNode | None = None
    shipping_address: AddressNode | None = None
    tax_lines: list[TaxNode] = msgspec.field(default_factory=list)
    transactions: list[TransactionNode] | None = None
    fulfillments: list[FulfillmentNode] = msgspec.field(default_factory=list)


class OrderNode(OrderHead, kw_only=True):
    """A whole order: ``OrderWithChildren``."""

    line_items: Page[LineNode]
    shipping_lines: Page[ShippingLineNode] = msgspec.field(default_factory=Page)
    discount_applications: Page[DiscountNode] = msgspec.field(default_factory=Page)
    refunds: list[RefundNode] = msgspec.field(default_factory=list)
    metafields: Page[MetafieldNode] | None = None


class BulkOrderNode(OrderHead):
    """The root line of ``orders_bulk``: refunds are only named."""

    refunds: list[Reference] = msgspec.field(default_factory=list)


def bag(shop: str, presentment: str | None = None) -> MoneyBag:
    """Return a money bag of one amount, or of the same in two currencies."""
    return MoneyBag(
        shop_money=Money(amount=shop),
        presentment_money=Money(amount=shop if presentment is None else presentment),
    )
