"""A shop that only answers bulk operations: one JSONL file of orders, served by byte range.

Order n was created n minutes after the start, so a window of created_at is a slice of the file.
"""

from __future__ import annotations

import re
import sys
from array import array
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from aiohttp import web

START = datetime(2020, 1, 1, tzinfo=UTC)
LINES_PER_ORDER = 4

_BOUND = re.compile(r"created_at:(>=|<)'([^']+)'")


def money(amount: str) -> dict[str, object]:
    one = {"amount": amount, "currencyCode": "GBP"}
    return {"shopMoney": one, "presentmentMoney": one}


def address(number: int) -> dict[str, object]:
    return {
        "firstName": "Ada",
        "lastName": f"Lovelace {number}",
        "name": f"Ada Lovelace {number}",
        "company": None,
        "address1": f"{number} Analytical Street",
        "address2": None,
        "city": "London",
        "province": "England",
        "provinceCode": "ENG",
        "country": "United Kingdom",
        "countryCodeV2": "GB",
        "zip": "N1 1AA",
        "phone": "+44 20 7946 0000",
    }


def order_lines(number: int) -> list[dict[str, object]]:
    """Return the JSONL lines of one order: itself, its line items, its shipping line."""
    gid = f"gid://shopify/Order/{5_000_000_000 + number}"
    stamp = (START + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    tax = [{"title": "VAT", "rate": 0.2, "ratePercentage": 20.0, "source": "Shopify",
            "channelLiable": False, "priceSet": money("1.67")}]  # fmt: skip
    order: dict[str, object] = {
        "__typename": "Order", "id": gid, "name": f"#{1000 + number}",
        "confirmationNumber": f"XPAV{number}", "email": f"ada{number}@example.com",
        "phone": None, "note": None, "poNumber": None, "tags": ["wholesale", "repeat"],
        "customerLocale": "en-GB", "sourceName": "web", "createdAt": stamp, "processedAt": stamp,
        "updatedAt": stamp, "cancelledAt": None, "cancelReason": None, "closedAt": None,
        "displayFinancialStatus": "PAID", "displayFulfillmentStatus": "FULFILLED",
        "currencyCode": "GBP", "presentmentCurrencyCode": "GBP", "taxesIncluded": True,
        "dutiesIncluded": False, "estimatedTaxes": False, "test": False, "confirmed": True,
        "paymentGatewayNames": ["shopify_payments"], "app": {"id": "gid://shopify/App/580111"},
        "customer": {"id": f"gid://shopify/Customer/{7_000_000 + number % 9000}"},
        "customAttributes": [{"key": "gift", "value": "no"}],
        "billingAddress": address(number), "shippingAddress": address(number),
        "subtotalPriceSet": money("40.00"), "totalDiscountsSet": money("0.00"),
        "totalShippingPriceSet": money("3.50"), "totalTaxSet": money("7.25"),
        "totalTipReceivedSet": money("0.00"), "totalPriceSet": money("43.50"),
        "originalTotalDutiesSet": None, "currentSubtotalPriceSet": money("40.00"),
        "currentTotalDiscountsSet": money("0.00"), "currentTotalTaxSet": money("7.25"),
        "currentTotalPriceSet": money("43.50"), "totalOutstandingSet": money("0.00"),
        "taxLines": tax,
        "transactions": [{
            "id": f"gid://shopify/OrderTransaction/{9_000_000_000 + number}", "kind": "SALE",
            "status": "SUCCESS", "gateway": "shopify_payments", "test": False, "errorCode": None,
            "createdAt": stamp, "processedAt": stamp, "amountSet": money("43.50"),
            "parentTransaction": None,
        }],
        "fulfillments": [{
            "id": f"gid://shopify/Fulfillment/{4_000_000_000 + number}", "name": f"#{number}.1",
            "status": "SUCCESS", "createdAt": stamp, "updatedAt": stamp,
            "totalQuantity": LINES_PER_ORDER, "location": {"id": "gid://shopify/Location/1"},
            "trackingInfo": [{"company": "DPD", "number": f"DPD{number}",
                              "url": f"https://dpd.example/track/{number}"}],
        }],
        "refunds": [],
    }  # fmt: skip
    children: list[dict[str, object]] = [
        {
            "__typename": "LineItem",
            "id": f"gid://shopify/LineItem/{6_000_000_000 + number * LINES_PER_ORDER + n}",
            "title": f"Loose leaf tea number {n}", "variantTitle": "250 g", "vendor": "Tea House",
            "sku": f"TEA-{number % 500}-{n}", "quantity": 1, "currentQuantity": 1,
            "product": {"id": f"gid://shopify/Product/{number % 500}"},
            "variant": {"id": f"gid://shopify/ProductVariant/{number % 500 * 4 + n}"},
            "originalUnitPriceSet": money("10.00"), "isGiftCard": False,
            "requiresShipping": True, "taxable": True,
            "customAttributes": [{"key": "engraving", "value": f"For {number}"}],
            "taxLines": tax, "discountAllocations": [], "duties": [], "__parentId": gid,
        }
        for n in range(LINES_PER_ORDER)
    ]  # fmt: skip
    shipping = {
        "__typename": "ShippingLine", "id": f"gid://shopify/ShippingLine/{3_000_000_000 + number}",
        "title": "Standard", "code": "standard", "source": "shopify", "isRemoved": False,
        "carrierIdentifier": None, "originalPriceSet": money("3.50"),
        "discountedPriceSet": money("3.50"), "currentDiscountedPriceSet": money("3.50"),
        "taxLines": tax, "discountAllocations": [], "__parentId": gid,
    }  # fmt: skip
    return [order, *children, shipping]


def generate(path: Path, orders: int) -> list[int]:
    """Write the file unless it is there; return where each order begins, and the end."""
    index = path.with_suffix(".index")
    if path.exists() and index.exists():
        offsets = array("q", index.read_bytes())
        return list(offsets)
    offsets = array("q", [0])
    with path.open("wb") as file:
        for number in range(orders):
            text = b"".join(orjson.dumps(line) + b"\n" for line in order_lines(number))
            file.write(text)
            offsets.append(offsets[-1] + len(text))
    index.write_bytes(offsets.tobytes())
    return list(offsets)


def _slice(search: str, orders: int) -> tuple[int, int]:
    low, high = 0, orders
    for sign, text in _BOUND.findall(search):
        minutes = -(-int((datetime.fromisoformat(text) - START).total_seconds()) // 60)
        bound = min(max(minutes, 0), orders)
        low, high = (bound, high) if sign == ">=" else (low, bound)
    return low, max(low, high)


def build_app(path: Path, offsets: list[int]) -> web.Application:
    orders = len(offsets) - 1

    async def graphql(request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        query, variables = body["query"], body["variables"]
        if "bulkOperationRunQuery" in query:
            low, high = _slice(variables["query"], orders)
            operation = {"id": f"gid://shopify/BulkOperation/{low}-{high}", "status": "CREATED"}
            answer: dict[str, object] = {
                "bulkOperationRunQuery": {"bulkOperation": operation, "userErrors": []}
            }
        elif "bulkOperation(" in query:
            span = variables["id"].rpartition("/")[2]
            low, high = map(int, span.split("-"))
            answer = {"bulkOperation": {
                "id": variables["id"], "status": "COMPLETED", "errorCode": None,
                "objectCount": str((high - low) * (LINES_PER_ORDER + 2)),
                "rootObjectCount": str(high - low), "url": f"http://{request.host}/file/{span}",
            }}  # fmt: skip
        else:
            low, high = _slice(variables["search"], orders)
            none = {"count": 0, "precision": "EXACT"}
            answer = {"ordersCount": {"count": high - low, "precision": "EXACT"},
                      "productsCount": none, "customersCount": none}  # fmt: skip
        return web.json_response({"data": answer})

    async def file(request: web.Request) -> web.StreamResponse:
        low, high = map(int, request.match_info["span"].split("-"))
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl"})
        await response.prepare(request)
        with path.open("rb") as source:
            source.seek(offsets[low])
            left = offsets[high] - offsets[low]
            while left > 0:
                chunk = source.read(min(left, 1 << 18))
                left -= len(chunk)
                await response.write(chunk)
        return response

    app = web.Application()
    app.add_routes([web.post("/shops/{shop}/{tail:.*}", graphql), web.get("/file/{span}", file)])
    return app


if __name__ == "__main__":
    source = Path(sys.argv[1])
    web.run_app(
        build_app(source, generate(source, int(sys.argv[2]))),
        host="127.0.0.1", port=int(sys.argv[3]), access_log=None, print=None,
    )  # fmt: skip
