"""Order bodies: ``orders/*``, ``order_transactions/create``, and refunds inside orders."""

from __future__ import annotations

from typing import TypeAlias

from shared.shopify.nodes.parts import Count
from shared.shopify.payloads.metafields import MetafieldPayload
from shared.shopify.payloads.parts import (
    AddressPayload,
    AllocationPayload,
    AttributePayload,
    BagPayload,
    Id,
    MoneyPayload,
    Payload,
    Plain,
    TaxPayload,
)

Tags: TypeAlias = str | list[str] | None


class DutyPayload(Payload):
    id: Id | str
    country_code_of_origin: str | None = None
    harmonized_system_code: str | None = None
    shop_money: MoneyPayload | None = None
    presentment_money: MoneyPayload | None = None
    price: Plain = None
    tax_lines: list[TaxPayload] | None = None


class LinePayload(Payload):
    id: Id
    quantity: Count
    title: str | None = None
    name: str | None = None
    current_quantity: Count | None = None
    price: Plain = None
    price_set: BagPayload | None = None
    variant_title: str | None = None
    vendor: str | None = None
    sku: str | None = None
    gift_card: bool | None = None
    requires_shipping: bool | None = None
    taxable: bool | None = None
    product_id: Id | None = None
    variant_id: Id | None = None
    properties: list[AttributePayload] | None = None
    tax_lines: list[TaxPayload] | None = None
    discount_allocations: list[AllocationPayload] | None = None
    duties: list[DutyPayload] | None = None


class ShippingPayload(Payload):
    id: Id | None = None
    title: str | None = None
    code: str | None = None
    source: str | None = None
    price: Plain = None
    price_set: BagPayload | None = None
    discounted_price: Plain = None
    discounted_price_set: BagPayload | None = None
    is_removed: bool | None = None
    tax_lines: list[TaxPayload] | None = None
    discount_allocations: list[AllocationPayload] | None = None


class DiscountPayload(Payload):
    type: str = ""
    value: Plain = None
    value_type: str | None = None
    allocation_method: str | None = None
    target_selection: str | None = None
    target_type: str | None = None
    code: str | None = None
    title: str | None = None
    description: str | None = None


class TransactionPayload(Payload):
    id: Id
    kind: str
    created_at: str
    order_id: Id | None = None
    status: str | None = None
    amount: Plain = None
    currency: str | None = None
    parent_id: Id | None = None
    processed_at: str | None = None
    gateway: str | None = None
    error_code: str | None = None
    test: bool | None = None
    total_unsettled_set: BagPayload | None = None


class FulfilledLinePayload(Payload):
    quantity: Count = 0


class FulfillmentPayload(Payload):
    id: Id
    created_at: str
    updated_at: str | None = None
    status: str | None = None
    name: str | None = None
    location_id: Id | None = None
    line_items: list[FulfilledLinePayload] | None = None
    tracking_company: str | None = None
    tracking_number: str | None = None
    tracking_numbers: list[str] | None = None
    tracking_url: str | None = None
    tracking_urls: list[str] | None = None


class RefundLinePayload(Payload):
    line_item_id: Id
    quantity: Count
    id: Id | None = None
    location_id: Id | None = None
    restock_type: str | None = None
    subtotal: Plain = None
    subtotal_set: BagPayload | None = None
    total_tax: Plain = None
    total_tax_set: BagPayload | None = None


class AdjustmentPayload(Payload):
    id: Id
    kind: str | None = None
    reason: str | None = None
    amount: Plain = None
    amount_set: BagPayload | None = None
    tax_amount: Plain = None
    tax_amount_set: BagPayload | None = None


class RefundedShippingPayload(Payload):
    id: Id | None = None


class RefundShippingPayload(Payload):
    id: Id
    shipping_line_id: Id | None = None
    shipping_line: RefundedShippingPayload | None = None
    subtotal_amount_set: BagPayload | None = None
    tax_amount_set: BagPayload | None = None


class RefundDutyPayload(Payload):
    duty_id: Id | None = None
    amount_set: BagPayload | None = None


class RefundPayload(Payload):
    id: Id
    created_at: str | None = None
    processed_at: str | None = None
    note: str | None = None
    refund_line_items: list[RefundLinePayload] | None = None
    order_adjustments: list[AdjustmentPayload] | None = None
    refund_shipping_lines: list[RefundShippingPayload] | None = None
    duties: list[RefundDutyPayload] | None = None
    transactions: list[TransactionPayload] | None = None


class CustomerIdPayload(Payload):
    id: Id | None = None


class OrderPayload(Payload):
    """An order body; absent fields are those that older API versions lack."""

    id: Id
    created_at: str
    updated_at: str
    currency: str
    line_items: list[LinePayload]
    metafields: list[MetafieldPayload] | None = None
    name: str | None = None
    order_number: Count | None = None
    processed_at: str | None = None
    presentment_currency: str | None = None
    confirmation_number: str | None = None
    email: str | None = None
    phone: str | None = None
    note: str | None = None
    po_number: str | None = None
    tags: Tags = None
    customer_locale: str | None = None
    source_name: str | None = None
    cancelled_at: str | None = None
    cancel_reason: str | None = None
    closed_at: str | None = None
    financial_status: str | None = None
    fulfillment_status: str | None = None
    taxes_included: bool | None = None
    duties_included: bool | None = None
    estimated_taxes: bool | None = None
    test: bool | None = None
    confirmed: bool | None = None
    payment_gateway_names: list[str] | None = None
    gateway: str | None = None
    app_id: Id | None = None
    customer: CustomerIdPayload | None = None
    note_attributes: list[AttributePayload] | None = None
    billing_address: AddressPayload | None = None
    shipping_address: AddressPayload | None = None
    subtotal_price: Plain = None
    subtotal_price_set: BagPayload | None = None
    total_discounts: Plain = None
    total_discounts_set: BagPayload | None = None
    total_shipping_price_set: BagPayload | None = None
    total_tax: Plain = None
    total_tax_set: BagPayload | None = None
    total_tip_received: Plain = None
    total_price: Plain = None
    total_price_set: BagPayload | None = None
    original_total_duties_set: BagPayload | None = None
    current_subtotal_price: Plain = None
    current_subtotal_price_set: BagPayload | None = None
    current_total_discounts: Plain = None
    current_total_discounts_set: BagPayload | None = None
    current_total_tax: Plain = None
    current_total_tax_set: BagPayload | None = None
    current_total_price: Plain = None
    current_total_price_set: BagPayload | None = None
    total_outstanding: Plain = None
    tax_lines: list[TaxPayload] | None = None
    shipping_lines: list[ShippingPayload] | None = None
    discount_applications: list[DiscountPayload] | None = None
    fulfillments: list[FulfillmentPayload] | None = None
    refunds: list[RefundPayload] | None = None
