"""An order as a GraphQL node and as bulk lines: trimmed decimals, camel case, global ids."""

from __future__ import annotations

import re
from typing import Any

from tests.unit.shopify.shapes import TOTALS

_DISCOUNTS = {
    "discount_code": ("DiscountCodeApplication", "code"),
    "automatic": ("AutomaticDiscountApplication", "automaticTitle"),
    "manual": ("ManualDiscountApplication", "manualTitle"),
    "script": ("ScriptDiscountApplication", "scriptTitle"),
}


def camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def ref(kind: str, number: int | None) -> dict[str, str] | None:
    return None if number is None else {"id": gid(kind, number)}


def amount(cents: int) -> str:
    whole, rest = divmod(cents, 100)
    return f"{whole}.{rest:02d}".removesuffix("0")


def both(pair: tuple[int, int]) -> dict[str, Any]:
    return {
        "shopMoney": {"amount": amount(pair[0])},
        "presentmentMoney": {"amount": amount(pair[1])},
    }


def page(nodes: list[Any]) -> dict[str, Any]:
    return {
        "edges": [{"node": node} for node in nodes],
        "pageInfo": {"hasNextPage": False, "endCursor": None},
    }


def tax(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": one["title"],
        "rate": one["rate"],
        "channelLiable": one["liable"],
        "priceSet": both(one["price"]),
    }


def allocation(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "allocatedAmountSet": both(one["amount"]),
        "discountApplication": {"index": one["index"]},
    }


def attributes(them: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"key": one["name"], "value": one["value"]} for one in them]


def address(one: dict[str, Any] | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "countryCodeV2" if name == "country_code" else camel(name): value
        for name, value in one.items()
    }


def line(one: dict[str, Any]) -> dict[str, Any]:
    same = "title variant_title vendor sku quantity current_quantity requires_shipping taxable"
    return {
        "id": gid("LineItem", one["id"]),
        **{camel(name): one[name] for name in same.split()},
        "isGiftCard": one["gift_card"],
        "product": ref("Product", one["product"]),
        "variant": ref("ProductVariant", one["variant"]),
        "customAttributes": attributes(one["attributes"]),
        "originalUnitPriceSet": both(one["price"]),
        "taxLines": [tax(each) for each in one["taxes"]],
        "discountAllocations": [allocation(each) for each in one["allocations"]],
        "duties": [
            {
                "id": gid("Duty", duty["id"]),
                "countryCodeOfOrigin": duty["country"],
                "harmonizedSystemCode": duty["code"],
                "price": both(duty["price"]),
                "taxLines": [tax(each) for each in duty["taxes"]],
            }
            for duty in one["duties"]
        ],
    }


def shipping_line(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": gid("ShippingLine", one["id"]),
        "title": one["title"],
        "code": one["code"],
        "source": one["source"],
        "isRemoved": False,
        "originalPriceSet": both(one["price"]),
        "discountedPriceSet": both(one["discounted"]),
        "taxLines": [tax(each) for each in one["taxes"]],
        "discountAllocations": [allocation(each) for each in one["allocations"]],
    }


def discount(index: int, one: dict[str, Any]) -> dict[str, Any]:
    type_name, title = _DISCOUNTS[one["kind"]]
    value = (
        {"percentage": float(one["value"])}
        if one["percentage"]
        else {"amount": f"{one['value']}.0"}
    )
    return {
        "__typename": type_name,
        "index": index,
        "allocationMethod": one["method"].upper(),
        "targetSelection": one["selection"].upper(),
        "targetType": one["target"].upper(),
        "value": value,
        title: one["title"],
    }


