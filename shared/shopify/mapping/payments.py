"""Payouts, disputes and balance transactions as rows.

Shopify tells no time of change for them: ``updated_at`` is when they were read, and the writer
takes a later reading only where it says something else.
"""

from __future__ import annotations

import re

from shared.shopify.copytext import NULL, flag, jsonb, optional, text
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import (
    amount,
    currency,
    digits,
    lowered,
    moment,
    number_of,
    optional_moment,
)
from shared.shopify.nodes.payments import BalanceTransactionNode, DisputeNode, PayoutNode
from shared.shopify.snapshots import Kind, Snapshot

_CAPITAL = re.compile(r"(?=[A-Z])")


def payout_snapshot(node: PayoutNode, *, origin: Origin) -> Snapshot:
    """Return a payout as a row; *summary* is ``{"charges_fee": amount, ...}`` in its currency."""
    summary = {
        _CAPITAL.sub("_", name).lower(): amount(money.amount)
        for name, money in sorted(node.summary.items())
    }
    columns = (
        text(node.status.lower()),
        text(node.transaction_type.lower()),
        currency(node.net.currency_code),
        amount(node.net.amount),
        jsonb(summary),
        moment(node.issued_at),
    )
    return _snapshot("payout", node.id, columns, origin=origin)


def dispute_snapshot(node: DisputeNode, *, origin: Origin) -> Snapshot:
    """Return a dispute as a row."""
    columns = (
        number_of(node.order),
        text(node.type.lower()),
        text(node.status.lower()),
        optional(lowered(node.reason_details.reason)),
        optional(node.reason_details.network_reason_code),
        currency(node.amount.currency_code),
        amount(node.amount.amount),
        moment(node.initiated_at),
        optional_moment(node.evidence_due_by),
        optional_moment(node.evidence_sent_on),
        optional_moment(node.finalized_on),
    )
    return _snapshot("dispute", node.id, columns, origin=origin)


def balance_transaction_snapshot(node: BalanceTransactionNode, *, origin: Origin) -> Snapshot:
    """Return a balance transaction as a row."""
    payout = node.associated_payout
    columns = (
        text(node.type.lower()),
        flag(node.test),
        currency(node.amount.currency_code),
        amount(node.amount.amount),
        amount(node.fee.amount),
        amount(node.net.amount),
        optional(lowered(node.source_type)),
        _number(node.source_id),
        _number(node.source_order_transaction_id),
        number_of(node.associated_order),
        _number(payout.id if payout else None),
        optional(lowered(payout.status if payout else None)),
        moment(node.transaction_date),
    )
    return _snapshot("balance_transaction", node.id, columns, origin=origin)


def _snapshot(kind: Kind, gid: str, columns: tuple[str, ...], *, origin: Origin) -> Snapshot:
    number, read_at = digits(gid), origin.read_at
    return Snapshot(
        owner=origin.owner,
        kind=kind,
        key=(int(number),),
        updated_at=read_at,
        row="\t".join((origin.key, number, *columns, read_at.isoformat(), *origin.archive())),
    )


def _number(value: str | int | None) -> str:
    return NULL if value is None else digits(str(value))
