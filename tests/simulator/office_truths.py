"""What is really there of ledgers, returns, risk, fulfilment orders, drafts and checkouts.

Amounts are texts without needless zeros, times are UTC; ``children`` are by name, each with what
tells it apart from its siblings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.simulator import agreements, returning
from tests.simulator.fields.ledgers import app_name, channel
from tests.simulator.fields.waiting import (
    applied_discount,
    checkout_url,
    codes,
    invoice_url,
    method_of,
    supported_actions,
)
from tests.simulator.ledger import line_net
from tests.simulator.model import Address, Line, Order, TaxLine
from tests.simulator.moments import utc
from tests.simulator.money import Bag, minus, plain
from tests.simulator.order_parts import Agreement, Return
from tests.simulator.store import Store

Row = dict[str, Any]


def _short(minor: int, currency: str) -> str:
    text = plain(minor, currency)
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _shop(bag: Bag) -> str:
    return _short(bag.shop, bag.currencies[0])


def _buyer(bag: Bag) -> str:
    return _short(bag.presentment, bag.currencies[1])


def _details(store: Store) -> Iterator[Row]:
    world = store.world
    for order in world.orders:
        totals, where = order.totals, channel(order)
        made = agreements.agreements_of(order, world.ids)
        yield {
            "order_id": order.id,
            "edited": order.edited,
            "app_name": app_name(order) if order.app_id is not None else None,
            "channel": where[0] if where else None,
            "channel_name": where[1] if where else None,
            "return_status": returning.return_status(order).lower(),
            "risk_recommendation": agreements.recommendation(order).lower(),
            "total_refunded": _shop(totals.refunded),
            "total_received": _shop(totals.received),
            "net_payment": _shop(minus(totals.received, totals.refunded)),
            "current_total_duties": _shop(totals.current_duties) if order.has_duties else None,
            "current_total_additional_fees": None,
            "updated_at": utc(order.updated),
            "children": {
                "sales_agreements": [_agreement(one) for one in made],
                "sales": [row for one in made for row in _sales(one)],
                "returns": [_return(one) for one in order.returns],
                "return_lines": [row for one in order.returns for row in _return_lines(one)],
                "order_risks": list(_risks(order)),
            },
        }


def _agreement(one: Agreement) -> Row:
    return {
        "agreement_id": one.id,
        "happened_at": utc(one.at),
        "reason": one.reason.lower(),
        "app_id": one.app_id,
    }


def _sales(one: Agreement) -> Iterator[Row]:
    for sale in one.sales:
        yield {
            "agreement_id": one.id,
            "sale_id": sale.id,
            "action_type": sale.action.lower(),
            "line_type": sale.line_type.lower(),
            "line_id": sale.line.id if sale.line else None,
            "shipping_line_id": sale.shipping_line.id if sale.shipping_line else None,
            "quantity": sale.quantity,
            "total": _shop(sale.total),
            "discount_before_taxes": _shop(sale.discount_before_taxes),
            "discount_after_taxes": _shop(sale.discount),
            "tax": _shop(sale.tax),
            "presentment_total": _buyer(sale.total),
            "presentment_tax": _buyer(sale.tax),
        }


def _return(one: Return) -> Row:
    return {
        "return_id": one.id,
        "name": one.name,
        "status": one.status.lower(),
        "total_quantity": sum(line.quantity for line in one.lines),
        "decline_reason": one.decline_reason.lower() if one.decline_reason else None,
        "created_at": utc(one.created),
        "closed_at": utc(one.closed),
        "request_approved_at": utc(one.approved),
    }


def _return_lines(one: Return) -> Iterator[Row]:
    for line in one.lines:
        yield {
            "return_id": one.id,
            "return_line_id": line.id,
            "line_id": line.line_id,
            "quantity": line.quantity,
            "processed_quantity": line.refunded,
            "refundable_quantity": line.quantity - line.refunded,
            "refunded_quantity": line.refunded,
            "reason": line.reason,
            "reason_note": line.note or None,
            "customer_note": line.customer_note,
            "total": _shop(line.worth),
        }


def _risks(order: Order) -> Iterator[Row]:
    for place, one in enumerate(agreements.assessments_of(order), start=1):
        yield {
            "position": place,
            "provider_id": one.provider[0] if one.provider else None,
            "provider_name": one.provider[1] if one.provider else None,
            "risk_level": one.level.lower(),
            "facts": [{"description": text, "sentiment": mood.lower()} for text, mood in one.facts],
        }


def _fulfillment_orders(store: Store) -> Iterator[Row]:
    world = store.world
    for one in world.fulfillment_orders:
        order = world.orders.get(one.order_id)
        yield {
            "fulfillment_order_id": one.id,
            "order_id": one.order_id,
            "status": one.status.lower(),
            "request_status": one.request_status.lower(),
            "location_id": one.location_id,
            "location_name": world.locations[one.location_id].name,
            "delivery_method": method_of(one, world).lower(),
            "destination": _destination(order),
            "holds": [
                {
                    "id": hold.id,
                    "reason": hold.reason.lower(),
                    "notes": hold.notes,
                    "display_reason": hold.reason.replace("_", " ").capitalize(),
                }
                for hold in one.holds
            ],
            "supported_actions": sorted(word.lower() for word in supported_actions(one)),
            "fulfill_at": utc(one.created),
            "fulfill_by": None,
            "created_at": utc(one.created),
            "updated_at": utc(one.updated),
            "children": {
                "fulfillment_order_lines": [
                    {
                        "fulfillment_order_line_id": x.id,
                        "line_id": x.line.id,
                        **_catalogued(x.line, world, "variant_id", "inventory_item_id"),
                        "sku": x.line.sku,
                        "title": x.line.title,
                        "total_quantity": x.total,
                        "remaining_quantity": x.remaining,
                        "requires_shipping": x.line.requires_shipping,
                    }
                    for x in one.lines
                ]
            },
        }


def _destination(order: Order) -> Row | None:
    there = order.shipping_address
    if there is None:
        return None
    names = ("first_name", "last_name", "company", "address1", "address2", "city", "province",
             "country_code", "zip", "phone")  # fmt: skip
    return {name: getattr(there, name) or None for name in names} | {"email": order.email}


def _catalogued(line: Line, world: Any, *names: str) -> Row:
    """What the catalogue still knows of the line's goods."""
    variant = world.variant(line.variant_id) if line.variant_id else None
    product = world.products.get(line.product_id) if line.product_id else None
    known = {
        "product_id": product.id if product else None,
        "variant_id": variant.id if variant else None,
        "inventory_item_id": variant.item_id if variant else None,
    }
    return {name: known[name] for name in names}


