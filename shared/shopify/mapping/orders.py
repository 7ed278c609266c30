"""An order and everything below it as rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from shared.shopify.copytext import NULL, array, flag, json_text, jsonb, number, optional, text
from shared.shopify.mapping import parts
from shared.shopify.mapping.lines import line_rows
from shared.shopify.mapping.metafields import metafield_rows
from shared.shopify.mapping.refunds import refund_line_rows, refund_rows
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import (
    amount,
    currency,
    digits,
    instant,
    lowered,
    moment,
    number_of,
    optional_amount,
    optional_moment,
)
from shared.shopify.nodes.metafields import MetafieldNode
from shared.shopify.nodes.orders import (
    DiscountNode,
    FulfillmentNode,
    OrderHead,
    OrderNode,
    RefundNode,
    ShippingLineNode,
    TransactionNode,
    bag,
)
from shared.shopify.nodes.parts import AddressNode
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


# Makes the rows of an order's lines out of the fields of its key.
LineRows: TypeAlias = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderParts:
    """The children of one order; None where the source does not tell them.

    A bulk query cannot carry the lines of refunds.
    """

    lines: LineRows
    shipping: list[ShippingLineNode]
    discounts: list[DiscountNode]
    refunds: list[RefundNode] | None
    metafields: list[MetafieldNode] | None = None


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


def whole(node: OrderNode, metafields: list[MetafieldNode] | None = None) -> OrderParts:
    """Return the children of a drained order."""
    return OrderParts(
        lines=partial(line_rows, node.line_items.nodes),
        shipping=node.shipping_lines.nodes,
        discounts=node.discount_applications.nodes,
        refunds=node.refunds,
        metafields=metafields,
    )


def _children(node: OrderHead, children: OrderParts, key: str) -> dict[str, list[str]]:
    rows = {
        "order_lines": children.lines(key),
        "fulfillments": [_fulfillment_row(one, key) for one in node.fulfillments],
    }
    if children.refunds is not None:
        rows["refunds"] = refund_rows(children.refunds, key)
        rows["refund_lines"] = refund_line_rows(children.refunds, key)
    if children.metafields is not None:
        rows["order_metafields"] = metafield_rows(children.metafields, key)
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


_NOTHING = bag("0")


def _totals(node: OrderHead) -> tuple[str, ...]:
    duties = node.original_total_duties_set
    before = node.subtotal_price_set, node.total_discounts_set or _NOTHING
    added = node.total_shipping_price_set or _NOTHING, node.total_tax_set or _NOTHING
    bags = (*before, *added, node.total_price_set)
    now = (
        node.total_price_set,
        node.current_subtotal_price_set,
        node.current_total_discounts_set,
        node.current_total_tax_set,
        node.current_total_price_set,
        node.total_outstanding_set,
    )
    return (
        *[amount(bag.shop_money.amount) for bag in bags[:-1]],
        optional_amount(None if duties is None else duties.shop_money.amount),
        amount((node.total_tip_received_set or _NOTHING).shop_money.amount),
        *[amount(bag.shop_money.amount) for bag in now],
        *[amount(bag.presentment_money.amount) for bag in bags],
        amount(node.current_total_price_set.presentment_money.amount),
    )


def _documents(node: OrderHead, children: OrderParts) -> tuple[str, ...]:
    billing = _address(node.billing_address)
    is_same = node.shipping_address == node.billing_address
    return (
        billing,
        billing if is_same else _address(node.shipping_address),
        json_text(parts.attributes(node.custom_attributes)),
        parts.taxed(node.tax_lines)[1],
        json_text(parts.shipping_lines(children.shipping)),
        jsonb(parts.discount_applications(children.discounts)) if children.discounts else "[]",
    )


def _address(node: AddressNode | None) -> str:
    part = parts.address(node)
    return NULL if part is None else jsonb(part)


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
            json_text(parts.tracking(node)),
            moment(node.created_at),
            moment(node.updated_at),
        )
    )
