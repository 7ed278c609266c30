"""What an order's own ledger tells: agreements and sales, returns, risk."""

from __future__ import annotations

import msgspec

from shared.shopify.nodes.parts import Count, MoneyBag, Node, Page, Reference


class SaleNode(Node):
    id: str
    action_type: str
    line_type: str
    total_amount: MoneyBag
    total_discount_amount_before_taxes: MoneyBag
    total_discount_amount_after_taxes: MoneyBag
    total_tax_amount: MoneyBag
    quantity: Count | None = None
    line_item: Reference | None = None
    shipping_line: Reference | None = None


class AgreementHead(Node):
    id: str
    happened_at: str
    reason: str
    app: Reference | None = None


class AgreementNode(AgreementHead, kw_only=True):
    sales: Page[SaleNode]


class ReasonNode(Node):
    handle: str


class DeclineNode(Node):
    reason: str


class FulfilledNode(Node):
    line_item: Reference


class ReturnLineNode(Node):
    """A line of a return; an unverified one names no line of the order and no amount."""

    id: str
    quantity: Count
    processed_quantity: Count
    refundable_quantity: Count
    refunded_quantity: Count
    return_reason_note: str | None = None
    customer_note: str | None = None
    return_reason_definition: ReasonNode | None = None
    with_code_discounted_total_price_set: MoneyBag | None = None
    fulfillment_line_item: FulfilledNode | None = None


class ReturnHead(Node):
    id: str
    name: str
    status: str
    total_quantity: Count
    created_at: str
    closed_at: str | None = None
    request_approved_at: str | None = None
    decline: DeclineNode | None = None


class ReturnNode(ReturnHead, kw_only=True):
    return_line_items: Page[ReturnLineNode]


class RiskFactNode(Node):
    description: str
    sentiment: str


class ProviderNode(Node):
    id: str
    title: str | None = None


class AssessmentNode(Node):
    risk_level: str
    provider: ProviderNode | None = None
    facts: list[RiskFactNode] = msgspec.field(default_factory=list)


class RiskNode(Node):
    recommendation: str
    assessments: list[AssessmentNode] = msgspec.field(default_factory=list)


class AppNode(Node):
    name: str


class AttributionNode(Node):
    handle: str
    display_name: str | None = None


class OrderDetailsHead(Node):
    """The root line of ``order_details_bulk``.

    *return_status* is asked for with the returns: without it nothing is known of them.
    """

    id: str
    updated_at: str
    edited: bool
    risk: RiskNode
    total_refunded_set: MoneyBag
    total_received_set: MoneyBag
    net_payment_set: MoneyBag
    current_total_duties_set: MoneyBag | None = None
    current_total_additional_fees_set: MoneyBag | None = None
    return_status: str | None = None
    app: AppNode | None = None
    attribution: AttributionNode | None = None


class OrderDetailsNode(OrderDetailsHead, kw_only=True):
    """A whole ledger: ``OrderDetailsWithChildren``."""

    agreements: Page[AgreementNode]
    returns: Page[ReturnNode] | None = None


class ReturnsNode(Node):
    """The returns of an order, which their own document reads on."""

    id: str
    returns: Page[ReturnNode]