def _customer(basket: Order, world: Any) -> int | None:
    found = world.customers.get(basket.customer_id) if basket.customer_id else None
    return found.id if found else None


def _address(one: Address | None) -> Row | None:
    if one is None:
        return None
    names = ("first_name", "last_name", "name", "company", "address1", "address2", "city",
             "province", "province_code", "country", "country_code", "zip", "phone")  # fmt: skip
    texts = {name: getattr(one, name) or None for name in names}
    return texts | {"latitude": one.latitude, "longitude": one.longitude}


def _taxes(lines: list[TaxLine]) -> list[Row]:
    return [
        {
            "title": one.title,
            "rate": f"{one.rate:g}",
            "amount": _shop(one.price),
            "presentment_amount": _buyer(one.price),
            "channel_liable": one.channel_liable,
        }
        for one in lines
    ]


def _pairs(pairs: list[tuple[str, str]]) -> list[Row]:
    return [{"name": name, "value": value} for name, value in pairs]


def _drafts(store: Store) -> Iterator[Row]:
    world = store.world
    for draft in world.draft_orders:
        basket, totals = draft.basket, draft.basket.totals
        sent = next(iter(basket.shipping), None)
        discount = applied_discount(draft)
        order = world.orders.get(draft.order_id) if draft.order_id else None
        yield {
            "draft_order_id": draft.id,
            "name": draft.name,
            "status": draft.status.lower(),
            "customer_id": _customer(basket, world),
            "order_id": order.id if order else None,
            "email": basket.email,
            "phone": basket.phone,
            "currency": basket.currencies[0],
            "presentment_currency": basket.currencies[1],
            "taxes_included": basket.taxes_included,
            "tax_exempt": False,
            "subtotal_price": _shop(totals.subtotal),
            "total_discounts": _shop(totals.discounts),
            "total_shipping": _shop(totals.shipping),
            "total_tax": _shop(totals.tax),
            "total_price": _shop(totals.total),
            "presentment_total_price": _buyer(totals.total),
            "discount_codes": codes(basket),
            "tags": sorted(basket.tags),
            "note": basket.note,
            "po_number": draft.po_number,
            "invoice_url": invoice_url(draft, world),
            "invoice_sent_at": utc(draft.invoice_sent),
            "completed_at": utc(draft.completed),
            "applied_discount": discount
            and {
                "title": discount[0].title,
                "description": discount[0].description,
                "value": f"{float(discount[0].value):g}",
                "value_type": discount[0].value_type,
                "amount": _shop(discount[1]),
                "presentment_amount": _buyer(discount[1]),
            },
            "shipping_line": sent
            and {
                "id": sent.id,
                "title": sent.title,
                "code": sent.code,
                "source": sent.source,
                "price": _shop(sent.price),
                "discounted_price": _shop(sent.discounted),
            },
            "billing_address": _address(basket.billing),
            "shipping_address": _address(basket.shipping_address),
            "attributes": _pairs(basket.attributes),
            "tax_lines": _taxes(basket.taxes),
            "created_at": utc(draft.created),
            "updated_at": utc(draft.updated),
            "children": {
                "draft_order_lines": [
                    {
                        "line_id": number,
                        "position": place,
                        **_catalogued(line, world, "product_id", "variant_id"),
                        "sku": line.sku,
                        "title": line.title,
                        "variant_title": line.variant_title,
                        "vendor": line.vendor,
                        "quantity": line.quantity,
                        "price": _shop(line.price),
                        "discounted_total": _shop(line_net(line)),
                        "custom": line.variant_id is None,
                        "gift_card": line.gift_card,
                        "requires_shipping": line.requires_shipping,
                        "taxable": line.taxable,
                        "attributes": _pairs(line.properties),
                        "tax_lines": _taxes(line.taxes),
                    }
                    for place, (number, line) in enumerate(
                        zip(draft.line_ids, basket.lines, strict=True), start=1
                    )
                ]
            },
        }


