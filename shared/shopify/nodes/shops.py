"""The shop."""

from __future__ import annotations

from shared.shopify.nodes.parts import Node


class PlanNode(Node):
    public_display_name: str | None = None


class ShopNode(Node):
    id: str
    name: str
    myshopify_domain: str
    currency_code: str
    iana_timezone: str
    email: str | None = None
    taxes_included: bool | None = None
    plan: PlanNode | None = None
