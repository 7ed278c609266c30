"""An order and everything below it as rows."""

from __future__ import annotations

from dataclasses import dataclass

from shared.shopify.copytext import array, flag, json_text, jsonb, number, optional, text
from shared.shopify.mapping import parts
from shared.shopify.mapping.lines import line_rows
from shared.shopify.mapping.refunds import refund_line_rows, refund_rows
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import (
    currency,
    digits,
    instant,
    lowered,
    moment,
    number_of,
    optional_amount,
    optional_moment,
)
from shared.shopify.nodes.orders import (
    DiscountNode,
    FulfillmentNode,
    LineNode,
    OrderHead,
    OrderNode,
    RefundNode,
    ShippingLineNode,
    TransactionNode,
)
from shared.shopify.nodes.parts import MoneyBag
from shared.shopify.snapshots import Snapshot

# GraphQL tells ten states apart, REST four; both are reduced to what both can say.
_FULFILLMENT = {
    None: "unfulfilled",
    "partial": "partially_fulfilled",
    "open": "unfulfilled",
    "in_progress": "unfulfilled",
    "on_hold": "unfulfilled",
    "scheduled": "unfulfilled",
    "pending_fulfillment": "unfulfilled",
    "request_declined": "unfulfilled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderParts:
    """The children of one order; refunds are None where the source cannot carry their lines."""

    lines: list[LineNode]
    shipping: list[ShippingLineNode]
    discounts: list[DiscountNode]
    refunds: list[RefundNode] | None


def order_snapshot(
    node: OrderHead, children: OrderParts, *, origin: Origin, incomplete: str = ""
) -> Snapshot:
    """Return *node* as rows; raise Malformed for a scalar of the wrong form."""
    order_id = digits(node.id)
    key = f"{origin.key}\t{order_id}"
    row = (
        key,
        *_heading(node),
        *_state(node),
        *_totals(node),
        *_documents(node, children),
        *origin.archive(),
    )
    return Snapshot(
        owner=origin.owner,
        kind="order",
        key=(int(order_id),),
        updated_at=instant(node.updated_at),
        row="\t".join(row),
        children=_children(node, children, key),
        incomplete=incomplete,
    )


def whole(node: OrderNode) -> OrderParts:
    """Return the children of a drained order."""
    return OrderParts(
        lines=node.line_items.nodes,
        shipping=node.shipping_lines.nodes,
        discounts=node.discount_applications.nodes,
        refunds=node.refunds,
    )


def _children(node: OrderHead, children: OrderParts, key: str) -> dict[str, list[str]]:
    rows = {
        "order_lines": line_rows(children.lines, key),
        "fulfillments": [_fulfillment_row(one, key) for one in node.fulfillments],
    }
    if children.refunds is not None:
        rows["refunds"] = refund_rows(children.refunds, key)
        rows["refund_lines"] = refund_line_rows(children.refunds, key)
    if node.transactions is not None:
        rows["transactions"] = [transaction_row(one, key) for one in node.transactions]
    return rows


def _heading(node: OrderHead) -> tuple[str, ...]:
    return (
        text(node.name),
        optional(node.confirmation_number),
        optional(node.email),
        optional(node.phone),
        number_of(node.customer),
        moment(node.created_at),
        moment(node.processed_at),
        moment(node.updated_at),
        optional_moment(node.cancelled_at),
        optional(lowered(node.cancel_reason)),
        optional_moment(node.closed_at),
    )


def _state(node: OrderHead) -> tuple[str, ...]:
    fulfillment = lowered(node.display_fulfillment_status)
    return (
        optional(lowered(node.display_financial_status)),
        text(_FULFILLMENT.get(fulfillment) or fulfillment or "unfulfilled"),
        currency(node.currency_code),
        currency(node.presentment_currency_code),
        flag(node.taxes_included),
        flag(node.duties_included),
        flag(node.estimated_taxes),
        flag(node.test),
        flag(node.confirmed),
        optional(node.source_name),
        number_of(node.app),
        optional(node.po_number),
        optional(node.note),
        array(sorted(node.tags)),
        optional(node.customer_locale),
        array(node.payment_gateway_names),
    )


def _shop(bag: MoneyBag | None) -> str:
    return "0" if bag is None else parts.shop(bag)


def _presentment(bag: MoneyBag | None) -> str:
    return "0" if bag is None else parts.presentment(bag)


def _totals(node: OrderHead) -> tuple[str, ...]:
    duties = node.original_total_duties_set
    return (
        parts.shop(node.subtotal_price_set),
        _shop(node.total_discounts_set),
        _shop(node.total_shipping_price_set),
        _shop(node.total_tax_set),
        optional_amount(None if duties is None else duties.shop_money.amount),
        _shop(node.total_tip_received_set),
        parts.shop(node.total_price_set),
        parts.shop(node.current_subtotal_price_set),
        parts.shop(node.current_total_discounts_set),
        parts.shop(node.current_total_tax_set),
        parts.shop(node.current_total_price_set),
        parts.shop(node.total_outstanding_set),
        parts.presentment(node.subtotal_price_set),
        _presentment(node.total_discounts_set),
        _presentment(node.total_shipping_price_set),
        _presentment(node.total_tax_set),
        parts.presentment(node.total_price_set),
        parts.presentment(node.current_total_price_set),
    )


def _documents(node: OrderHead, children: OrderParts) -> tuple[str, ...]:
    billing, shipping = parts.address(node.billing_address), parts.address(node.shipping_address)
    return (
        optional(None) if billing is None else jsonb(billing),
        optional(None) if shipping is None else jsonb(shipping),
        jsonb(parts.attributes(node.custom_attributes)),
        json_text(parts.tax_lines(node.tax_lines)),
        jsonb(parts.shipping_lines(children.shipping)),
        jsonb(parts.discount_applications(children.discounts)),
    )


def transaction_row(node: TransactionNode, key: str) -> str:
    """Return one row of ``transactions``; *key* is the fields of its order's key."""
    money = node.amount_set.shop_money
    return "\t".join(
        (
            key,
            digits(node.id),
            number_of(node.parent_transaction),
            text(node.kind.lower()),
            text(node.status.lower()),
            optional(node.gateway),
            parts.shop(node.amount_set),
            currency(money.currency_code),
            optional(lowered(node.error_code)),
            flag(node.test),
            moment(node.created_at),
            optional_moment(node.processed_at),
        )
    )


def _fulfillment_row(node: FulfillmentNode, key: str) -> str:
    return "\t".join(
        (
            key,
            digits(node.id),
            optional(node.name),
            text(node.status.lower()),
            number_of(node.location),
            number(node.total_quantity),
            jsonb(parts.tracking(node)),
            moment(node.created_at),
            moment(node.updated_at),
        )
    )
