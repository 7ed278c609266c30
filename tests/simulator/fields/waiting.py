"""Fulfilment orders, draft orders and abandoned checkouts."""

from __future__ import annotations

from typing import Any

from tests.simulator import fulfilling, ledger, moments
from tests.simulator.chance import mixed
from tests.simulator.fields.orders import product_of, variant_of
from tests.simulator.ids import gid
from tests.simulator.model import Discount, Line, Order
from tests.simulator.money import times, total
from tests.simulator.order_parts import AbandonedCheckout, DraftOrder, FulfillmentOrder

_ACTIONS = {
    "OPEN": ("CREATE_FULFILLMENT", "MOVE", "HOLD"),
    "IN_PROGRESS": ("CREATE_FULFILLMENT", "HOLD"),
    "ON_HOLD": ("RELEASE_HOLD",),
}


class LineView:
    """A line of a basket, with an id of its own."""

    __slots__ = ("gid", "line", "typename")

    def __init__(self, identity: str, line: Line, typename: str) -> None:
        self.gid, self.line, self.typename = identity, line, typename


def supported_actions(one: FulfillmentOrder) -> tuple[str, ...]:
    return _ACTIONS.get(one.status, ())


def method_of(one: FulfillmentOrder, world: Any) -> str:
    order = world.orders.get(one.order_id)
    return "RETAIL" if order is not None and order.source_name == "pos" else "SHIPPING"


def draft_lines(draft: DraftOrder) -> list[LineView]:
    return [
        LineView(gid("DraftOrderLineItem", number), line, "DraftOrderLineItem")
        for number, line in zip(draft.line_ids, draft.basket.lines, strict=True)
    ]


def checkout_lines(one: AbandonedCheckout) -> list[LineView]:
    return [
        LineView(
            gid("AbandonedCheckoutLineItem", f"{mixed(one.id % 2**40, place):016x}"),
            line,
            "AbandonedCheckoutLineItem",
        )
        for place, line in enumerate(one.basket.lines)
    ]


def applied_discount(draft: DraftOrder) -> tuple[Discount, Any] | None:
    """The discount on the whole draft, with what it takes off."""
    found = next((one for one in draft.basket.discounts if one.method == "ACROSS"), None)
    if found is None:
        return None
    off = (a.amount for x in draft.basket.lines for a in x.allocations if a.index == found.index)
    return found, total(off, draft.basket.currencies)


def codes(basket: Order) -> list[str]:
    return [one.code for one in basket.discounts if one.code]


def discounted(line: Line) -> Any:
    return ledger.line_net(line)


def invoice_url(draft: DraftOrder, world: Any) -> str:
    return f"https://{world.shop.domain}/invoices/{mixed(draft.id % 2**40, 1):016x}"


def checkout_url(one: AbandonedCheckout, world: Any) -> str:
    return (
        f"https://{world.shop.domain}/checkouts/ac/{mixed(one.id % 2**40, 2):016x}/recover?key=a/b"
    )


def _basket(name: str) -> Any:
    return lambda thing, world: getattr(thing.basket, name)


def _totals(name: str) -> Any:
    return lambda thing, world: getattr(thing.basket.totals, name)


def _customer(thing: Any, world: Any) -> Any:
    number = thing.basket.customer_id
    return world.customers.get(number) if number else None


def _variant(one: Any, world: Any) -> Any:
    return variant_of(one.line, world)


def _item(one: Any, world: Any) -> str | None:
    variant = variant_of(one.line, world)
    return gid("InventoryItem", variant.item_id) if variant else None


def destination_of(one: FulfillmentOrder, world: Any) -> Any:
    order = world.orders.get(one.order_id)
    return order if order is not None and order.shipping_address is not None else None


def _sent_to(name: str) -> Any:
    return lambda order, world: getattr(order.shipping_address, name)


def _at(name: str) -> Any:
    return lambda location, world: getattr(location.address, name)


