"""Rows of every synced kind, each carrying its tenant's mark somewhere in its text."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg
import zstandard

MOMENT = datetime(2026, 11, 1, 12, tzinfo=UTC)
ORDER, PRODUCT, CUSTOMER, ITEM, LOCATION, GIFT_CARD = 7001, 7002, 7003, 7004, 7005, 7006
SUBSCRIPTION = 7007

_OF_TYPE = {
    "uuid": uuid.UUID(int=0),
    "text": "",
    "bigint": 0,
    "integer": 0,
    "smallint": 0,
    "numeric": Decimal(0),
    "boolean": False,
    "timestamp with time zone": MOMENT,
    "date": MOMENT.date(),
    "jsonb": "{}",
    "bytea": b"",
    "character": "GBP",
    "ARRAY": [],
}


async def insert(db: asyncpg.Connection, table: str, **values: object) -> None:
    """Insert a row with *values*; columns that must not be null get something plain."""
    schema, name = table.split(".")
    columns = await db.fetch(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = $1 AND table_name = $2 AND is_nullable = 'NO'"
        " AND column_default IS NULL AND is_identity = 'NO' AND is_generated = 'NEVER'",
        schema,
        name,
    )
    filled = {row["column_name"]: _OF_TYPE[row["data_type"]] for row in columns} | values
    places = ", ".join(f"${number}" for number in range(1, len(filled) + 1))
    await db.execute(
        f"INSERT INTO {table} ({', '.join(filled)}) VALUES ({places})", *filled.values()
    )


async def insert_store(db: asyncpg.Connection, tenant_id: uuid.UUID, shop_domain: str) -> int:
    return await db.fetchval(
        "INSERT INTO accounts.stores (tenant_id, shop_domain, name, currency, iana_timezone)"
        " VALUES ($1, $2, $2, 'GBP', 'Europe/London') RETURNING shop_id",
        tenant_id,
        shop_domain,
    )


async def insert_order(
    db: asyncpg.Connection, tenant_id: uuid.UUID, shop_id: int, order_id: int, **values: object
) -> None:
    await insert(
        db,
        "commerce.orders",
        **{
            "tenant_id": tenant_id,
            "shop_id": shop_id,
            "order_id": order_id,
            "name": f"#{order_id}",
            "processed_at": MOMENT + timedelta(seconds=order_id),
            "source": "poll",
            **values,
        },
    )


async def insert_everything(
    db: asyncpg.Connection, tenant_id: uuid.UUID, shop_id: int, mark: str
) -> str:
    """Insert one of each kind; return the sync job's id."""
    owner = {"tenant_id": tenant_id, "shop_id": shop_id}
    raw = zstandard.ZstdCompressor().compress(json.dumps({"note": f"raw of {mark}"}).encode())
    await insert_order(
        db, tenant_id, shop_id, ORDER, name=f"{mark}-1", raw=raw, customer_id=CUSTOMER,
        financial_status="PAID", total_price=Decimal("12.3400"), tags=[mark],
        billing_address=json.dumps({"city": mark}),
    )  # fmt: skip
    of_order = owner | {"order_id": ORDER}
    await insert(db, "commerce.order_lines", **of_order, line_id=1, title=f"{mark} cup", quantity=3)
    await insert(db, "commerce.refunds", **of_order, refund_id=5, note=f"{mark} refund")
    await insert(
        db, "commerce.refund_lines", **of_order, refund_id=5, refund_line_id=6, line_id=1,
        restock_type="RETURN",
    )  # fmt: skip
    await insert(db, "commerce.transactions", **of_order, transaction_id=8, gateway=mark)
    await insert(db, "commerce.fulfillments", **of_order, fulfillment_id=9, name=mark)
    await insert(db, "commerce.products", **owner, product_id=PRODUCT, title=f"{mark} cup")
    await insert(
        db, "commerce.variants", **owner, product_id=PRODUCT, variant_id=1, title=mark,
        inventory_quantity=4,
    )  # fmt: skip
    await insert(db, "commerce.customers", **owner, customer_id=CUSTOMER, email=f"a@{mark}.example")
    await insert(db, "commerce.inventory_items", **owner, inventory_item_id=ITEM, sku=f"{mark}-sku")
    await insert(db, "commerce.locations", **owner, location_id=LOCATION, name=f"{mark} depot")
    await insert(
        db, "commerce.inventory_levels", **owner, inventory_item_id=ITEM, location_id=LOCATION
    )
    await insert(
        db, "commerce.webhook_events", **owner, topic="orders/create", webhook_id=mark,
        state="applied", resource_id=ORDER, body=raw, outcome=f"order:{ORDER}:inserted",
    )  # fmt: skip
    await insert(db, "commerce.sync_state", **owner, kind="orders", last_error=f"{mark} error")
    await insert(
        db, "analytics.daily_sales", **owner, basis="event", currency="GBP", orders=1, units=3,
        gross_sales=Decimal("12.3450"), discounts=Decimal("0.3400"),
    )  # fmt: skip
    await insert(db, "analytics.order_marks", **owner, order_id=ORDER)
    job_id = uuid.uuid4()
    await insert(
        db, "commerce.sync_jobs", **owner, job_id=job_id, kind="orders", mode="full",
        trigger="connect", status="succeeded", rows_done=1, requested_by=mark,
    )  # fmt: skip
    await insert(
        db, "commerce.verifications", **owner, job_id=job_id, resource="orders", mode="verify",
        ours=1, theirs=1, differences=1,
    )  # fmt: skip
    await insert(
        db, "commerce.verification_differences", **owner, job_id=job_id, id=ORDER, what="differs",
        columns=["orders.note"], details=json.dumps([{"column": "orders.note", "ours": mark}]),
    )  # fmt: skip
    await insert(db, "commerce.gift_cards", **owner, gift_card_id=GIFT_CARD, note=mark)
    await insert(
        db, "commerce.schema_drift", **owner, kind="enum", what="orders.status", example=mark,
    )  # fmt: skip
    await insert(
        db, "commerce.capabilities", **owner, resource="orders", state="failing", reason=mark
    )
    await insert(
        db, "commerce.privacy_requests", tenant_id=tenant_id, shop_id=shop_id, request_id=job_id,
        topic="customers/data_request", webhook_id=mark, result=mark,
    )  # fmt: skip
    await insert(
        db, "commerce.privacy_exports", tenant_id=tenant_id, shop_id=shop_id, request_id=job_id,
        lines=zstandard.ZstdCompressor().compress(json.dumps({"row": mark}).encode()),
        expires_at=datetime.now(UTC) + timedelta(days=1),
    )  # fmt: skip
    await insert_webhooks(db, tenant_id, shop_id, job_id, mark)
    return str(job_id)


async def insert_webhooks(
    db: asyncpg.Connection, tenant_id: uuid.UUID, shop_id: int, endpoint_id: uuid.UUID, mark: str
) -> None:
    """Insert a subscription, and an endpoint with a message of its id, which failed once."""
    await insert(
        db, "commerce.webhook_subscriptions", tenant_id=tenant_id, shop_id=shop_id,
        topic="ORDERS_CREATE", gid=f"gid://shopify/WebhookSubscription/{SUBSCRIPTION}",
        uri=f"https://{mark}.example/",
    )  # fmt: skip
    key = {"tenant_id": tenant_id, "endpoint_id": endpoint_id}
    url = f"https://{mark}.example.com/hook"
    await insert(db, "accounts.webhook_endpoints", **key, url=url)
    key |= {"shop_id": shop_id, "event_id": endpoint_id}
    await insert(
        db, "commerce.outgoing_messages", **key, type="order.changed", body="{}", state="failed"
    )
    await insert(db, "commerce.outgoing_attempts", **key, status=500)
