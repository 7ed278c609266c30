"""Payouts, disputes and balance transactions of Shopify Payments."""

from __future__ import annotations

import msgspec

from shared.shopify.nodes.parts import Money, Node, Reference


class PayoutNode(Node):
    """A payout: ``PayoutFields``; *summary* holds an amount for each part of it."""

    id: str
    status: str
    transaction_type: str
    issued_at: str
    net: Money
    summary: dict[str, Money] = msgspec.field(default_factory=dict)


class DisputeReasonNode(Node):
    reason: str | None = None
    network_reason_code: str | None = None


class DisputeNode(Node):
    """A dispute: ``DisputeFields``."""

    id: str
    type: str
    status: str
    initiated_at: str
    amount: Money
    reason_details: DisputeReasonNode = msgspec.field(default_factory=DisputeReasonNode)
    order: Reference | None = None
    evidence_due_by: str | None = None
    evidence_sent_on: str | None = None
    finalized_on: str | None = None


class AssociatedPayoutNode(Node):
    id: str | None = None
    status: str | None = None


class BalanceTransactionNode(Node):
    """A balance transaction: ``BalanceTransactionFields``. Ids that are not gids may be texts."""

    id: str
    type: str
    transaction_date: str
    amount: Money
    fee: Money
    net: Money
    test: bool = False
    source_type: str | None = None
    source_id: str | int | None = None
    source_order_transaction_id: str | int | None = None
    associated_order: Reference | None = None
    associated_payout: AssociatedPayoutNode | None = None