_LINE: dict[str, Any] = {
    "id": lambda x, w: x.gid,
    "title": lambda x, w: x.line.title,
    "variantTitle": lambda x, w: x.line.variant_title,
    "vendor": lambda x, w: x.line.vendor,
    "name": lambda x, w: x.line.name,
    "sku": lambda x, w: x.line.sku,
    "quantity": lambda x, w: x.line.quantity,
    "custom": lambda x, w: x.line.variant_id is None,
    "isGiftCard": lambda x, w: x.line.gift_card,
    "requiresShipping": lambda x, w: x.line.requires_shipping,
    "taxable": lambda x, w: x.line.taxable,
    "product": lambda x, w: product_of(x.line, w),
    "variant": _variant,
    "customAttributes": lambda x, w: x.line.properties,
    "originalUnitPriceSet": lambda x, w: x.line.price,
    "originalTotalSet": lambda x, w: times(x.line.price, x.line.quantity),
    "originalTotalPriceSet": lambda x, w: times(x.line.price, x.line.quantity),
    "discountedTotalSet": lambda x, w: discounted(x.line),
    "discountedTotalPriceSet": lambda x, w: discounted(x.line),
    "appliedDiscount": lambda x, w: None,
    "taxLines": lambda x, w: x.line.taxes,
}
VALUES: dict[str, dict[str, Any]] = {
    "FulfillmentOrder": {
        "id": lambda f, w: gid("FulfillmentOrder", f.id),
        "orderId": lambda f, w: gid("Order", f.order_id),
        "orderName": lambda f, w: f.order_name,
        "orderProcessedAt": lambda f, w: moments.utc(f.order_processed),
        "order": lambda f, w: w.orders.get(f.order_id),
        "status": lambda f, w: f.status,
        "requestStatus": lambda f, w: f.request_status,
        "createdAt": lambda f, w: moments.utc(f.created),
        "updatedAt": lambda f, w: moments.utc(f.updated),
        "fulfillAt": lambda f, w: moments.utc(f.created),
        "fulfillBy": lambda f, w: None,
        "assignedLocation": lambda f, w: w.locations[f.location_id],
        "deliveryMethod": lambda f, w: f,
        "destination": destination_of,
        "fulfillmentHolds": lambda f, w: f.holds,
        "supportedActions": lambda f, w: supported_actions(f),
    },
    "FulfillmentOrderAssignedLocation": {
        "name": lambda x, w: x.name,
        "location": lambda x, w: x,
        "address1": _at("address1"),
        "address2": _at("address2"),
        "city": _at("city"),
        "countryCode": _at("country_code"),
        "phone": _at("phone"),
        "province": _at("province"),
        "zip": _at("zip"),
    },
    "DeliveryMethod": {
        "id": lambda f, w: gid("DeliveryMethod", f.id),
        "methodType": method_of,
    },
    "FulfillmentOrderDestination": {
        "id": lambda o, w: gid("FulfillmentOrderDestination", o.id),
        "firstName": _sent_to("first_name"),
        "lastName": _sent_to("last_name"),
        "company": _sent_to("company"),
        "address1": _sent_to("address1"),
        "address2": _sent_to("address2"),
        "city": _sent_to("city"),
        "province": _sent_to("province"),
        "countryCode": _sent_to("country_code"),
        "zip": _sent_to("zip"),
        "phone": _sent_to("phone"),
        "email": lambda o, w: o.email,
    },
    "FulfillmentHold": {
        "id": lambda h, w: gid("FulfillmentHold", h.id),
        "reason": lambda h, w: h.reason,
        "reasonNotes": lambda h, w: h.notes,
        "displayReason": lambda h, w: h.reason.replace("_", " ").capitalize(),
    },
    "FulfillmentOrderSupportedAction": {"action": lambda word, w: word},
    "FulfillmentOrderLineItem": {
        "id": lambda x, w: gid("FulfillmentOrderLineItem", x.id),
        "totalQuantity": lambda x, w: x.total,
        "remainingQuantity": lambda x, w: x.remaining,
        "requiresShipping": lambda x, w: x.line.requires_shipping,
        "sku": lambda x, w: x.line.sku,
        "productTitle": lambda x, w: x.line.title,
        "variantTitle": lambda x, w: x.line.variant_title,
        "vendor": lambda x, w: x.line.vendor,
        "lineItem": lambda x, w: x.line,
        "variant": _variant,
        "inventoryItemId": _item,
    },
    "DraftOrder": {
        "id": lambda d, w: gid("DraftOrder", d.id),
        "legacyResourceId": lambda d, w: str(d.id),
        "name": lambda d, w: d.name,
        "status": lambda d, w: d.status,
        "createdAt": lambda d, w: moments.utc(d.created),
        "updatedAt": lambda d, w: moments.utc(d.updated),
        "completedAt": lambda d, w: moments.utc(d.completed),
        "invoiceSentAt": lambda d, w: moments.utc(d.invoice_sent),
        "invoiceUrl": invoice_url,
        "ready": lambda d, w: True,
        "poNumber": lambda d, w: d.po_number,
        "order": lambda d, w: w.orders.get(d.order_id) if d.order_id else None,
        "customer": _customer,
        "currencyCode": lambda d, w: d.basket.currencies[0],
        "presentmentCurrencyCode": lambda d, w: d.basket.currencies[1],
        "taxesIncluded": _basket("taxes_included"),
        "taxExempt": lambda d, w: False,
        "email": _basket("email"),
        "phone": _basket("phone"),
        "note2": _basket("note"),
        "tags": _basket("tags"),
        "discountCodes": lambda d, w: codes(d.basket),
        "appliedDiscount": lambda d, w: applied_discount(d),
        "shippingLine": lambda d, w: next(iter(d.basket.shipping), None),
        "billingAddress": _basket("billing"),
        "shippingAddress": _basket("shipping_address"),
        "customAttributes": _basket("attributes"),
        "taxLines": _basket("taxes"),
        "subtotalPriceSet": _totals("subtotal"),
        "totalDiscountsSet": _totals("discounts"),
        "totalLineItemsPriceSet": _totals("gross"),
        "totalShippingPriceSet": _totals("shipping"),
        "totalTaxSet": _totals("tax"),
        "totalPriceSet": _totals("total"),
    },
    "DraftOrderAppliedDiscount": {
        "title": lambda pair, w: pair[0].title,
        "description": lambda pair, w: pair[0].description or "",
        "value": lambda pair, w: float(pair[0].value),
        "valueType": lambda pair, w: pair[0].value_type.upper(),
        "amountSet": lambda pair, w: pair[1],
    },
    "DraftOrderLineItem": _LINE,
    "AbandonedCheckout": {
        "id": lambda c, w: gid("AbandonedCheckout", c.id),
        "name": lambda c, w: c.name,
        "abandonedCheckoutUrl": checkout_url,
        "createdAt": lambda c, w: moments.utc(c.created),
        "updatedAt": lambda c, w: moments.utc(c.updated),
        "completedAt": lambda c, w: moments.utc(c.completed),
        "customer": _customer,
        "note": lambda c, w: c.basket.note or "",
        "discountCodes": lambda c, w: codes(c.basket),
        "taxesIncluded": _basket("taxes_included"),
        "billingAddress": _basket("billing"),
        "shippingAddress": _basket("shipping_address"),
        "customAttributes": _basket("attributes"),
        "taxLines": _basket("taxes"),
        "subtotalPriceSet": _totals("subtotal"),
        "totalDiscountSet": _totals("discounts"),
        "totalDutiesSet": lambda c, w: c.basket.totals.duties if c.basket.has_duties else None,
        "totalLineItemsPriceSet": _totals("gross"),
        "totalPriceSet": _totals("total"),
        "totalTaxSet": _totals("tax"),
    },
    "AbandonedCheckoutLineItem": _LINE,
}
LISTS: dict[str, dict[str, Any]] = {
    "Order": {
        "fulfillmentOrders": lambda o, w, a: [
            w.fulfillment_orders.get(number) for number in fulfilling.ids_of(o, w.ids)
        ],
    },
    "FulfillmentOrder": {"lineItems": lambda f, w, a: f.lines},
    "DraftOrder": {"lineItems": lambda d, w, a: draft_lines(d)},
    "AbandonedCheckout": {"lineItems": lambda c, w, a: checkout_lines(c)},
}
