"""An order as a webhook body: amounts with two decimals, snake case, plain ids."""

from __future__ import annotations

from typing import Any

from tests.unit.shopify.shapes import TOTALS


def amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def both(pair: tuple[int, int]) -> dict[str, Any]:
    return {
        "shop_money": {"amount": amount(pair[0]), "currency_code": "USD"},
        "presentment_money": {"amount": amount(pair[1]), "currency_code": "EUR"},
    }


def tax(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": one["title"],
        "rate": one["rate"],
        "channel_liable": one["liable"],
        "price": amount(one["price"][0]),
        "price_set": both(one["price"]),
    }


def allocation(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "amount": amount(one["amount"][0]),
        "amount_set": both(one["amount"]),
        "discount_application_index": one["index"],
    }


def line(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": one["id"],
        "product_id": one["product"],
        "variant_id": one["variant"],
        "price": amount(one["price"][0]),
        "price_set": both(one["price"]),
        "properties": one["attributes"],
        "tax_lines": [tax(each) for each in one["taxes"]],
        "discount_allocations": [allocation(each) for each in one["allocations"]],
        "duties": [
            {
                "id": duty["id"],
                "country_code_of_origin": duty["country"],
                "harmonized_system_code": duty["code"],
                **both(duty["price"]),
                "tax_lines": [tax(each) for each in duty["taxes"]],
            }
            for duty in one["duties"]
        ],
        **{
            name: one[name]
            for name in (
                "title",
                "variant_title",
                "vendor",
                "sku",
                "quantity",
                "current_quantity",
                "gift_card",
                "requires_shipping",
                "taxable",
            )
        },
    }


def shipping_line(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": one["id"],
        "title": one["title"],
        "code": one["code"],
        "source": one["source"],
        "price": amount(one["price"][0]),
        "price_set": both(one["price"]),
        "discounted_price_set": both(one["discounted"]),
        "is_removed": False,
        "tax_lines": [tax(each) for each in one["taxes"]],
        "discount_allocations": [allocation(each) for each in one["allocations"]],
    }


def discount(one: dict[str, Any]) -> dict[str, Any]:
    named = {"code": one["title"]} if one["kind"] == "discount_code" else {"title": one["title"]}
    return {
        "type": one["kind"],
        "value": f"{one['value']}.0",
        "value_type": "percentage" if one["percentage"] else "fixed_amount",
        "allocation_method": one["method"],
        "target_selection": one["selection"],
        "target_type": one["target"],
        **named,
    }


def refund(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": one["id"],
        "created_at": one["moment"],
        "processed_at": one["moment"],
        "note": one["note"],
        "refund_line_items": [
            {
                "id": each["id"],
                "line_item_id": each["line"],
                "quantity": each["quantity"],
                "restock_type": each["restock"],
                "location_id": each["location"],
                "subtotal": each["subtotal"][0] / 100,
                "subtotal_set": both(each["subtotal"]),
                "total_tax_set": both(each["tax"]),
            }
            for each in one["lines"]
        ],
        "order_adjustments": [
            {
                "id": each["id"],
                "kind": "refund_discrepancy",
                "reason": "Refund discrepancy",
                "amount_set": both(each["amount"]),
                "tax_amount_set": both(each["tax"]),
            }
            for each in one["adjustments"]
        ],
        "refund_shipping_lines": [
            {
                "id": each["id"],
                "shipping_line": {"id": each["line"]},
                "subtotal_amount_set": both(each["amount"]),
                "tax_amount_set": both(each["tax"]),
            }
            for each in one["shipping"]
        ],
        "duties": [
            {"duty_id": each["duty"], "amount_set": both(each["amount"])} for each in one["duties"]
        ],
        "transactions": [
            {
                "id": each["id"],
                "kind": "refund",
                "status": "success",
                "amount": amount(each["amount"]),
                "currency": "USD",
                "created_at": one["moment"],
            }
            for each in one["paid"]
        ],
    }


def fulfillment(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": one["id"],
        "name": one["name"],
        "status": one["status"],
        "created_at": one["moment"],
        "updated_at": one["moment"],
        "location_id": one["location"],
        "line_items": [{"quantity": quantity} for quantity in one["quantities"]],
        "tracking_company": one["company"],
        "tracking_numbers": [number for number, _ in one["parcels"]],
        "tracking_urls": [url for _, url in one["parcels"]],
    }


def order(one: dict[str, Any]) -> dict[str, Any]:
    totals = dict(zip(TOTALS, one["totals"], strict=True))
    same = (
        "id name confirmation_number email phone note po_number customer_locale source_name"
        " created_at processed_at updated_at cancelled_at cancel_reason closed_at financial_status"
        " taxes_included duties_included estimated_taxes test confirmed"
    )
    return {
        **{name: one[name] for name in same.split()},
        **{name: amount(value[0]) for name, value in totals.items()},
        **{f"{name}_set": both(value) for name, value in totals.items()},
        "currency": "USD",
        "presentment_currency": "EUR",
        "fulfillment_status": one["fulfillment"][0],
        "payment_gateway_names": one["gateways"],
        "app_id": one["app"],
        "customer": None if one["customer"] is None else {"id": one["customer"]},
        "tags": ", ".join(one["tags"]),
        "note_attributes": one["attributes"],
        "billing_address": one["billing"],
        "shipping_address": one["shipping"],
        "total_shipping_price_set": both(one["shipping_price"]),
        "total_tip_received": amount(one["tip"]),
        "total_outstanding": amount(one["outstanding"]),
        "original_total_duties_set": None if one["duties"] is None else both(one["duties"]),
        "tax_lines": [tax(each) for each in one["taxes"]],
        "line_items": [line(each) for each in one["lines"]],
        "shipping_lines": [shipping_line(each) for each in one["shipping_lines"]],
        "discount_applications": [discount(each) for each in one["discounts"]],
        "refunds": [refund(each) for each in one["refunds"]],
        "fulfillments": [fulfillment(each) for each in one["fulfillments"]],
        "something_new": {"tomorrow": True},
    }