def _checkouts(store: Store) -> Iterator[Row]:
    world = store.world
    for one in world.checkouts:
        basket, totals = one.basket, one.basket.totals
        yield {
            "checkout_id": one.id,
            "name": one.name,
            "customer_id": _customer(basket, world),
            "url": checkout_url(one, world),
            "currency": basket.currencies[0],
            "presentment_currency": basket.currencies[1],
            "taxes_included": basket.taxes_included,
            "line_items_price": _shop(totals.gross),
            "subtotal_price": _shop(totals.subtotal),
            "total_discounts": _shop(totals.discounts),
            "total_duties": _shop(totals.duties) if basket.has_duties else None,
            "total_tax": _shop(totals.tax),
            "total_price": _shop(totals.total),
            "presentment_total_price": _buyer(totals.total),
            "discount_codes": codes(basket),
            "note": basket.note,
            "billing_address": _address(basket.billing),
            "shipping_address": _address(basket.shipping_address),
            "attributes": _pairs(basket.attributes),
            "tax_lines": _taxes(basket.taxes),
            "completed_at": utc(one.completed),
            "created_at": utc(one.created),
            "updated_at": utc(one.updated),
            "children": {
                "abandoned_checkout_lines": [
                    {
                        "position": place,
                        **_catalogued(line, world, "product_id", "variant_id"),
                        "sku": line.sku,
                        "title": line.title,
                        "variant_title": line.variant_title,
                        "quantity": line.quantity,
                        "price": _shop(line.price),
                        "discounted_total": _shop(line_net(line)),
                        "attributes": _pairs(line.properties),
                    }
                    for place, line in enumerate(basket.lines, start=1)
                ]
            },
        }


TRUTHS: dict[str, Callable[[Store], Iterator[Row]]] = {
    "order_details": _details,
    "fulfillment_orders": _fulfillment_orders,
    "draft_orders": _drafts,
    "abandoned_checkouts": _checkouts,
}
