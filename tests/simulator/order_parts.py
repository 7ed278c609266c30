"""What hangs on an order besides its lines and money, and what precedes an order."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.simulator.model import Duty, Line, Order, ShippingLine
from tests.simulator.money import Bag


@dataclass(slots=True)
class Removal:
    """Units that an edit took off a line, and what they were worth."""

    line_id: int
    units: int
    net: Bag
    tax: Bag
    discount: Bag
    duties: list[tuple[int, Bag]]


@dataclass(slots=True)
class Edit:
    """An edit of an order; ``id`` is its agreement's."""

    id: int
    at: int
    removed: list[Removal]
    added: list[int]


@dataclass(slots=True)
class ReturnLine:
    id: int
    line_id: int
    quantity: int
    reason: str
    note: str
    worth: Bag
    customer_note: str | None = None
    refunded: int = 0

    @property
    def typename(self) -> str:
        return "ReturnLineItem"


@dataclass(slots=True)
class Return:
    id: int
    order_id: int
    name: str
    status: str
    created: int
    lines: list[ReturnLine]
    approved: int | None = None
    closed: int | None = None
    decline_reason: str | None = None


@dataclass(slots=True)
class Sale:
    """One line of an agreement: what was sold or taken back, signed."""

    id: int
    action: str
    line_type: str
    quantity: int | None
    total: Bag
    tax: Bag
    discount: Bag
    discount_before_taxes: Bag
    line: Line | None = None
    shipping_line: ShippingLine | None = None
    duty: Duty | None = None

    @property
    def typename(self) -> str:
        names = {
            "PRODUCT": "ProductSale",
            "GIFT_CARD": "GiftCardSale",
            "SHIPPING": "ShippingLineSale",
            "TIP": "TipSale",
            "DUTY": "DutySale",
            "ADJUSTMENT": "AdjustmentSale",
        }
        return names[self.line_type]


@dataclass(slots=True)
class Agreement:
    id: int
    at: int
    reason: str
    app_id: int | None
    sales: list[Sale]

    @property
    def typename(self) -> str:
        names = {
            "ORDER": "OrderAgreement",
            "ORDER_EDIT": "OrderEditAgreement",
            "REFUND": "RefundAgreement",
            "RETURN": "ReturnAgreement",
        }
        return names[self.reason]


@dataclass(slots=True)
class Assessment:
    level: str
    facts: list[tuple[str, str]]
    provider: tuple[int, str] | None = None


@dataclass(slots=True)
class Hold:
    id: int
    reason: str
    notes: str | None


@dataclass(slots=True)
class FulfillmentOrderLine:
    id: int
    line: Line
    total: int
    remaining: int

    @property
    def typename(self) -> str:
        return "FulfillmentOrderLineItem"


@dataclass(slots=True)
class FulfillmentOrder:
    id: int
    order_id: int
    location_id: int
    created: int
    updated: int
    status: str
    lines: list[FulfillmentOrderLine]
    order_name: str
    order_processed: int
    destination: Order | None = None
    request_status: str = "UNSUBMITTED"
    holds: list[Hold] = field(default_factory=list)


@dataclass(slots=True)
class DraftOrder:
    """An order that is still being talked about; its goods and totals are those of *basket*."""

    id: int
    name: str
    status: str
    created: int
    updated: int
    basket: Order
    line_ids: list[int]
    po_number: str | None = None
    invoice_sent: int | None = None
    completed: int | None = None
    order_id: int | None = None


@dataclass(slots=True)
class AbandonedCheckout:
    """A basket that its buyer left."""

    id: int
    name: str
    created: int
    updated: int
    basket: Order
    completed: int | None = None