def refund(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": gid("Refund", one["id"]),
        "createdAt": one["moment"],
        "processedAt": one["moment"],
        "note": one["note"],
        "totalRefundedSet": both((sum(each["amount"] for each in one["paid"]), 0)),
        "duties": [
            {"amountSet": both(each["amount"]), "originalDuty": ref("Duty", each["duty"])}
            for each in one["duties"]
        ],
        "refundLineItems": page(
            [
                {
                    "id": gid("RefundLineItem", each["id"]),
                    "quantity": each["quantity"],
                    "restockType": each["restock"].upper(),
                    "lineItem": ref("LineItem", each["line"]),
                    "location": ref("Location", each["location"]),
                    "subtotalSet": both(each["subtotal"]),
                    "totalTaxSet": both(each["tax"]),
                }
                for each in one["lines"]
            ]
        ),
        "orderAdjustments": page(
            [
                {
                    "id": gid("OrderAdjustment", each["id"]),
                    "reason": "REFUND_DISCREPANCY",
                    "amountSet": both(each["amount"]),
                    "taxAmountSet": both(each["tax"]),
                }
                for each in one["adjustments"]
            ]
        ),
        "refundShippingLines": page(
            [
                {
                    "id": gid("RefundShippingLine", each["id"]),
                    "shippingLine": ref("ShippingLine", each["line"]),
                    "subtotalAmountSet": both(each["amount"]),
                    "taxAmountSet": both(each["tax"]),
                }
                for each in one["shipping"]
            ]
        ),
    }


def fulfillment(one: dict[str, Any]) -> dict[str, Any]:
    tracked = [
        {"company": one["company"], "number": number, "url": url} for number, url in one["parcels"]
    ]
    lone = [{"company": one["company"], "number": None, "url": None}] if one["company"] else []
    return {
        "id": gid("Fulfillment", one["id"]),
        "name": one["name"],
        "status": one["status"].upper(),
        "createdAt": one["moment"],
        "updatedAt": one["moment"],
        "totalQuantity": sum(one["quantities"]),
        "location": ref("Location", one["location"]),
        "trackingInfo": tracked or lone,
    }


def head(one: dict[str, Any]) -> dict[str, Any]:
    """Return what stands in an order's root line of a bulk file."""
    totals = zip(TOTALS, one["totals"], strict=True)
    same = (
        "name confirmation_number email phone note po_number customer_locale source_name created_at"
        " processed_at updated_at cancelled_at closed_at taxes_included duties_included"
        " estimated_taxes test confirmed tags"
    )
    reason = one["cancel_reason"]
    return {
        "id": gid("Order", one["id"]),
        **{camel(name): one[name] for name in same.split()},
        **{f"{camel(name)}Set": both(value) for name, value in totals},
        "cancelReason": None if reason is None else reason.upper(),
        "displayFinancialStatus": one["financial_status"].upper(),
        "displayFulfillmentStatus": one["fulfillment"][1],
        "currencyCode": "USD",
        "presentmentCurrencyCode": "EUR",
        "paymentGatewayNames": one["gateways"],
        "app": ref("App", one["app"]),
        "customer": ref("Customer", one["customer"]),
        "customAttributes": attributes(one["attributes"]),
        "billingAddress": address(one["billing"]),
        "shippingAddress": address(one["shipping"]),
        "totalShippingPriceSet": both(one["shipping_price"]),
        "totalTipReceivedSet": both((one["tip"], one["tip"])),
        "totalOutstandingSet": both((one["outstanding"], one["outstanding"])),
        "originalTotalDutiesSet": None if one["duties"] is None else both(one["duties"]),
        "taxLines": [tax(each) for each in one["taxes"]],
        "transactions": [],
        "fulfillments": [fulfillment(each) for each in one["fulfillments"]],
    }


def order(one: dict[str, Any]) -> dict[str, Any]:
    return {
        **head(one),
        "lineItems": page([line(each) for each in one["lines"]]),
        "shippingLines": page([shipping_line(each) for each in one["shipping_lines"]]),
        "discountApplications": page(
            [discount(index, each) for index, each in enumerate(one["discounts"])]
        ),
        "refunds": [refund(each) for each in one["refunds"]],
    }


def bulk_lines(one: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the order's lines, root first."""
    root = {
        "__typename": "Order",
        **head(one),
        "refunds": [ref("Refund", each["id"]) for each in one["refunds"]],
    }
    children = [
        *({"__typename": "LineItem", **line(each)} for each in one["lines"]),
        *({"__typename": "ShippingLine", **shipping_line(each)} for each in one["shipping_lines"]),
        *(discount(index, each) for index, each in enumerate(one["discounts"])),
    ]
    return [root, *({**child, "__parentId": root["id"]} for child in children)]
