"""Distinct, really signed order deliveries of about 10 KB, as bytes on the wire."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Iterator

PATH = "/api/v1/shopify/webhooks"


def requests(count: int, *, secret: str, shop: str, noise: int = 0) -> list[bytes]:
    """Return *count* HTTP requests; *noise* adds that many random characters to each body."""
    return [
        _request(body, number, secret=secret, shop=shop)
        for number, body in enumerate(bodies(count, noise=noise))
    ]


def bodies(count: int, *, noise: int = 0) -> Iterator[bytes]:
    """Yield order payloads; the same ones in every run."""
    rng = random.Random(20261121)
    for number in range(count):
        yield json.dumps(_order(rng, 5_000_000_000 + number, noise)).encode()


def _order(rng: random.Random, order_id: int, noise: int) -> dict[str, object]:
    lines = [_line(rng, order_id * 10 + position) for position in range(7)]
    cents = sum(line["quantity"] * round(float(line["price"]) * 100) for line in lines)
    return {
        "id": order_id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order_id}",
        "name": f"#{order_id % 100_000}",
        "email": f"customer{rng.randrange(10**6)}@example.com",
        "created_at": f"2026-11-{rng.randrange(1, 28):02}T10:{rng.randrange(60):02}:00+01:00",
        "updated_at": f"2026-11-{rng.randrange(1, 28):02}T11:{rng.randrange(60):02}:00+01:00",
        "currency": "EUR",
        "financial_status": rng.choice(["paid", "pending", "refunded"]),
        "token": f"{rng.getrandbits(128):032x}",
        "cart_token": f"{rng.getrandbits(128):032x}",
        "checkout_token": f"{rng.getrandbits(128):032x}",
        "total_price": f"{cents / 100:.2f}",
        "total_price_set": _money(cents),
        "subtotal_price_set": _money(cents),
        "customer": {"id": rng.randrange(10**12), "default_address": _address(rng)},
        "billing_address": _address(rng),
        "shipping_address": _address(rng),
        "line_items": lines,
        "note": base64.b64encode(rng.randbytes(noise * 3 // 4)).decode(),
    }


def _line(rng: random.Random, line_id: int) -> dict[str, object]:
    cents = rng.randrange(500, 20_000)
    return {
        "id": line_id,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{line_id}",
        "variant_id": rng.randrange(10**13),
        "product_id": rng.randrange(10**13),
        "title": rng.choice(["Pear", "Apple", "Quince", "Plum"]) + f" {rng.randrange(1000)}",
        "sku": f"SKU-{rng.randrange(10**6)}",
        "quantity": rng.randrange(1, 5),
        "price": f"{cents / 100:.2f}",
        "price_set": _money(cents),
        "tax_lines": [
            {
                "title": "VAT",
                "rate": 0.19,
                "price": f"{cents * 19 // 100 / 100:.2f}",
                "price_set": _money(cents * 19 // 100),
                "channel_liable": False,
            }
        ],
        "discount_allocations": [
            {"amount": "1.00", "amount_set": _money(100), "discount_application_index": 0}
        ],
        "properties": [{"name": "_bundle", "value": f"{rng.getrandbits(64):016x}"}],
        "fulfillment_service": "manual",
        "requires_shipping": True,
        "taxable": True,
        "origin_location": _address(rng),
    }


def _money(cents: int) -> dict[str, dict[str, str]]:
    amount = {"amount": f"{cents / 100:.2f}", "currency_code": "EUR"}
    return {"shop_money": amount, "presentment_money": amount}


def _address(rng: random.Random) -> dict[str, object]:
    return {
        "first_name": rng.choice(["Ada", "Grace", "Edsger", "Barbara"]),
        "last_name": rng.choice(["Lovelace", "Hopper", "Dijkstra", "Liskov"]),
        "address1": f"{rng.randrange(1, 400)} Orchard Street",
        "city": rng.choice(["Berlin", "Hamburg", "Leipzig"]),
        "zip": f"{rng.randrange(10_000, 99_999)}",
        "country_code": "DE",
        "phone": f"+49{rng.randrange(10**9)}",
        "latitude": round(rng.uniform(47, 55), 6),
        "longitude": round(rng.uniform(6, 15), 6),
    }


def _request(body: bytes, number: int, *, secret: str, shop: str) -> bytes:
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"User-Agent: Shopify-Captain-Hook\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"
        f"X-Shopify-Topic: orders/updated\r\nX-Shopify-Hmac-Sha256: {signature}\r\n"
        f"X-Shopify-Shop-Domain: {shop}\r\nX-Shopify-API-Version: 2026-10\r\n"
        f"X-Shopify-Webhook-Id: b54557e4-bdd9-4b37-8a5f-{number:012x}\r\n"
        f"X-Shopify-Event-Id: 98880550-7158-44d4-b7cd-{number:012x}\r\n"
        f"X-Shopify-Triggered-At: 2026-11-21T10:00:00.123456789Z\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
