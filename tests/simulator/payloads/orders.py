"""Bodies of orders, refunds and transactions."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.simulator import ledger
from tests.simulator.fields.orders import world_line
from tests.simulator.ids import gid
from tests.simulator.model import (
    Adjustment,
    Discount,
    Fulfillment,
    Order,
    Refund,
    ShippingLine,
    Transaction,
)
from tests.simulator.moments import local
from tests.simulator.money import Bag, plain, total
from tests.simulator.payloads.parts import (
    Body,
    address,
    allocation,
    amount,
    line_item,
    money_set,
    slim_customer,
    tax_line,
)

_FULFILLMENT = {"UNFULFILLED": None, "PARTIALLY_FULFILLED": "partial", "FULFILLED": "fulfilled"}
_MONEY = {
    "subtotal_price": "subtotal",
    "total_discounts": "discounts",
    "total_line_items_price": "gross",
    "total_price": "total",
    "total_tax": "tax",
    "current_subtotal_price": "current_subtotal",
    "current_total_discounts": "current_discounts",
    "current_total_price": "current_total",
    "current_total_tax": "current_tax",
}


def order_body(order: Order, world: Any) -> Body:
    """An order as orders/* deliver it; transactions are not part of it."""
    body = _head(order, world)
    body.update(_times(order, world.shop.timezone))
    body.update(_totals(order))
    customer = world.customers.get(order.customer_id) if order.customer_id else None
    body["billing_address"] = address(order.billing)
    body["customer"] = slim_customer(customer, world) if customer else None
    body["discount_applications"] = [_discount(one) for one in order.discounts]
    body["discount_codes"] = _codes(order)
    body["fulfillments"] = [fulfillment_body(one, order, world) for one in order.fulfillments]
    body["line_items"] = [line_item(one, world) for one in order.lines]
    body["line_item_groups"] = []
    body["payment_terms"] = None
    body["refunds"] = [refund_body(one, order, world) for one in order.refunds]
    body["returns"] = []
    body["shipping_address"] = address(order.shipping_address)
    body["shipping_lines"] = [_shipping(one) for one in order.shipping]
    return body


def _head(order: Order, world: Any) -> Body:
    token = hashlib.md5(str(order.id).encode(), usedforsecurity=False).hexdigest()
    return {
        "id": order.id,
        "admin_graphql_api_id": gid("Order", order.id),
        "app_id": order.app_id,
        "browser_ip": "203.0.113.7",
        "buyer_accepts_marketing": False,
        "cancel_reason": order.cancel_reason.lower() if order.cancel_reason else None,
        "cart_token": None,
        "checkout_token": token[:16],
        "client_details": None,
        "confirmation_number": order.confirmation,
        "confirmed": True,
        "contact_email": order.email,
        "currency": order.currencies[0],
        "customer_locale": order.locale,
        "device_id": None,
        "duties_included": False,
        "email": order.email,
        "estimated_taxes": False,
        "financial_status": ledger.financial_status(order).lower(),
        "fulfillment_status": _FULFILLMENT[ledger.fulfillment_status(order)],
        "landing_site": None,
        "landing_site_ref": None,
        "location_id": order.location_id,
        "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
        "merchant_of_record_app_id": None,
        "name": order.name,
        "note": order.note,
        "note_attributes": [{"name": name, "value": value} for name, value in order.attributes],
        "number": order.number - 1000,
        "order_number": order.number,
        "order_status_url": f"https://{world.shop.domain}/1/orders/{token}/authenticate?key=sim",
        "payment_gateway_names": order.gateways,
        "phone": order.phone,
        "po_number": order.po_number,
        "presentment_currency": order.currencies[1],
        "reference": None,
        "referring_site": None,
        "source_identifier": None,
        "source_name": order.source_name,
        "source_url": None,
        "tags": ", ".join(order.tags),
        "tax_exempt": False,
        "tax_lines": [tax_line(one) for one in order.taxes],
        "taxes_included": order.taxes_included,
        "test": order.test,
        "token": token,
        "total_weight": sum(line.grams * line.quantity for line in order.lines),
        "user_id": None,
    }


def _times(order: Order, zone: str) -> Body:
    return {
        "created_at": local(order.created, zone),
        "processed_at": local(order.processed, zone),
        "updated_at": local(order.updated, zone),
        "cancelled_at": local(order.cancelled, zone),
        "closed_at": local(order.closed, zone),
    }


def _totals(order: Order) -> Body:
    totals = order.totals
    assert totals is not None
    body: Body = {}
    for name, attribute in _MONEY.items():
        found: Bag = getattr(totals, attribute)
        body[name] = amount(found)
        body[f"{name}_set"] = money_set(found)
    zero = Bag(0, 0, order.currencies)
    body["total_shipping_price_set"] = money_set(totals.shipping)
    body["current_shipping_price_set"] = money_set(totals.current_shipping)
    body["total_outstanding"] = amount(totals.outstanding)
    body["total_tip_received"] = amount(order.tip)
    duties = order.has_duties
    body["original_total_duties_set"] = money_set(totals.duties) if duties else None
    body["current_total_duties_set"] = money_set(totals.current_duties) if duties else None
    body["original_total_additional_fees_set"] = None
    body["current_total_additional_fees_set"] = None
    body["total_cash_rounding_payment_adjustment_set"] = money_set(zero)
    body["total_cash_rounding_refund_adjustment_set"] = money_set(zero)
    return body


def _discount(one: Discount) -> Body:
    kind = {"code": "discount_code"}.get(one.kind, one.kind)
    body: Body = {
        "target_type": one.target.lower(),
        "type": kind,
        "value": one.value,
        "value_type": one.value_type,
        "allocation_method": one.method.lower(),
        "target_selection": one.selection.lower(),
    }
    if one.kind == "code":
        body["code"] = one.code
    else:
        body["title"] = one.title
    if one.description is not None:
        body["description"] = one.description
    return body


def _codes(order: Order) -> list[Body]:
    kinds = {"percentage": "percentage", "fixed_amount": "fixed_amount"}
    found = []
    for one in order.discounts:
        if one.kind != "code":
            continue
        parts = [a.amount for line in order.lines for a in line.allocations if a.index == one.index]
        parts += [a.amount for x in order.shipping for a in x.allocations if a.index == one.index]
        kind = "shipping" if one.target == "SHIPPING_LINE" else kinds[one.value_type]
        worth = amount(total(parts, order.currencies))
        found.append({"code": one.code, "amount": worth, "type": kind})
    return found


def _shipping(line: ShippingLine) -> Body:
    return {
        "id": line.id,
        "carrier_identifier": None,
        "code": line.code,
        "discounted_price": amount(line.discounted),
        "discounted_price_set": money_set(line.discounted),
        "is_removed": line.removed,
        "phone": None,
        "price": amount(line.price),
        "price_set": money_set(line.price),
        "requested_fulfillment_service_id": None,
        "source": line.source,
        "title": line.title,
        "tax_lines": [tax_line(one) for one in line.taxes],
        "discount_allocations": [allocation(one) for one in line.allocations],
    }


def fulfillment_body(one: Fulfillment, order: Order, world: Any) -> Body:
    zone = world.shop.timezone
    counts = dict(one.units)
    lines = [
        {**line_item(line, world), "quantity": counts[line.id]}
        for line in order.lines
        if line.id in counts
    ]
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("Fulfillment", one.id),
        "created_at": local(one.created, zone),
        "location_id": one.location_id,
        "name": one.name,
        "order_id": order.id,
        "origin_address": {},
        "receipt": {},
        "service": "manual",
        "shipment_status": None,
        "status": one.status.lower(),
        "tracking_company": one.company,
        "tracking_number": one.number,
        "tracking_numbers": [one.number] if one.number else [],
        "tracking_url": one.url,
        "tracking_urls": [one.url] if one.url else [],
        "updated_at": local(one.updated, zone),
        "line_items": lines,
    }


def refund_body(one: Refund, order: Order, world: Any) -> Body:
    zone = world.shop.timezone
    zero = Bag(0, 0, order.currencies)
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("Refund", one.id),
        "created_at": local(one.created, zone),
        "note": one.note,
        "order_id": order.id,
        "processed_at": local(one.processed, zone),
        "restock": any(line.restock_type in ("RETURN", "CANCEL") for line in one.lines),
        "total_additional_fees_set": money_set(zero),
        "total_duties_set": money_set(total((bag for _, bag in one.duties), order.currencies)),
        "user_id": None,
        "return": None,
        "additional_fees": [],
        "duties": [_refund_duty(pair) for pair in one.duties],
        "order_adjustments": [_adjustment(a, one, order) for a in one.adjustments],
        "refund_line_items": [_refund_line(line, world) for line in one.lines],
        "refund_shipping_lines": [_refund_shipping(x, order) for x in one.shipping],
        "transactions": [transaction_body(x, order, world) for x in one.transactions],
    }


def _refund_duty(pair: tuple[int, Bag]) -> Body:
    return {"duty_id": pair[0], "id": pair[0], "amount_set": money_set(pair[1])}


def _adjustment(one: Adjustment, refund: Refund, order: Order) -> Body:
    return {
        "id": one.id,
        "order_id": order.id,
        "refund_id": refund.id,
        "amount": amount(one.amount),
        "amount_set": money_set(one.amount),
        "kind": "refund_discrepancy",
        "reason": one.reason.replace("_", " ").capitalize(),
        "tax_amount": amount(one.tax),
        "tax_amount_set": money_set(one.tax),
    }


def _refund_line(one: Any, world: Any) -> Body:
    line = world_line(world, one.line_id)
    return {
        "id": one.id,
        "line_item_id": one.line_id,
        "location_id": one.location_id,
        "quantity": one.quantity,
        "restock_type": one.restock_type.lower(),
        "subtotal": amount(one.subtotal),
        "subtotal_set": money_set(one.subtotal),
        "total_tax": amount(one.tax),
        "total_tax_set": money_set(one.tax),
        "line_item": line_item(line, world) if line else None,
    }


def _refund_shipping(one: Any, order: Order) -> Body:
    line = next(x for x in order.shipping if x.id == one.shipping_line_id)
    return {
        "id": one.id,
        "shipping_line": {"id": line.id, "title": line.title, "price": amount(line.price)},
        "shipping_line_id": line.id,
        "subtotal_amount_set": money_set(one.subtotal),
        "tax_amount_set": money_set(one.tax),
    }


def transaction_body(one: Transaction, order: Order, world: Any) -> Body:
    zone = world.shop.timezone
    currency = one.amount.currencies[1]
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("OrderTransaction", one.id),
        "amount": plain(one.amount.presentment, currency),
        "authorization": None,
        "created_at": local(one.created, zone),
        "currency": currency,
        "device_id": None,
        "error_code": one.error_code.lower() if one.error_code else None,
        "gateway": one.gateway,
        "kind": one.kind.lower(),
        "location_id": None,
        "message": None,
        "order_id": order.id,
        "parent_id": one.parent_id,
        "payment_id": f"{order.name}.{order.transactions.index(one) + 1}",
        "processed_at": local(one.processed, zone),
        "receipt": {},
        "source_name": order.source_name,
        "status": one.status.lower(),
        "test": one.test,
        "user_id": None,
        "manual_payment_gateway": False,
        "total_unsettled_set": money_set(Bag(0, 0, order.currencies)),
    }
