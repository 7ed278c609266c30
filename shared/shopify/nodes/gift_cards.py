"""Gift cards."""

from __future__ import annotations

from shared.shopify.nodes.parts import Money, Node, Reference


class GiftCardNode(Node):
    """A gift card: ``GiftCardFields``."""

    id: str
    last_characters: str
    enabled: bool
    initial_value: Money
    balance: Money
    created_at: str
    updated_at: str
    note: str | None = None
    expires_on: str | None = None
    deactivated_at: str | None = None
    customer: Reference | None = None
    order: Reference | None = None
    line_item: Reference | None = None
