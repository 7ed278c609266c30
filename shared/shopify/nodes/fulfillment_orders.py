"""Fulfilment orders: which lines are to be sent from where."""

from __future__ import annotations

import msgspec

from shared.shopify.nodes.parts import Count, Node, Page, Reference


class AssignedLocationNode(Node):
    name: str | None = None
    location: Reference | None = None


class DeliveryNode(Node):
    method_type: str


class DestinationNode(Node):
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    country_code: str | None = None
    zip: str | None = None
    phone: str | None = None
    email: str | None = None


class HoldNode(Node):
    id: str
    reason: str
    reason_notes: str | None = None
    display_reason: str | None = None


class ActionNode(Node):
    action: str


class FulfillmentOrderLineNode(Node):
    id: str
    total_quantity: Count
    remaining_quantity: Count
    line_item: Reference
    product_title: str
    requires_shipping: bool = True
    sku: str | None = None
    variant: Reference | None = None
    inventory_item_id: str | None = None


class FulfillmentOrderHead(Node):
    """The root line of ``fulfillment_orders_bulk``."""

    id: str
    order_id: str
    status: str
    request_status: str
    created_at: str
    updated_at: str
    fulfill_at: str | None = None
    fulfill_by: str | None = None
    assigned_location: AssignedLocationNode | None = None
    delivery_method: DeliveryNode | None = None
    destination: DestinationNode | None = None
    fulfillment_holds: list[HoldNode] = msgspec.field(default_factory=list)
    supported_actions: list[ActionNode] = msgspec.field(default_factory=list)


class FulfillmentOrderNode(FulfillmentOrderHead, kw_only=True):
    """A whole fulfilment order: ``FulfillmentOrderWithChildren``."""

    line_items: Page[FulfillmentOrderLineNode]
