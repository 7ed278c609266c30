"""Orders and their parts, refunds among them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.simulator import ledger, moments
from tests.simulator.ids import gid
from tests.simulator.model import Discount, Line, Order, Refund
from tests.simulator.money import Bag, Money, exponent, minus, share, times, total, trimmed


def _totals(name: str) -> Any:
    return lambda order, world: getattr(order.totals, name)


def _gid(kind: str) -> Any:
    return lambda thing, world: gid(kind, thing.id)


def _time(name: str) -> Any:
    return lambda thing, world: moments.utc(getattr(thing, name))


def _same(name: str) -> Any:
    def same(thing: Any, world: Any) -> Any:
        return getattr(thing, name)

    # The bulk compiler reads such a field without the call.
    same.attribute = name  # type: ignore[attr-defined]
    return same


def _discount_value(discount: Discount, world: Any) -> Money | float:
    if discount.value_type == "percentage":
        return float(discount.value)
    currency = world.shop.currency
    return Money(int(Decimal(discount.value).scaleb(exponent(currency))), currency)


def _line(refund_line: Any, world: Any) -> Line | None:
    return world_line(world, refund_line.line_id)


def world_line(world: Any, number: int) -> Line | None:
    order = world.orders.get(world.ids.of("Order", world.ids.parent("LineItem", number)))
    return next((one for one in order.lines if one.id == number), None) if order else None


def _parent_order(refund: Refund, world: Any) -> Order | None:
    found: Order | None = world.orders.get(
        world.ids.of("Order", world.ids.parent("Refund", refund.id))
    )
    return found


def _refunded(refund: Refund, world: Any) -> Bag:
    order = _parent_order(refund, world)
    assert order is not None
    return total((t.amount for t in refund.transactions if t.status == "SUCCESS"), order.currencies)


def _parent_transaction(transaction: Any, world: Any) -> Any:
    if transaction.parent_id is None:
        return None
    number = world.ids.parent("OrderTransaction", transaction.id)
    order = world.orders.get(world.ids.of("Order", number))
    return next(one for one in order.transactions if one.id == transaction.parent_id)


def _duty(pair: Any, world: Any) -> Any:
    number = world.ids.parent("Duty", pair[0])
    order = world.orders.get(world.ids.of("Order", number))
    return next(duty for line in order.lines for duty in line.duties if duty.id == pair[0])


def _own_discount(line: Line) -> Bag:
    """Discounts meant for this line alone: what discountedTotalSet takes off."""
    return total(
        (one.amount for one in line.allocations if one.index == 0 and len(line.allocations) > 1),
        line.price.currencies,
    )


def _app(order: Order, world: Any) -> Any:
    return order if order.app_id is not None else None


def _original_duties(order: Order, world: Any) -> Bag | None:
    return order.totals.duties if order.totals and order.has_duties else None


def _current_duties(order: Order, world: Any) -> Bag | None:
    return order.totals.current_duties if order.totals and order.has_duties else None


def _unit_price(refund_line: Any, world: Any) -> Bag:
    line = _line(refund_line, world)
    assert line is not None
    return share(ledger.line_net(line), line.quantity, done=0, taken=1)


def product_of(line: Line, world: Any) -> Any:
    return world.products.get(line.product_id) if line.product_id else None


def variant_of(line: Line, world: Any) -> Any:
    return world.variant(line.variant_id) if line.variant_id else None


VALUES: dict[str, dict[str, Any]] = {
    "MoneyBag": {
        "shopMoney": lambda b, w: Money(b.shop, b.currencies[0]),
        "presentmentMoney": lambda b, w: Money(b.presentment, b.currencies[1]),
    },
    "MoneyV2": {
        "amount": lambda m, w: trimmed(m.minor, m.currency),
        "currencyCode": lambda m, w: m.currency,
    },
    "PricingPercentageValue": {"percentage": lambda value, w: value},
    "Attribute": {"key": lambda pair, w: pair[0], "value": lambda pair, w: pair[1]},
    "OrderApp": {"id": lambda o, w: gid("App", o.app_id)},
    "Order": {
        "id": _gid("Order"),
        "legacyResourceId": lambda o, w: str(o.id),
        "name": _same("name"),
        "number": _same("number"),
        "confirmationNumber": _same("confirmation"),
        "email": _same("email"),
        "phone": _same("phone"),
        "note": _same("note"),
        "poNumber": _same("po_number"),
        "tags": _same("tags"),
        "customerLocale": _same("locale"),
        "sourceName": _same("source_name"),
        "createdAt": _time("created"),
        "processedAt": _time("processed"),
        "updatedAt": _time("updated"),
        "cancelledAt": _time("cancelled"),
        "cancelReason": _same("cancel_reason"),
        "closedAt": _time("closed"),
        "closed": lambda o, w: o.closed is not None,
        "edited": _same("edited"),
        "displayFinancialStatus": lambda o, w: ledger.financial_status(o),
        "displayFulfillmentStatus": lambda o, w: ledger.fulfillment_status(o),
        "currencyCode": lambda o, w: o.currencies[0],
        "presentmentCurrencyCode": lambda o, w: o.currencies[1],
        "taxesIncluded": _same("taxes_included"),
        "dutiesIncluded": lambda o, w: False,
        "estimatedTaxes": lambda o, w: False,
        "test": _same("test"),
        "confirmed": lambda o, w: True,
        "fullyPaid": lambda o, w: o.totals.outstanding.presentment <= 0,
        "unpaid": lambda o, w: o.totals.received.presentment == 0,
        "paymentGatewayNames": _same("gateways"),
        "subtotalLineItemsQuantity": lambda o, w: sum(x.quantity for x in o.lines),
        "currentSubtotalLineItemsQuantity": lambda o, w: sum(x.current_quantity for x in o.lines),
        "app": _app,
        "customer": lambda o, w: w.customers.get(o.customer_id) if o.customer_id else None,
        "customAttributes": _same("attributes"),
        "billingAddress": _same("billing"),
        "shippingAddress": _same("shipping_address"),
        "subtotalPriceSet": _totals("subtotal"),
        "totalDiscountsSet": _totals("discounts"),
        "totalShippingPriceSet": _totals("shipping"),
        "totalTaxSet": _totals("tax"),
        "totalTipReceivedSet": _same("tip"),
        "totalPriceSet": _totals("total"),
        "originalTotalPriceSet": _totals("total"),
        "originalTotalDutiesSet": _original_duties,
        "currentTotalDutiesSet": _current_duties,
        "currentSubtotalPriceSet": _totals("current_subtotal"),
        "currentTotalDiscountsSet": _totals("current_discounts"),
        "currentTotalTaxSet": _totals("current_tax"),
        "currentTotalPriceSet": _totals("current_total"),
        "currentShippingPriceSet": _totals("current_shipping"),
        "totalOutstandingSet": _totals("outstanding"),
        "totalRefundedSet": _totals("refunded"),
        "totalReceivedSet": _totals("received"),
        "netPaymentSet": lambda o, w: minus(o.totals.received, o.totals.refunded),
        "refundDiscrepancySet": _totals("discrepancy"),
        "taxLines": _same("taxes"),
    },
    "LineItem": {
        "id": _gid("LineItem"),
        "title": _same("title"),
        "variantTitle": _same("variant_title"),
        "name": _same("name"),
        "vendor": _same("vendor"),
        "sku": _same("sku"),
        "quantity": _same("quantity"),
        "currentQuantity": _same("current_quantity"),
        "unfulfilledQuantity": lambda x, w: max(0, x.current_quantity - x.fulfilled),
        "isGiftCard": _same("gift_card"),
        "requiresShipping": _same("requires_shipping"),
        "taxable": _same("taxable"),
        "product": product_of,
        "variant": variant_of,
        "customAttributes": _same("properties"),
        "originalUnitPriceSet": _same("price"),
        "originalTotalSet": lambda x, w: times(x.price, x.quantity),
        "discountedTotalSet": lambda x, w: minus(times(x.price, x.quantity), _own_discount(x)),
        "totalDiscountSet": lambda x, w: _own_discount(x),
        "taxLines": _same("taxes"),
        "discountAllocations": _same("allocations"),
        "duties": _same("duties"),
    },
    "TaxLine": {
        "title": _same("title"),
        "rate": _same("rate"),
        "channelLiable": _same("channel_liable"),
        "priceSet": _same("price"),
    },
    "DiscountAllocation": {
        "allocatedAmountSet": _same("amount"),
        "discountApplication": lambda a, w: _Index(a.index),
    },
    "Duty": {
        "id": _gid("Duty"),
        "countryCodeOfOrigin": _same("country"),
        "harmonizedSystemCode": _same("hs_code"),
        "price": _same("price"),
        "taxLines": _same("taxes"),
    },
    "ShippingLine": {
        "id": _gid("ShippingLine"),
        "title": _same("title"),
        "code": _same("code"),
        "source": _same("source"),
        "isRemoved": _same("removed"),
        "originalPriceSet": _same("price"),
        "discountedPriceSet": _same("discounted"),
        "taxLines": _same("taxes"),
        "discountAllocations": _same("allocations"),
    },
    "OrderTransaction": {
        "id": _gid("OrderTransaction"),
        "kind": _same("kind"),
        "status": _same("status"),
        "gateway": _same("gateway"),
        "test": _same("test"),
        "errorCode": _same("error_code"),
        "createdAt": _time("created"),
        "processedAt": _time("processed"),
        "amountSet": _same("amount"),
        "parentTransaction": _parent_transaction,
    },
    "Fulfillment": {
        "id": _gid("Fulfillment"),
        "legacyResourceId": lambda f, w: str(f.id),
        "name": _same("name"),
        "status": _same("status"),
        "displayStatus": lambda f, w: "FULFILLED",
        "createdAt": _time("created"),
        "updatedAt": _time("updated"),
        "totalQuantity": _same("total_quantity"),
        "location": lambda f, w: w.locations.get(f.location_id),
        "trackingInfo": lambda f, w: [f] if f.number else [],
    },
    "FulfillmentTrackingInfo": {
        "company": _same("company"),
        "number": _same("number"),
        "url": _same("url"),
    },
    "Refund": {
        "id": _gid("Refund"),
        "legacyResourceId": lambda r, w: str(r.id),
        "createdAt": _time("created"),
        "processedAt": _time("processed"),
        "note": _same("note"),
        "order": _parent_order,
        "totalRefundedSet": _refunded,
        "duties": _same("duties"),
    },
    "RefundDuty": {"amountSet": lambda pair, w: pair[1], "originalDuty": _duty},
    "RefundLineItem": {
        "id": _gid("RefundLineItem"),
        "quantity": _same("quantity"),
        "restockType": _same("restock_type"),
        "lineItem": _line,
        "location": lambda x, w: w.locations.get(x.location_id),
        "priceSet": _unit_price,
        "subtotalSet": _same("subtotal"),
        "totalTaxSet": _same("tax"),
    },
    "OrderAdjustment": {
        "id": _gid("OrderAdjustment"),
        "reason": _same("reason"),
        "amountSet": _same("amount"),
        "taxAmountSet": _same("tax"),
    },
    "RefundShippingLine": {
        "id": _gid("RefundShippingLine"),
        "shippingLine": lambda x, w: _shipping_line(x, w),
        "subtotalAmountSet": _same("subtotal"),
        "taxAmountSet": _same("tax"),
    },
}

_APPLICATION: dict[str, Any] = {
    "index": _same("index"),
    "allocationMethod": _same("method"),
    "targetSelection": _same("selection"),
    "targetType": _same("target"),
    "value": _discount_value,
    "code": _same("code"),
    "title": _same("title"),
    "description": _same("description"),
}
for _name in ("DiscountCode", "AutomaticDiscount", "ManualDiscount", "ScriptDiscount"):
    VALUES[f"{_name}Application"] = _APPLICATION

ARGUED: dict[str, dict[str, Any]] = {
    "Order": {
        "transactions": lambda o, w, a: o.transactions[: a.get("first")],
        "fulfillments": lambda o, w, a: o.fulfillments[: a.get("first")],
        "refunds": lambda o, w, a: o.refunds[: a.get("first")],
    },
}
LISTS: dict[str, dict[str, Any]] = {
    "Order": {
        "lineItems": lambda o, w, a: o.lines,
        "shippingLines": lambda o, w, a: o.shipping,
        "discountApplications": lambda o, w, a: o.discounts,
    },
    "Refund": {
        "refundLineItems": lambda r, w, a: r.lines,
        "orderAdjustments": lambda r, w, a: r.adjustments,
        "refundShippingLines": lambda r, w, a: r.shipping,
        "transactions": lambda r, w, a: r.transactions,
    },
}


class _Index:
    """The application behind an allocation, of which only the index is asked."""

    target = method = ""
    kind = "code"
    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


def _shipping_line(one: Any, world: Any) -> Any:
    number = world.ids.parent("ShippingLine", one.shipping_line_id)
    order = world.orders.get(world.ids.of("Order", number))
    return next(line for line in order.shipping if line.id == one.shipping_line_id)
