"""An order body as an Order node, and what hangs below it."""

from __future__ import annotations

import itertools
from functools import partial

from shared.shopify.mapping.orders import OrderParts
from shared.shopify.mapping.values import Malformed, total
from shared.shopify.nodes.orders import (
    DiscountNode,
    DiscountValue,
    FulfillmentNode,
    OrderHead,
    ShippingLineNode,
    TrackingNode,
    bag,
)
from shared.shopify.nodes.parts import MoneyBag
from shared.shopify.payloads.line_rows import line_rows
from shared.shopify.payloads.metafields import metafield_nodes
from shared.shopify.payloads.orders import (
    DiscountPayload,
    FulfillmentPayload,
    OrderPayload,
    ShippingPayload,
)
from shared.shopify.payloads.parts import (
    BagPayload,
    address,
    allocations,
    attributes,
    certain,
    known,
    money,
    plain,
    reference,
    split_tags,
    taxes,
)
from shared.shopify.payloads.refund_nodes import refund_node

_DISCOUNTS = {
    "discount_code": "DiscountCodeApplication",
    "automatic": "AutomaticDiscountApplication",
    "manual": "ManualDiscountApplication",
    "script": "ScriptDiscountApplication",
}
_SETTLED = frozenset({"paid", "refunded", "partially_refunded", "voided"})
_MOST = 2**31 - 1


def order_parts(body: OrderPayload) -> OrderParts:
    """Return the children of *body*."""
    return OrderParts(
        lines=partial(line_rows, body),
        shipping=[_shipping_line(one) for one in body.shipping_lines or ()],
        discounts=_discounts(body.discount_applications),
        refunds=[refund_node(one, currency=body.currency) for one in body.refunds or ()],
        metafields=metafield_nodes(body.metafields),
    )


def order_head(body: OrderPayload, children: OrderParts) -> OrderHead:
    """Return *body* as the node that GraphQL would give; REST orders carry no transactions."""
    price = bag(*certain(body.total_price_set, body.total_price, name="total_price"))
    subtotal = known(body.subtotal_price_set, body.subtotal_price, price)
    discounts = known(body.total_discounts_set, body.total_discounts)
    tax = known(body.total_tax_set, body.total_tax)
    node = OrderHead(
        id=str(body.id),
        name=body.name or f"#{body.order_number or body.id}",
        created_at=body.created_at,
        processed_at=body.processed_at or body.created_at,
        updated_at=body.updated_at,
        currency_code=body.currency,
        presentment_currency_code=body.presentment_currency or body.currency,
        total_price_set=price,
        subtotal_price_set=subtotal,
        total_discounts_set=discounts,
        total_tax_set=tax,
        current_total_price_set=known(
            body.current_total_price_set, body.current_total_price, price
        ),
        current_subtotal_price_set=known(
            body.current_subtotal_price_set, body.current_subtotal_price, subtotal
        ),
        current_total_discounts_set=known(
            body.current_total_discounts_set, body.current_total_discounts, discounts
        ),
        current_total_tax_set=known(body.current_total_tax_set, body.current_total_tax, tax),
        total_outstanding_set=known(None, body.total_outstanding, _owed(body, price)),
        total_shipping_price_set=_shipping_total(body.total_shipping_price_set, children.shipping),
    )
    _describe(node, body)
    _flag(node, body)
    _enclose(node, body)
    return node


def _describe(node: OrderHead, body: OrderPayload) -> None:
    node.confirmation_number = body.confirmation_number
    node.email = body.email
    node.phone = body.phone
    node.note = body.note
    node.po_number = body.po_number
    node.tags = split_tags(body.tags)
    node.customer_locale = body.customer_locale
    node.source_name = body.source_name
    node.cancelled_at = body.cancelled_at
    node.cancel_reason = body.cancel_reason
    node.closed_at = body.closed_at
    node.display_financial_status = body.financial_status
    node.display_fulfillment_status = body.fulfillment_status
    node.app = reference(body.app_id)
    node.customer = reference(body.customer.id if body.customer else None)


def _flag(node: OrderHead, body: OrderPayload) -> None:
    gateways = body.payment_gateway_names
    if gateways is None:
        gateways = [body.gateway] if body.gateway else []
    node.payment_gateway_names = gateways
    node.taxes_included = bool(body.taxes_included)
    node.duties_included = bool(body.duties_included)
    node.estimated_taxes = bool(body.estimated_taxes)
    node.test = bool(body.test)
    node.confirmed = body.confirmed is not False


def _enclose(node: OrderHead, body: OrderPayload) -> None:
    node.total_tip_received_set = known(None, body.total_tip_received)
    node.original_total_duties_set = money(body.original_total_duties_set)
    node.fulfillments = [_fulfillment(one) for one in body.fulfillments or ()]
    node.tax_lines = taxes(body.tax_lines)
    node.custom_attributes = attributes(body.note_attributes)
    node.billing_address = address(body.billing_address)
    node.shipping_address = address(body.shipping_address)


def _owed(body: OrderPayload, price: MoneyBag) -> MoneyBag:
    return bag("0") if body.financial_status in _SETTLED else price


def _shipping_total(both: BagPayload | None, lines: list[ShippingLineNode]) -> MoneyBag:
    kept = [line.original_price_set for line in lines if not line.is_removed]
    return money(both) or bag(
        total([one.shop_money.amount for one in kept]),
        total([one.presentment_money.amount for one in kept]),
    )


def _shipping_line(body: ShippingPayload) -> ShippingLineNode:
    price = known(body.price_set, body.price)
    return ShippingLineNode(
        id=None if body.id is None else str(body.id),
        title=body.title,
        code=body.code,
        source=body.source,
        original_price_set=price,
        discounted_price_set=known(body.discounted_price_set, body.discounted_price, price),
        is_removed=bool(body.is_removed),
        tax_lines=taxes(body.tax_lines),
        discount_allocations=allocations(body.discount_allocations),
    )


def _discounts(bodies: list[DiscountPayload] | None) -> list[DiscountNode]:
    return [_discount(one, index) for index, one in enumerate(bodies or ())]


def _discount(body: DiscountPayload, index: int) -> DiscountNode:
    value = plain(body.value)
    by_percentage = body.value_type == "percentage"
    return DiscountNode(
        type_name=_DISCOUNTS.get(body.type, body.type),
        index=index,
        value=DiscountValue(
            amount=None if by_percentage else value, percentage=value if by_percentage else None
        ),
        allocation_method=body.allocation_method,
        target_selection=body.target_selection,
        target_type=body.target_type,
        code=body.code,
        manual_title=body.title,
        description=body.description,
    )


def _fulfillment(body: FulfillmentPayload) -> FulfillmentNode:
    count = sum(line.quantity for line in body.line_items or ())
    if count > _MOST:
        raise Malformed(str(count))
    return FulfillmentNode(
        id=str(body.id),
        status=body.status or "pending",
        created_at=body.created_at,
        updated_at=body.updated_at or body.created_at,
        name=body.name,
        total_quantity=count,
        location=reference(body.location_id),
        tracking_info=_tracking(body),
    )


def _tracking(body: FulfillmentPayload) -> list[TrackingNode]:
    numbers = body.tracking_numbers or ([body.tracking_number] if body.tracking_number else [])
    urls = body.tracking_urls or ([body.tracking_url] if body.tracking_url else [])
    if not numbers and not urls:
        return [TrackingNode(company=body.tracking_company)] if body.tracking_company else []
    return [
        TrackingNode(company=body.tracking_company, number=number, url=url)
        for number, url in itertools.zip_longest(numbers, urls)
    ]
