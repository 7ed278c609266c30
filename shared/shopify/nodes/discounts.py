"""Discounts of all eight types, and the codes of those that have codes."""

from __future__ import annotations

import msgspec

from shared.shopify.nodes.parts import Count, Money, Node, Page


class RedeemCodeNode(Node):
    id: str
    code: str
    async_usage_count: Count = 0


class CombinesNode(Node):
    order_discounts: bool = False
    product_discounts: bool = False
    shipping_discounts: bool = False


class DiscountTerms(Node, kw_only=True):
    """The union ``Discount``: what the eight types have in common, and what some of them have."""

    type_name: str = msgspec.field(name="__typename")
    title: str
    status: str
    created_at: str
    updated_at: str
    starts_at: str | None = None
    ends_at: str | None = None
    summary: str | None = None
    discount_classes: list[str] = msgspec.field(default_factory=list)
    async_usage_count: Count | None = None
    usage_limit: Count | None = None
    applies_once_per_customer: bool | None = None
    total_sales: Money | None = None
    combines_with: CombinesNode | None = None
    codes: Page[RedeemCodeNode] = msgspec.field(default_factory=Page)


class DiscountCodes(Node):
    """More codes of one discount: ``discount_children``."""

    codes: Page[RedeemCodeNode] = msgspec.field(default_factory=Page)


class DiscountOwner(Node):
    """What ``discount_children`` answers; *codes* as if they were the node's own."""

    discount: DiscountCodes

    @property
    def codes(self) -> Page[RedeemCodeNode]:
        return self.discount.codes


class PromotionNode(Node):
    """A whole discount: ``DiscountWithCodes``; of a bulk file, the root line."""

    id: str
    discount: DiscountTerms

    @property
    def codes(self) -> Page[RedeemCodeNode]:
        """The codes, none for an automatic discount."""
        return self.discount.codes
