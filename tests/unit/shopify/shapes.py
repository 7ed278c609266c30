"""One order, told as REST tells it and as GraphQL tells it: the tests' own account of both."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from shared.deliveries import Delivery
from shared.shopify.snapshots import Owner

TENANT = "00000000-0000-0000-0000-00000000000a"
OWNER = Owner(tenant_id=TENANT, shop_id=7)
SHOP = "jsmith.myshopify.com"
MOMENT = "2026-03-29T18:00:27Z"

words = st.text(st.characters(codec="utf-8", exclude_characters=","), min_size=1, max_size=8).map(
    lambda text: "".join(text.split()) or "x"
)
ids = st.integers(1, 2**62)
cents = st.integers(0, 10**7)
counts = st.integers(0, 50)
moments = st.integers(1_300_000_000, 1_900_000_000).map(
    lambda second: datetime.fromtimestamp(second, timezone(timedelta(hours=-5))).isoformat()
)
money = st.tuples(cents, cents)


def a_delivery(topic: str, body: bytes, **changes: Any) -> Delivery:
    fields = {
        "tenant_id": TENANT,
        "shop_id": 7,
        "shop_domain": SHOP,
        "topic": topic,
        "webhook_id": "w-1",
        "event_id": "e-1",
        "triggered_at": MOMENT,
        "received_at": MOMENT,
        "api_version": "2026-10",
        "body": body,
    }
    return Delivery(**{**fields, **changes})


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def record(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


def few(strategy: st.SearchStrategy[Any], most: int = 2) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, max_size=most)


taxes = record(
    title=words,
    rate=st.integers(0, 40).map(lambda n: n / 200),
    liable=maybe(st.booleans()),
    price=money,
)
allocations = record(index=st.integers(0, 3), amount=money)
attributes = record(name=words, value=maybe(words))
addresses = record(
    first_name=maybe(words),
    last_name=maybe(words),
    name=words,
    company=maybe(words),
    address1=maybe(words),
    address2=maybe(st.just("") | words),
    city=maybe(words),
    province=maybe(words),
    province_code=maybe(words),
    country=maybe(words),
    country_code=maybe(words),
    zip=maybe(words),
    phone=maybe(words),
    latitude=maybe(st.floats(-90, 90)),
    longitude=maybe(st.floats(-90, 90)),
)
lines = record(
    id=ids,
    title=words,
    variant_title=maybe(words),
    vendor=maybe(words),
    sku=maybe(words),
    quantity=counts,
    current_quantity=counts,
    gift_card=st.booleans(),
    requires_shipping=st.booleans(),
    taxable=st.booleans(),
    product=maybe(ids),
    variant=maybe(ids),
    attributes=few(attributes),
    price=money,
    taxes=few(taxes, 3),
    allocations=few(allocations, 3),
    duties=few(record(id=ids, country=words, code=words, price=money, taxes=few(taxes)), 1),
)
shipping_lines = record(
    id=ids,
    title=words,
    code=maybe(words),
    source=maybe(words),
    price=money,
    discounted=money,
    taxes=few(taxes),
    allocations=few(allocations),
)
discounts = record(
    kind=st.sampled_from(["discount_code", "automatic", "manual", "script"]),
    title=words,
    method=st.sampled_from(["across", "each", "one"]),
    selection=st.sampled_from(["all", "entitled", "explicit"]),
    target=st.sampled_from(["line_item", "shipping_line"]),
    percentage=st.booleans(),
    value=st.integers(1, 99),
)
refunds = record(
    id=ids,
    moment=moments,
    note=maybe(words),
    lines=few(
        record(
            id=ids,
            line=ids,
            quantity=counts,
            restock=st.sampled_from(["no_restock", "return", "cancel"]),
            location=maybe(ids),
            subtotal=money,
            tax=money,
        )
    ),
    adjustments=few(record(id=ids, amount=money, tax=money)),
    shipping=few(record(id=ids, line=maybe(ids), amount=money, tax=money), 1),
    duties=few(record(duty=ids, amount=money), 1),
    paid=few(record(id=ids, amount=cents)),
)
fulfillments = record(
    id=ids,
    moment=moments,
    status=st.sampled_from(["success", "cancelled"]),
    name=words,
    location=maybe(ids),
    quantities=few(counts),
    company=maybe(words),
    parcels=few(st.tuples(words, words)),
)
TOTALS = (
    "subtotal_price",
    "total_discounts",
    "total_tax",
    "total_price",
    "current_subtotal_price",
    "current_total_discounts",
    "current_total_tax",
    "current_total_price",
)
orders = record(
    id=ids,
    name=words,
    confirmation_number=maybe(words),
    email=maybe(words),
    phone=maybe(words),
    note=maybe(words),
    po_number=maybe(words),
    customer_locale=maybe(words),
    source_name=maybe(words),
    created_at=moments,
    processed_at=moments,
    updated_at=moments,
    cancelled_at=maybe(moments),
    cancel_reason=maybe(st.sampled_from(["customer", "fraud", "other"])),
    closed_at=maybe(moments),
    financial_status=st.sampled_from(["paid", "pending", "partially_refunded"]),
    fulfillment=st.sampled_from(
        [
            (None, "UNFULFILLED"),
            (None, "ON_HOLD"),
            ("partial", "PARTIALLY_FULFILLED"),
            ("fulfilled", "FULFILLED"),
            ("restocked", "RESTOCKED"),
        ]
    ),
    taxes_included=st.booleans(),
    duties_included=st.booleans(),
    estimated_taxes=st.booleans(),
    test=st.booleans(),
    confirmed=st.booleans(),
    gateways=few(words),
    app=maybe(ids),
    customer=maybe(ids),
    tags=st.lists(words, max_size=3, unique=True),
    attributes=few(attributes),
    billing=maybe(addresses),
    shipping=maybe(addresses),
    totals=st.tuples(*[money] * len(TOTALS)),
    shipping_price=money,
    tip=cents,
    outstanding=cents,
    duties=maybe(money),
    taxes=few(taxes),
    lines=st.lists(lines, min_size=1, max_size=3),
    shipping_lines=few(shipping_lines),
    discounts=few(discounts, 3),
    refunds=few(refunds),
    fulfillments=few(fulfillments),
)
