"""Bodies about collections, discounts and disputes."""

from __future__ import annotations

import msgspec

from shared.deliveries import Delivery
from shared.errors import Rejected
from shared.shopify.mapping import decoded
from shared.shopify.mapping.payments import dispute_snapshot
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import digits
from shared.shopify.nodes.parts import Money
from shared.shopify.nodes.payments import DisputeNode, DisputeReasonNode
from shared.shopify.payloads.notices import Identified, moment_of
from shared.shopify.payloads.parts import Id, Payload, Plain, decoder, plain, reference
from shared.shopify.snapshots import Deletion, Fact, Refetch


class DiscountNotice(Payload):
    gid: str = msgspec.field(name="admin_graphql_api_id")


class DisputePayload(Payload):
    id: Id
    type: str
    status: str
    initiated_at: str
    currency: str
    amount: Plain = None
    order_id: Id | None = None
    reason: str | None = None
    network_reason_code: str | int | None = None
    evidence_due_by: str | None = None
    evidence_sent_on: str | None = None
    finalized_on: str | None = None


_identified = decoder(Identified)
_named = decoder(DiscountNotice)
_dispute = decoder(DisputePayload)


def collection_touched(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that a collection changed; the body lacks its members."""
    key = (decoded(delivery.body, _identified).id,)
    return [Refetch(owner=origin.owner, kind="collection", key=key, reason=delivery.topic)]


def discount_touched(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that a discount or its codes changed; the body holds hardly more than its name."""
    key = (int(digits(decoded(delivery.body, _named).gid)),)
    return [Refetch(owner=origin.owner, kind="discount", key=key, reason=delivery.topic)]


def discount_deleted(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return that a discount is gone; its body names it by a global id alone."""
    key = (int(digits(decoded(delivery.body, _named).gid)),)
    at = moment_of(delivery)
    return [Deletion(owner=origin.owner, kind="discount", key=key, at=at, reason="webhook")]


def dispute(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return the dispute as it was when the delivery was made."""
    body = decoded(delivery.body, _dispute)
    paid = plain(body.amount)
    if paid is None:
        raise Rejected("amount is missing", code="bad_payload", details={"path": "$.amount"})
    code = body.network_reason_code
    node = DisputeNode(
        id=str(body.id),
        type=body.type,
        status=body.status,
        initiated_at=body.initiated_at,
        amount=Money(amount=paid, currency_code=body.currency),
        reason_details=DisputeReasonNode(
            reason=body.reason, network_reason_code=None if code is None else str(code)
        ),
        order=reference(body.order_id),
        evidence_due_by=body.evidence_due_by,
        evidence_sent_on=body.evidence_sent_on,
        finalized_on=body.finalized_on,
    )
    then = Origin(origin.owner, origin.source, origin.payload, read_at=moment_of(delivery))
    return [dispute_snapshot(node, origin=then)]
