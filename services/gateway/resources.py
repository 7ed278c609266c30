"""Synced Shopify objects as the API gives them, and how to ask for lists of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from services.gateway.models import Days, Given, Paging, Taken
from services.gateway.scalars import Amount, Json, Moment


class OrderQuery(Paging, Days):
    status: Literal["open", "closed", "cancelled", "any"] = "any"
    financial_status: str | None = Field(default=None, max_length=50)
    fulfillment_status: str | None = Field(default=None, max_length=50)
    customer_id: int | None = Field(default=None, ge=0, lt=2**63)
    q: str | None = Field(default=None, max_length=100, description="Part of the order's name.")


class OneOrderQuery(Taken):
    include: Literal["raw"] | None = None


class ProductQuery(Paging):
    status: str | None = Field(default=None, max_length=20)
    product_type: str | None = Field(default=None, max_length=255)
    vendor: str | None = Field(default=None, max_length=255)
    updated_since: Moment | None = None
    q: str | None = Field(default=None, max_length=100, description="Part of the title.")


class CustomerQuery(Paging):
    updated_since: Moment | None = None
    q: str | None = Field(default=None, max_length=100, description="Part of email or name.")


class InventoryQuery(Paging):
    inventory_item_id: int | None = Field(default=None, ge=0, lt=2**63)
    location_id: int | None = Field(default=None, ge=0, lt=2**63)
    sku: str | None = Field(default=None, max_length=255)


class OneObjectQuery(Taken):
    include: Literal["raw"] | None = None


class ObjectQuery(Paging):
    updated_since: Moment | None = None
    include: Literal["raw"] | None = None


class SyncedObject(Given):
    """One object in the columns of its table, what belongs to it in lists named like theirs.

    Amounts are exact text.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    id: int
    updated_at: datetime
    synced_at: datetime
    raw: Any = Field(default=None, description="Shopify's payload, with include=raw.")


class Order(Given):
    order_id: int
    name: str
    email: str | None
    customer_id: int | None
    created_at: datetime
    processed_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None
    cancel_reason: str | None
    closed_at: datetime | None
    financial_status: str | None
    fulfillment_status: str | None
    currency: str
    presentment_currency: str
    test: bool
    source_name: str | None
    tags: list[str]
    subtotal_price: Amount
    total_discounts: Amount
    total_shipping: Amount
    total_tax: Amount
    total_price: Amount
    current_total_price: Amount
    total_outstanding: Amount
    synced_at: datetime


class OrderLine(Given):
    line_id: int
    product_id: int | None
    variant_id: int | None
    sku: str | None
    title: str
    variant_title: str | None
    vendor: str | None
    quantity: int
    current_quantity: int
    price: Amount
    discount: Amount
    tax: Amount
    gift_card: bool
    requires_shipping: bool


class RefundLine(Given):
    refund_line_id: int
    line_id: int
    quantity: int
    restock_type: str
    location_id: int | None
    subtotal: Amount
    total_tax: Amount


class Refund(Given):
    refund_id: int
    created_at: datetime | None
    processed_at: datetime
    note: str | None
    total_refunded: Amount
    lines: list[RefundLine]


class Transaction(Given):
    transaction_id: int
    parent_id: int | None
    kind: str
    status: str
    gateway: str | None
    amount: Amount
    currency: str
    error_code: str | None
    created_at: datetime
    processed_at: datetime | None


class Fulfillment(Given):
    fulfillment_id: int
    name: str | None
    status: str
    location_id: int | None
    total_quantity: int
    tracking: Json
    created_at: datetime
    updated_at: datetime


class OrderDetail(Order):
    note: str | None
    phone: str | None
    billing_address: Json
    shipping_address: Json
    attributes: Json
    tax_lines: Json
    shipping_lines: Json
    discount_applications: Json
    lines: list[OrderLine]
    refunds: list[Refund]
    transactions: list[Transaction]
    fulfillments: list[Fulfillment]
    raw: Any = Field(default=None, description="Shopify's payload, with include=raw.")


class Product(Given):
    product_id: int
    title: str
    handle: str
    status: str
    vendor: str | None
    product_type: str | None
    tags: list[str]
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    variants: int
    inventory_quantity: int | None
    synced_at: datetime


class Variant(Given):
    variant_id: int
    position: int
    title: str
    sku: str | None
    barcode: str | None
    price: Amount
    compare_at_price: Amount | None
    inventory_item_id: int | None
    inventory_quantity: int | None
    updated_at: datetime


class ProductDetail(Product):
    description_html: str | None
    options: Json
    media: Json
    variant_list: list[Variant]


class Customer(Given):
    customer_id: int
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    state: str | None
    tags: list[str] | None
    orders_count: int | None
    total_spent: Amount | None
    currency: str | None
    created_at: datetime
    updated_at: datetime
    synced_at: datetime


class InventoryLevel(Given):
    inventory_item_id: int
    location_id: int
    sku: str | None
    location_name: str | None
    available: int | None
    on_hand: int | None
    committed: int | None
    incoming: int | None
    reserved: int | None
    damaged: int | None
    quality_control: int | None
    safety_stock: int | None
    active: bool
    updated_at: datetime
