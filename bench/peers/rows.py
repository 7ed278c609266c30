"""An order of a bulk file as Python values, as most loaders make them: decimals and datetimes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import zstandard

from bench.backfilling.shop import LINES_PER_ORDER
from shared.tables import COLUMNS, KEYS

TABLES = ("orders", "order_lines", "transactions", "fulfillments")
_compress = zstandard.ZstdCompressor().compress
_ADDRESS = {
    "first_name": "firstName", "last_name": "lastName", "name": "name", "company": "company",
    "address1": "address1", "address2": "address2", "city": "city", "province": "province",
    "province_code": "provinceCode", "country": "country", "country_code": "countryCodeV2",
    "zip": "zip", "phone": "phone", "latitude": "latitude", "longitude": "longitude",
}  # fmt: skip


def upsert(table: str) -> str:
    """Return the statement that every loader of this kind has: newest wins, children replace."""
    columns, key = COLUMNS[table], ("tenant_id", "shop_id", *KEYS[table])
    values = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    changes = ", ".join(f"{one} = excluded.{one}" for one in columns if one not in key)
    guard = "WHERE t.updated_at < excluded.updated_at" if table == "orders" else ""
    return (
        f"INSERT INTO commerce.{table} AS t ({', '.join(columns)}) VALUES ({values})"
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes} {guard}"
    )


def mark(order: tuple[Any, ...]) -> tuple[Any, ...]:
    return order[:3]


MARK = "INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id) VALUES ($1, $2, $3)"


def orders_of(
    file: Path, orders: int, *, tenant_id: str, shop_id: int
) -> Iterator[dict[str, list[tuple[Any, ...]]]]:
    """Yield table -> rows of each order, in the order of ``shared.tables.COLUMNS``."""
    owner = (tenant_id, shop_id)
    with file.open("rb") as lines:
        for _ in range(orders):
            written = list(islice(lines, LINES_PER_ORDER + 2))
            order, *children = map(orjson.loads, written)
            key = (*owner, _id(order))
            shipping = [one for one in children if one["__typename"] == "ShippingLine"]
            goods = [one for one in children if one["__typename"] == "LineItem"]
            raw = _compress(b"".join(written))
            yield {
                "orders": [(*key, *_order(order, shipping), raw, "bulk")],
                "order_lines": [(*key, *_line(one, n)) for n, one in enumerate(goods, start=1)],
                "transactions": [(*key, *_transaction(one)) for one in order["transactions"]],
                "fulfillments": [(*key, *_fulfillment(one)) for one in order["fulfillments"]],
            }


def _order(order: dict[str, Any], shipping: list[dict[str, Any]]) -> tuple[Any, ...]:
    amounts = [_shop(order[f"{name}Set"]) for name in (
        "subtotalPrice", "totalDiscounts", "totalShippingPrice", "totalTax", "originalTotalDuties",
        "totalTipReceived", "totalPrice", "currentSubtotalPrice", "currentTotalDiscounts",
        "currentTotalTax", "currentTotalPrice", "totalOutstanding",
    )]  # fmt: skip
    presented = [_presentment(order[f"{name}Set"]) for name in (
        "subtotalPrice", "totalDiscounts", "totalShippingPrice", "totalTax", "totalPrice",
        "currentTotalPrice",
    )]  # fmt: skip
    return (
        order["name"], order["confirmationNumber"], order["email"], order["phone"],
        _id(order["customer"]), _time(order["createdAt"]), _time(order["processedAt"]),
        _time(order["updatedAt"]), _time(order["cancelledAt"]), order["cancelReason"],
        _time(order["closedAt"]), order["displayFinancialStatus"].lower(),
        order["displayFulfillmentStatus"].lower(), order["currencyCode"],
        order["presentmentCurrencyCode"], order["taxesIncluded"], order["dutiesIncluded"],
        order["estimatedTaxes"], order["test"], order["confirmed"], order["sourceName"],
        _id(order["app"]), order["poNumber"], order["note"], sorted(order["tags"]),
        order["customerLocale"], order["paymentGatewayNames"], *amounts, *presented,
        _address(order["billingAddress"]), _address(order["shippingAddress"]),
        _attributes(order["customAttributes"]), _json(_taxes(order["taxLines"])),
        _json([_shipping(one) for one in shipping]), "[]",
    )  # fmt: skip


def _line(line: dict[str, Any], position: int) -> tuple[Any, ...]:
    price = line["originalUnitPriceSet"]
    return (
        _id(line), position, _id(line["product"]), _id(line["variant"]), line["sku"],
        line["title"], line["variantTitle"], line["vendor"], line["quantity"],
        line["currentQuantity"], _shop(price), _presentment(price), Decimal(0),
        sum((_amount(tax["priceSet"]) for tax in line["taxLines"]), Decimal(0)), Decimal(0),
        line["isGiftCard"], line["requiresShipping"], line["taxable"],
        _attributes(line["customAttributes"]), _json(_taxes(line["taxLines"])), "[]", "[]",
    )  # fmt: skip


def _transaction(one: dict[str, Any]) -> tuple[Any, ...]:
    return (
        _id(one), _id(one["parentTransaction"]), one["kind"].lower(), one["status"].lower(),
        one["gateway"], _shop(one["amountSet"]), one["amountSet"]["shopMoney"]["currencyCode"],
        one["errorCode"], one["test"], _time(one["createdAt"]), _time(one["processedAt"]),
    )  # fmt: skip


def _fulfillment(one: dict[str, Any]) -> tuple[Any, ...]:
    return (
        _id(one), one["name"], one["status"].lower(), _id(one["location"]), one["totalQuantity"],
        _json(one["trackingInfo"]), _time(one["createdAt"]), _time(one["updatedAt"]),
    )  # fmt: skip


def _id(node: dict[str, Any] | None) -> int | None:
    return None if node is None else int(node["id"].rpartition("/")[2])


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _amount(bag: dict[str, Any]) -> Decimal:
    return Decimal(bag["shopMoney"]["amount"])


def _shop(bag: dict[str, Any] | None) -> Decimal | None:
    return None if bag is None else _amount(bag)


def _presentment(bag: dict[str, Any]) -> Decimal:
    return Decimal(bag["presentmentMoney"]["amount"])


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _address(node: dict[str, Any]) -> str:
    return _json({ours: node.get(theirs) for ours, theirs in _ADDRESS.items()})


def _attributes(nodes: list[dict[str, Any]]) -> str:
    return _json([{"name": node["key"], "value": node["value"]} for node in nodes])


def _text(bag: dict[str, Any], side: str) -> str:
    return f"{Decimal(bag[side]['amount']).normalize():f}"


def _taxes(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "title": node["title"],
            "rate": str(node["rate"]),
            "amount": _text(node["priceSet"], "shopMoney"),
            "presentment_amount": _text(node["priceSet"], "presentmentMoney"),
            "channel_liable": node["channelLiable"],
        }
        for node in nodes
    ]


def _shipping(node: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": _id(node),
        "title": node["title"],
        "code": node["code"],
        "source": node["source"],
        "price": _text(node["originalPriceSet"], "shopMoney"),
        "discounted_price": _text(node["discountedPriceSet"], "shopMoney"),
        "tax_lines": _taxes(node["taxLines"]),
        "discount_allocations": [],
    }
