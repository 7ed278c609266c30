"""Bodies about returns, risk, fulfilment orders, draft orders and checkouts."""

from __future__ import annotations

from typing import Any

from tests.simulator.fields.waiting import checkout_url, codes, invoice_url
from tests.simulator.ids import gid
from tests.simulator.model import Order
from tests.simulator.moments import local
from tests.simulator.money import plain
from tests.simulator.order_parts import AbandonedCheckout, DraftOrder, FulfillmentOrder, Return
from tests.simulator.payloads.parts import Body, address, line_item, money_set, tax_line


def return_body(made: Return, order: Order, world: Any) -> Body:
    return {
        "id": made.id,
        "admin_graphql_api_id": gid("Return", made.id),
        "name": made.name,
        "status": made.status.lower(),
        "created_at": local(made.created, world.shop.timezone),
        "order": {"id": order.id, "admin_graphql_api_id": gid("Order", order.id)},
        "total_return_line_items": len(made.lines),
        "return_line_items": [
            {
                "id": one.id,
                "admin_graphql_api_id": gid("ReturnLineItem", one.id),
                "quantity": one.quantity,
                "return_reason_note": one.note,
            }
            for one in made.lines
        ],
    }


def risk_body(order: Order, world: Any) -> Body:
    return {
        "order_id": order.id,
        "admin_graphql_api_order_id": gid("Order", order.id),
        "provider_id": None,
        "risk_level": (order.risk or "LOW").lower(),
        "created_at": local(order.updated, world.shop.timezone),
    }


def _named(one: FulfillmentOrder) -> Body:
    return {"id": gid("FulfillmentOrder", one.id), "status": one.status.lower()}


def fulfillment_order_body(one: FulfillmentOrder) -> Body:
    return {"fulfillment_order": _named(one)}


def move_body(one: FulfillmentOrder) -> Body:
    return {
        "original_fulfillment_order": _named(one),
        "moved_fulfillment_order": _named(one),
        "destination_location_id": gid("Location", one.location_id),
        "fulfillment_order_line_items_requested": [],
        "source_location": None,
    }


def draft_body(draft: DraftOrder, world: Any) -> Body:
    basket, zone = draft.basket, world.shop.timezone
    totals = basket.totals
    assert totals is not None
    home = basket.currencies[0]
    return {
        "id": draft.id,
        "admin_graphql_api_id": gid("DraftOrder", draft.id),
        "name": draft.name,
        "status": draft.status.lower(),
        "note": basket.note,
        "email": basket.email,
        "tags": ", ".join(basket.tags),
        "currency": home,
        "presentment_currency": basket.currencies[1],
        "taxes_included": basket.taxes_included,
        "tax_exempt": False,
        "created_at": local(draft.created, zone),
        "updated_at": local(draft.updated, zone),
        "completed_at": local(draft.completed, zone),
        "invoice_sent_at": local(draft.invoice_sent, zone),
        "invoice_url": invoice_url(draft, world),
        "order_id": draft.order_id,
        "customer": {"id": basket.customer_id} if basket.customer_id else None,
        "line_items": [
            line_item(line, world) | {"id": number, "custom": line.variant_id is None}
            for number, line in zip(draft.line_ids, basket.lines, strict=True)
        ],
        "billing_address": address(basket.billing),
        "shipping_address": address(basket.shipping_address),
        "tax_lines": [tax_line(one) for one in basket.taxes],
        "subtotal_price": plain(totals.subtotal.shop, home),
        "total_tax": plain(totals.tax.shop, home),
        "total_price": plain(totals.total.shop, home),
        "total_price_set": money_set(totals.total),
    }


def checkout_body(one: AbandonedCheckout, world: Any) -> Body:
    basket, zone = one.basket, world.shop.timezone
    totals = basket.totals
    assert totals is not None
    home = basket.currencies[0]
    return {
        "id": one.id,
        "token": f"{one.id:x}",
        "email": basket.email,
        "created_at": local(one.created, zone),
        "updated_at": local(one.updated, zone),
        "completed_at": local(one.completed, zone),
        "abandoned_checkout_url": checkout_url(one, world),
        "currency": home,
        "presentment_currency": basket.currencies[1],
        "discount_codes": [{"code": code} for code in codes(basket)],
        "line_items": [
            {"variant_id": x.variant_id, "quantity": x.quantity, "title": x.title}
            for x in basket.lines
        ],
        "subtotal_price": plain(totals.subtotal.shop, home),
        "total_price": plain(totals.total.shop, home),
    }
