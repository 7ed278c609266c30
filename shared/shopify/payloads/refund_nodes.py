"""Refunds and transactions inside REST-shaped bodies as nodes."""

from __future__ import annotations

from shared.shopify.mapping.values import amount, total
from shared.shopify.nodes.orders import (
    AdjustmentNode,
    RefundDutyNode,
    RefundLineNode,
    RefundNode,
    RefundShippingNode,
    TransactionNode,
    bag,
)
from shared.shopify.nodes.parts import Money, MoneyBag, Reference
from shared.shopify.payloads.orders import (
    AdjustmentPayload,
    RefundLinePayload,
    RefundPayload,
    RefundShippingPayload,
    TransactionPayload,
)
from shared.shopify.payloads.parts import certain, known, page, plain, reference

_SHIPPING = "shipping_refund"


def transaction_node(body: TransactionPayload, *, currency: str) -> TransactionNode:
    """Return a transaction; *currency* is assumed where the body names none."""
    amount_sent, _ = certain(None, body.amount, name="amount")
    money = Money(amount=amount_sent, currency_code=body.currency or currency)
    return TransactionNode(
        id=str(body.id),
        kind=body.kind,
        status=body.status or "unknown",
        amount_set=MoneyBag(shop_money=money, presentment_money=money),
        created_at=body.created_at,
        processed_at=body.processed_at,
        gateway=body.gateway,
        error_code=body.error_code,
        test=bool(body.test),
        parent_transaction=reference(body.parent_id),
    )


def refund_node(body: RefundPayload, *, currency: str) -> RefundNode:
    """Return a refund of an order in the shop currency *currency*."""
    adjustments = body.order_adjustments or []
    shipping = [_shipping(one) for one in body.refund_shipping_lines or ()]
    # Older versions have no refund_shipping_lines and tell refunded shipping as an adjustment.
    implied = [_adjusted_shipping(one) for one in adjustments if one.kind == _SHIPPING]
    node = RefundNode(
        id=str(body.id),
        created_at=body.created_at,
        processed_at=body.processed_at,
        note=body.note,
        total_refunded_set=bag("0"),
        refund_line_items=page([_line(one) for one in body.refund_line_items or ()]),
        order_adjustments=page([_adjustment(one) for one in adjustments if one.kind != _SHIPPING]),
        refund_shipping_lines=page(shipping or implied),
        duties=[
            RefundDutyNode(amount_set=known(one.amount_set), original_duty=reference(one.duty_id))
            for one in body.duties or ()
        ],
    )
    node.total_refunded_set = bag(_refunded(body, node, currency=currency))
    return node


def paid_back_elsewhere(body: RefundPayload, *, currency: str) -> bool:
    """Return whether money went back in another currency than the shop's."""
    return any((one.currency or currency) != currency for one in body.transactions or ())


def elsewhere(body: TransactionPayload) -> bool:
    """Return whether a transaction names another currency than its own as the shop's."""
    both = body.total_unsettled_set
    shop = (both.shop_money.currency_code or both.shop_money.currency) if both else None
    return shop is not None and shop != body.currency


def _refunded(body: RefundPayload, node: RefundNode, *, currency: str) -> str:
    if paid_back_elsewhere(body, currency=currency):
        return _worth(node)
    paid = [
        plain(one.amount) or "0"
        for one in body.transactions or ()
        if one.kind.lower() == "refund" and (one.status or "").lower() == "success"
    ]
    return total(paid)


def _worth(node: RefundNode) -> str:
    lines, shipping = node.refund_line_items.nodes, node.refund_shipping_lines.nodes
    bags = [one for line in lines for one in (line.subtotal_set, line.total_tax_set)]
    bags += [one for line in shipping for one in (line.subtotal_amount_set, line.tax_amount_set)]
    return total([one.shop_money.amount for one in bags])


def _line(body: RefundLinePayload) -> RefundLineNode:
    return RefundLineNode(
        id=None if body.id is None else str(body.id),
        quantity=body.quantity,
        line_item=Reference(id=str(body.line_item_id)),
        restock_type=body.restock_type or "no_restock",
        location=reference(body.location_id),
        subtotal_set=known(body.subtotal_set, body.subtotal),
        total_tax_set=known(body.total_tax_set, body.total_tax),
    )


def _adjustment(body: AdjustmentPayload) -> AdjustmentNode:
    return AdjustmentNode(
        id=str(body.id),
        reason=body.reason or body.kind,
        amount_set=known(body.amount_set, body.amount),
        tax_amount_set=known(body.tax_amount_set, body.tax_amount),
    )


def _shipping(body: RefundShippingPayload) -> RefundShippingNode:
    line = body.shipping_line
    return RefundShippingNode(
        id=str(body.id),
        shipping_line=reference(body.shipping_line_id or (line.id if line else None)),
        subtotal_amount_set=known(body.subtotal_amount_set),
        tax_amount_set=known(body.tax_amount_set),
    )


def _adjusted_shipping(body: AdjustmentPayload) -> RefundShippingNode:
    return RefundShippingNode(
        id=str(body.id),
        subtotal_amount_set=_negated(known(body.amount_set, body.amount)),
        tax_amount_set=_negated(known(body.tax_amount_set, body.tax_amount)),
    )


def _negated(both: MoneyBag) -> MoneyBag:
    return bag(_minus(both.shop_money.amount), _minus(both.presentment_money.amount))


def _minus(value: str) -> str:
    checked = amount(value)
    return checked[1:] if checked.startswith("-") else "0" if checked == "0" else f"-{checked}"
