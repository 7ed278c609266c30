"""What a shop contains. Times are epoch seconds; money is in minor units."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.simulator.money import Bag

QUANTITY_NAMES = (
    "available",
    "on_hand",
    "committed",
    "incoming",
    "reserved",
    "damaged",
    "quality_control",
    "safety_stock",
)
ON_HAND_PARTS = (
    "available",
    "committed",
    "reserved",
    "damaged",
    "quality_control",
    "safety_stock",
)


@dataclass(slots=True)
class Shop:
    id: int
    domain: str
    name: str
    email: str
    currency: str
    timezone: str
    taxes_included: bool
    plan: str
    created: int


@dataclass(slots=True)
class Address:
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    country: str | None = None
    country_code: str | None = None
    zip: str | None = None
    phone: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    id: int = 0

    @property
    def name(self) -> str:
        return " ".join(part for part in (self.first_name, self.last_name) if part)


@dataclass(slots=True)
class Customer:
    id: int
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    state: str
    verified_email: bool
    tax_exempt: bool
    note: str | None
    tags: list[str]
    locale: str
    created: int
    updated: int
    addresses: list[Address]
    default_address_id: int | None
    email_consent: str
    sms_consent: str | None
    consent_updated: int | None = None

    @property
    def default_address(self) -> Address | None:
        wanted = self.default_address_id
        return next((one for one in self.addresses if one.id == wanted), None)


@dataclass(slots=True)
class TaxLine:
    title: str
    rate: float
    price: Bag
    channel_liable: bool = False


@dataclass(slots=True)
class Allocation:
    amount: Bag
    index: int


@dataclass(slots=True)
class Discount:
    """A discount application: what was meant; the allocations say what came of it."""

    index: int
    kind: str
    method: str
    selection: str
    target: str
    value_type: str
    value: str
    title: str = ""
    code: str | None = None
    description: str | None = None


@dataclass(slots=True)
class Duty:
    id: int
    country: str | None
    hs_code: str | None
    price: Bag
    taxes: list[TaxLine] = field(default_factory=list)


@dataclass(slots=True)
class Line:
    id: int
    title: str
    variant_title: str | None
    vendor: str | None
    sku: str | None
    quantity: int
    current_quantity: int
    price: Bag
    product_id: int | None = None
    variant_id: int | None = None
    gift_card: bool = False
    requires_shipping: bool = True
    taxable: bool = True
    grams: int = 0
    fulfilled: int = 0
    properties: list[tuple[str, str]] = field(default_factory=list)
    taxes: list[TaxLine] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    duties: list[Duty] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.title} - {self.variant_title}" if self.variant_title else self.title


@dataclass(slots=True)
class ShippingLine:
    id: int
    title: str
    code: str
    source: str
    price: Bag
    discounted: Bag
    removed: bool = False
    taxes: list[TaxLine] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)


@dataclass(slots=True)
class Transaction:
    id: int
    kind: str
    status: str
    gateway: str
    amount: Bag
    created: int
    processed: int
    test: bool = False
    error_code: str | None = None
    parent_id: int | None = None


@dataclass(slots=True)
class Fulfillment:
    id: int
    name: str
    status: str
    created: int
    updated: int
    location_id: int | None
    company: str | None
    number: str | None
    url: str | None
    units: list[tuple[int, int]]

    @property
    def total_quantity(self) -> int:
        return sum(quantity for _, quantity in self.units)


@dataclass(slots=True)
class RefundLine:
    id: int
    line_id: int
    quantity: int
    restock_type: str
    location_id: int | None
    subtotal: Bag
    tax: Bag
    discount: Bag | None = None


@dataclass(slots=True)
class RefundShipping:
    id: int
    shipping_line_id: int
    subtotal: Bag
    tax: Bag


@dataclass(slots=True)
class Adjustment:
    """Suggested minus actual refund: negative when the buyer got more than the goods' worth."""

    id: int
    reason: str
    amount: Bag
    tax: Bag


@dataclass(slots=True)
class Refund:
    id: int
    created: int
    processed: int
    note: str | None
    lines: list[RefundLine]
    shipping: list[RefundShipping]
    adjustments: list[Adjustment]
    duties: list[tuple[int, Bag]]
    transactions: list[Transaction]
    return_id: int | None = None


@dataclass(slots=True)
class Totals:
    gross: Bag
    subtotal: Bag
    discounts: Bag
    shipping: Bag
    tax: Bag
    duties: Bag
    tip: Bag
    total: Bag
    current_subtotal: Bag
    current_discounts: Bag
    current_tax: Bag
    current_total: Bag
    current_shipping: Bag
    current_duties: Bag
    received: Bag
    refunded: Bag
    outstanding: Bag
    discrepancy: Bag


@dataclass(slots=True)
class Order:
    id: int
    number: int
    created: int
    processed: int
    updated: int
    currencies: tuple[str, str]
    taxes_included: bool
    lines: list[Line]
    tip: Bag
    customer_id: int | None = None
    email: str | None = None
    phone: str | None = None
    note: str | None = None
    po_number: str | None = None
    tags: list[str] = field(default_factory=list)
    locale: str | None = "en"
    source_name: str = "web"
    confirmation: str | None = None
    cancelled: int | None = None
    cancel_reason: str | None = None
    closed: int | None = None
    test: bool = False
    app_id: int | None = 580111
    location_id: int | None = None
    gateways: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str]] = field(default_factory=list)
    billing: Address | None = None
    shipping_address: Address | None = None
    shipping: list[ShippingLine] = field(default_factory=list)
    discounts: list[Discount] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    taxes: list[TaxLine] = field(default_factory=list)
    totals: Totals | None = None
    edited: bool = False
    next_child: int = 0
    # Of order_parts: what makes the ledger, and goods on their way back.
    edits: list[Any] = field(default_factory=list)
    returns: list[Any] = field(default_factory=list)
    risk: str | None = None

    @property
    def name(self) -> str:
        return f"#{self.number}"

    @property
    def has_duties(self) -> bool:
        return any(line.duties for line in self.lines)


@dataclass(slots=True)
class Option:
    id: int
    name: str
    position: int
    values: list[str]


@dataclass(slots=True)
class Media:
    id: int
    alt: str | None
    url: str
    width: int = 800
    height: int = 800


@dataclass(slots=True)
class Variant:
    id: int
    product_id: int
    item_id: int
    title: str
    sku: str | None
    barcode: str | None
    price: int
    compare_at: int | None
    position: int
    taxable: bool
    policy: str
    created: int
    updated: int
    selected: list[tuple[str, str]]
    grams: int = 0


@dataclass(slots=True)
class Product:
    id: int
    title: str
    handle: str
    status: str
    vendor: str
    kind: str
    tags: list[str]
    description: str
    gift_card: bool
    created: int
    updated: int
    published: int | None
    options: list[Option]
    variants: list[Variant]
    media: list[Media]


@dataclass(slots=True)
class Level:
    id: int
    item_id: int
    location_id: int
    created: int
    updated: int
    active: bool
    quantities: dict[str, int]

    def quantity(self, name: str) -> int:
        if name == "on_hand":
            return sum(self.quantities[part] for part in ON_HAND_PARTS)
        return self.quantities[name]


@dataclass(slots=True)
class InventoryItem:
    id: int
    variant_id: int
    sku: str | None
    tracked: bool
    requires_shipping: bool
    country: str | None
    province: str | None
    hs_code: str | None
    created: int
    updated: int
    cost: int | None
    levels: dict[int, Level]


@dataclass(slots=True)
class Location:
    id: int
    name: str
    active: bool
    fulfills_online: bool
    created: int
    updated: int
    address: Address
