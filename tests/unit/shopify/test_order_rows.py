"""One order, written out: what each column holds."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shared.shopify.snapshots import Snapshot
from shared.shopify.webhooks import facts_of
from shared.tables import COLUMNS
from tests.unit.shopify.shapes import MOMENT, a_delivery


def both(shop: str, presentment: str) -> dict[str, Any]:
    return {"shop_money": {"amount": shop}, "presentment_money": {"amount": presentment}}


TAX = {"title": 'V\\"at', "rate": 0.2, "price_set": both("2.00", "3.10")}
ORDER = {
    "id": 1,
    "name": "#1",
    "currency": "USD",
    "presentment_currency": "EUR",
    "tags": "b, a",
    "created_at": MOMENT,
    "updated_at": MOMENT,
    "note": "a\tb",
    "fulfillment_status": "partial",
    "total_price_set": both("12.00", "13.10"),
    "current_total_price_set": both("11.00", "12.5"),
    "subtotal_price_set": both("10.00", "10.50"),
    "total_tax_set": both("2.00", "3.10"),
    "total_shipping_price_set": both("4.00", "5.00"),
    "total_discounts_set": both("1", "1.25"),
    "total_outstanding": "0.00",
    "total_tip_received": "0.50",
    "app_id": 9,
    "original_total_duties_set": both("6.00", "7.00"),
    "current_subtotal_price_set": both("9.00", "9.50"),
    "current_total_tax_set": both("1.50", "1.60"),
    "current_total_discounts_set": both("0.75", "0.80"),
    "tax_lines": [TAX],
    "discount_applications": [{"type": "automatic", "title": "T", "value": "5.0"}],
    "line_items": [
        {
            "id": 11,
            "title": "Pen",
            "quantity": 2,
            "current_quantity": 1,
            "sku": "",
            "price_set": both("5.00", "5.25"),
            "product_id": 21,
            "variant_id": 31,
            "tax_lines": [TAX, {**TAX, "price_set": both("0.01", "0.02")}],
            "discount_allocations": [
                {"discount_application_index": 0, "amount_set": both("1.00", "1.25")}
            ],
            "duties": [
                {"id": 41, "country_code_of_origin": "DE", **both("6.00", "7.00"), "tax_lines": []}
            ],
        }
    ],
}


@pytest.fixture
def snapshot() -> Snapshot:
    (fact,) = facts_of(a_delivery("orders/updated", orjson.dumps(ORDER)))
    assert isinstance(fact, Snapshot)
    return fact


def test_an_order_s_columns_hold_the_amounts_of_their_names(snapshot):
    row = dict(zip(COLUMNS["orders"], snapshot.row.split("\t"), strict=True))

    expected = {
        "subtotal_price": "10",
        "total_discounts": "1",
        "total_shipping": "4",
        "total_tax": "2",
        "total_duties": "6",
        "total_tip": "0.5",
        "total_price": "12",
        "current_subtotal_price": "9",
        "current_total_discounts": "0.75",
        "current_total_tax": "1.5",
        "current_total_price": "11",
        "total_outstanding": "0",
        "presentment_subtotal_price": "10.5",
        "presentment_total_discounts": "1.25",
        "presentment_total_shipping": "5",
        "presentment_total_tax": "3.1",
        "presentment_total_price": "13.1",
        "presentment_current_total_price": "12.5",
        "currency": "USD",
        "presentment_currency": "EUR",
        "tags": '{"a","b"}',
        "note": "a\\tb",
        "app_id": "9",
        "customer_id": "\\N",
        "fulfillment_status": "partially_fulfilled",
    }
    assert {name: row[name] for name in expected} == expected
    assert orjson.loads(row["tax_lines"].replace("\\\\", "\\")) == [
        {
            "title": 'V\\"at',
            "rate": "0.2",
            "amount": "2",
            "presentment_amount": "3.1",
            "channel_liable": None,
        }
    ]


def test_a_line_s_columns_hold_exact_sums(snapshot):
    (line,) = snapshot.children["order_lines"]
    row = dict(zip(COLUMNS["order_lines"], line.split("\t"), strict=True))

    expected = {
        "line_id": "11",
        "position": "1",
        "product_id": "21",
        "variant_id": "31",
        "sku": "\\N",
        "quantity": "2",
        "current_quantity": "1",
        "price": "5",
        "presentment_price": "5.25",
        "discount": "1",
        "tax": "2.01",
        "duty": "6",
        "discount_allocations": '[{"index":0,"amount":"1","presentment_amount":"1.25"}]',
    }
    assert {name: row[name] for name in expected} == expected
    assert orjson.loads(row["duties"]) == [
        {
            "id": 41,
            "country_code_of_origin": "DE",
            "harmonized_system_code": None,
            "amount": "6",
            "presentment_amount": "7",
            "tax_lines": [],
        }
    ]


def test_discounts_name_their_kind_and_their_place(snapshot):
    row = dict(zip(COLUMNS["orders"], snapshot.row.split("\t"), strict=True))

    (discount,) = orjson.loads(row["discount_applications"])

    assert discount["index"] == 0
    assert (discount["type"], discount["title"]) == ("automatic", "T")
    assert (discount["value_type"], discount["value"]) == ("fixed_amount", "5")
