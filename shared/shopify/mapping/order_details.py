"""An order's ledger, returns and risk as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.shopify.copytext import NULL, flag, jsonb, number, optional, text
from shared.shopify.mapping import parts
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import (
    digits,
    instant,
    lowered,
    moment,
    number_of,
    optional_moment,
)
from shared.shopify.nodes.order_details import (
    AgreementHead,
    AssessmentNode,
    OrderDetailsHead,
    OrderDetailsNode,
    ReturnHead,
    ReturnLineNode,
    SaleNode,
)
from shared.shopify.nodes.parts import MoneyBag
from shared.shopify.snapshots import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The children of one order's details, each agreement and return with its lines.

    *returns* is None when the app may not read them: the stored ones are left alone.
    """

    agreements: Sequence[tuple[AgreementHead, Sequence[SaleNode]]]
    returns: Sequence[tuple[ReturnHead, Sequence[ReturnLineNode]]] | None


def whole_ledger(node: OrderDetailsNode) -> Ledger:
    """Return the children of a drained node."""
    returns = None
    if node.returns is not None:
        returns = [(one, one.return_line_items.nodes) for one in node.returns.nodes]
    agreements = [(one, one.sales.nodes) for one in node.agreements.nodes]
    return Ledger(agreements=agreements, returns=returns)


def order_details_snapshot(node: OrderDetailsHead, ledger: Ledger, *, origin: Origin) -> Snapshot:
    """Return *node* as rows; raise Malformed for a scalar of the wrong form."""
    order_id = digits(node.id)
    key = f"{origin.key}\t{order_id}"
    return Snapshot(
        owner=origin.owner,
        kind="order_details",
        key=(int(order_id),),
        updated_at=instant(node.updated_at),
        row="\t".join((key, *_details(node), *origin.archive())),
        children={
            "sales_agreements": [_agreement(one, key) for one, _ in ledger.agreements],
            "sales": [
                _sale(sale, f"{key}\t{digits(agreement.id)}")
                for agreement, sales in ledger.agreements
                for sale in sales
            ],
            **_returned(ledger, key),
            "order_risks": [
                _risk(one, f"{key}\t{place}")
                for place, one in enumerate(node.risk.assessments, start=1)
            ],
        },
    )


def _returned(ledger: Ledger, key: str) -> dict[str, list[str]]:
    if ledger.returns is None:
        return {}
    return {
        "returns": [_return(one, key) for one, _ in ledger.returns],
        "return_lines": [
            _return_line(line, f"{key}\t{digits(made.id)}")
            for made, lines in ledger.returns
            for line in lines
        ],
    }


def _details(node: OrderDetailsHead) -> tuple[str, ...]:
    channel = node.attribution
    return (
        flag(node.edited),
        optional(node.app.name if node.app else None),
        optional(channel.handle if channel else None),
        optional(channel.display_name if channel else None),
        optional(lowered(node.return_status)),
        text(node.risk.recommendation.lower()),
        parts.shop(node.total_refunded_set),
        parts.shop(node.total_received_set),
        parts.shop(node.net_payment_set),
        _known(node.current_total_duties_set),
        _known(node.current_total_additional_fees_set),
        moment(node.updated_at),
    )


def _known(bag: MoneyBag | None) -> str:
    return NULL if bag is None else parts.shop(bag)


def _agreement(node: AgreementHead, key: str) -> str:
    return "\t".join(
        (
            key,
            digits(node.id),
            moment(node.happened_at),
            text(node.reason.lower()),
            number_of(node.app),
        )
    )


def _sale(node: SaleNode, key: str) -> str:
    return "\t".join(
        (
            key,
            digits(node.id),
            text(node.action_type.lower()),
            text(node.line_type.lower()),
            number_of(node.line_item),
            number_of(node.shipping_line),
            number(node.quantity),
            parts.shop(node.total_amount),
            parts.shop(node.total_discount_amount_before_taxes),
            parts.shop(node.total_discount_amount_after_taxes),
            parts.shop(node.total_tax_amount),
            parts.presentment(node.total_amount),
            parts.presentment(node.total_tax_amount),
        )
    )


def _return(node: ReturnHead, key: str) -> str:
    return "\t".join(
        (
            key,
            digits(node.id),
            text(node.name),
            text(node.status.lower()),
            str(node.total_quantity),
            optional(lowered(node.decline.reason if node.decline else None)),
            moment(node.created_at),
            optional_moment(node.closed_at),
            optional_moment(node.request_approved_at),
        )
    )


def _return_line(node: ReturnLineNode, key: str) -> str:
    fulfilled, reason = node.fulfillment_line_item, node.return_reason_definition
    return "\t".join(
        (
            key,
            digits(node.id),
            number_of(fulfilled.line_item if fulfilled else None),
            str(node.quantity),
            str(node.processed_quantity),
            str(node.refundable_quantity),
            str(node.refunded_quantity),
            optional(reason.handle if reason else None),
            optional(node.return_reason_note),
            optional(node.customer_note),
            _known(node.with_code_discounted_total_price_set),
        )
    )


def _risk(node: AssessmentNode, key: str) -> str:
    provider = node.provider
    facts = [
        {"description": fact.description, "sentiment": fact.sentiment.lower()}
        for fact in node.facts
    ]
    return "\t".join(
        (
            key,
            NULL if provider is None else digits(provider.id),
            optional(provider.title if provider else None),
            text(node.risk_level.lower()),
            jsonb(facts),
        )
    )
