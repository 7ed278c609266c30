"""A shop that only answers bulk operations: one JSONL file of orders, served by byte range.

Its orders are spread evenly over two years, so a window of created_at is a slice of the file. An
operation takes as many seconds as the command line says, and five may run at once, as at Shopify.
"""

from __future__ import annotations

import math
import re
import sys
import time
from array import array
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from aiohttp import web

START = datetime(2024, 1, 1, tzinfo=UTC)
MONTHS = 24
LINES_PER_ORDER = 4
OPERATIONS_AT_ONCE = 5
BUCKET_POINTS, POINTS_PER_SECOND = 2000.0, 100.0
_MINUTES = 730 * 24 * 60

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


def vat(pence: int) -> list[dict[str, object]]:
    return [{"title": "VAT", "rate": 0.2, "ratePercentage": 20.0, "source": "Shopify",
             "channelLiable": False, "priceSet": money(pounds(pence // 6))}]  # fmt: skip


def pounds(pence: int) -> str:
    return f"{pence // 100}.{pence % 100:02}"


def order_lines(number: int, minutes: int) -> list[dict[str, object]]:
    """Return the JSONL lines of one order: itself, its line items, its shipping line."""
    gid = f"gid://shopify/Order/{5_000_000_000 + number}"
    stamp = (START + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    # 500 products in four sizes, each with its own price.
    prices = [495 + (number % 500) * 17 + size * 250 for size in range(LINES_PER_ORDER)]
    goods, total = sum(prices), sum(prices) + 350
    tax = vat(total)
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
        "subtotalPriceSet": money(pounds(goods)), "totalDiscountsSet": money("0.00"),
        "totalShippingPriceSet": money("3.50"), "totalTaxSet": money(pounds(total // 6)),
        "totalTipReceivedSet": money("0.00"), "totalPriceSet": money(pounds(total)),
        "originalTotalDutiesSet": None, "currentSubtotalPriceSet": money(pounds(goods)),
        "currentTotalDiscountsSet": money("0.00"), "currentTotalTaxSet": money(pounds(total // 6)),
        "currentTotalPriceSet": money(pounds(total)), "totalOutstandingSet": money("0.00"),
        "taxLines": tax,
        "transactions": [{
            "id": f"gid://shopify/OrderTransaction/{9_000_000_000 + number}", "kind": "SALE",
            "status": "SUCCESS", "gateway": "shopify_payments", "test": False, "errorCode": None,
            "createdAt": stamp, "processedAt": stamp, "amountSet": money(pounds(total)),
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
            "originalUnitPriceSet": money(pounds(prices[n])), "isGiftCard": False,
            "requiresShipping": True, "taxable": True,
            "customAttributes": [{"key": "engraving", "value": f"For {number}"}],
            "taxLines": vat(prices[n]), "discountAllocations": [], "duties": [], "__parentId": gid,
        }
        for n in range(LINES_PER_ORDER)
    ]  # fmt: skip
    shipping = {
        "__typename": "ShippingLine", "id": f"gid://shopify/ShippingLine/{3_000_000_000 + number}",
        "title": "Standard", "code": "standard", "source": "shopify", "isRemoved": False,
        "carrierIdentifier": None, "originalPriceSet": money("3.50"),
        "discountedPriceSet": money("3.50"), "currentDiscountedPriceSet": money("3.50"),
        "taxLines": vat(350), "discountAllocations": [], "__parentId": gid,
    }  # fmt: skip
    return [order, *children, shipping]


def step_minutes(orders: int) -> int:
    """Return how many minutes lie between two orders."""
    return max(1, _MINUTES // orders)


def generate(path: Path, orders: int) -> list[int]:
    """Write the file unless it is there; return where each order begins, and the end."""
    index = path.with_suffix(".index")
    if path.exists() and index.exists():
        offsets = array("q", index.read_bytes())
        return list(offsets)
    offsets = array("q", [0])
    step = step_minutes(orders)
    with path.open("wb") as file:
        for number in range(orders):
            lines = order_lines(number, number * step)
            text = b"".join(orjson.dumps(line) + b"\n" for line in lines)
            file.write(text)
            offsets.append(offsets[-1] + len(text))
    index.write_bytes(offsets.tobytes())
    return list(offsets)


class Shop:
    """The file *path* as a store; *delay* is how many seconds an operation takes."""

    def __init__(self, path: Path, offsets: list[int], *, delay: float) -> None:
        self._path = path
        self._offsets = offsets
        self._delay = delay
        self._ready: dict[str, float] = {}
        self._points, self._at = BUCKET_POINTS, time.monotonic()
        self.requests = 0
        self.used = 0.0

    async def graphql(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        query, variables = body["query"], body["variables"]
        if "bulkOperationRunQuery" in query:
            data, cost = self._run(variables["query"]), 10.0
        elif "bulkOperation(" in query:
            data, cost = self._state(variables["id"], request.host), 1.0
        else:
            low, high = self._slice(variables.get("search") or "")
            data, cost = {"counted": {"count": high - low, "precision": "EXACT"}}, 10.0
        return web.json_response({"data": data, "extensions": {"cost": self._charge(cost)}})

    async def file(self, request: web.Request) -> web.StreamResponse:
        low, high = map(int, request.match_info["span"].split("-"))
        left = self._offsets[high] - self._offsets[low]
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl"})
        response.content_length = left
        await response.prepare(request)
        with self._path.open("rb") as source:
            source.seek(self._offsets[low])
            while left > 0:
                chunk = source.read(min(left, 1 << 18))
                left -= len(chunk)
                await response.write(chunk)
        return response

    async def spent(self, request: web.Request) -> web.Response:
        return web.json_response({"requests": self.requests, "points": self.used})

    def _run(self, search: str) -> dict[str, object]:
        low, high = self._slice(search)
        gid, now = f"gid://shopify/BulkOperation/{low}-{high}", time.monotonic()
        if sum(1 for ready in self._ready.values() if ready > now) >= OPERATIONS_AT_ONCE:
            error = {"field": None, "message": "busy", "code": "OPERATION_IN_PROGRESS"}
            return {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": [error]}}
        self._ready[gid] = now + self._delay
        operation = {"id": gid, "status": "CREATED"}
        return {"bulkOperationRunQuery": {"bulkOperation": operation, "userErrors": []}}

    def _state(self, gid: str, host: str) -> dict[str, object]:
        if self._ready[gid] > time.monotonic():
            return {"bulkOperation": {"id": gid, "status": "RUNNING"}}
        span = gid.rpartition("/")[2]
        low, high = map(int, span.split("-"))
        return {"bulkOperation": {
            "id": gid, "status": "COMPLETED", "errorCode": None,
            "objectCount": str((high - low) * (LINES_PER_ORDER + 2)),
            "rootObjectCount": str(high - low), "url": f"http://{host}/file/{span}",
            "fileSize": str(self._offsets[high] - self._offsets[low]),
        }}  # fmt: skip

    def _slice(self, search: str) -> tuple[int, int]:
        orders = len(self._offsets) - 1
        low, high = 0, orders
        for sign, text in _BOUND.findall(search):
            minutes = (datetime.fromisoformat(text) - START).total_seconds() / 60
            bound = min(max(math.ceil(minutes / step_minutes(orders)), 0), orders)
            low, high = (bound, high) if sign == ">=" else (low, bound)
        return low, max(low, high)

    def _charge(self, cost: float) -> dict[str, object]:
        now = time.monotonic()
        restored = self._points + (now - self._at) * POINTS_PER_SECOND
        self._points, self._at = min(BUCKET_POINTS, restored) - cost, now
        self.requests += 1
        self.used += cost
        status = {"maximumAvailable": BUCKET_POINTS, "currentlyAvailable": self._points,
                  "restoreRate": POINTS_PER_SECOND}  # fmt: skip
        return {
            "requestedQueryCost": cost,
            "actualQueryCost": cost,
            "throttleStatus": status,
        }


def build_app(path: Path, offsets: list[int], *, delay: float) -> web.Application:
    shop = Shop(path, offsets, delay=delay)
    app = web.Application()
    app.add_routes(
        [
            web.post("/shops/{shop}/{tail:.*}", shop.graphql),
            web.get("/file/{span}", shop.file),
            web.get("/spent", shop.spent),
        ]
    )
    return app


if __name__ == "__main__":
    source = Path(sys.argv[1])
    web.run_app(
        build_app(source, generate(source, int(sys.argv[2])), delay=float(sys.argv[4])),
        host="127.0.0.1", port=int(sys.argv[3]), access_log=None, print=None,
    )  # fmt: skip
