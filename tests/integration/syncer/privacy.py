"""A shop with customers whose names occur everywhere, and what Shopify asks about them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import asyncpg
import orjson
import zstandard

from services.syncer import privacy
from shared.bus.postgres_bus import PostgresBus
from shared.bus.protocol import Bus
from shared.deliveries import Delivery
from shared.postgres import Pool
from shared.shopify.snapshots import Owner
from tests.integration.syncer.test_deliveries import a_delivery

DOMAIN = "tea.myshopify.com"
CUSTOMER, ORDER = 7_001_002_003, 8_001_002_003
OTHER_CUSTOMER, OTHER_ORDER = 7_001_002_999, 8_001_002_999
EMAIL, PHONE = "Ada@Example.com", "+4930123456"
MARK = "PERSONAL"


async def a_store(db: asyncpg.Connection, *, status: str = "active") -> Owner:
    """Return whose a new store in *status* is; it has credentials."""
    tenant_id = str(uuid.uuid4())
    await db.execute("INSERT INTO accounts.tenants (tenant_id, name) VALUES ($1, 'A')", tenant_id)
    shop_id = await db.fetchval(
        "INSERT INTO accounts.stores (tenant_id, shop_domain, name, status)"
        " VALUES ($1, $2, 'Tea', $3) RETURNING shop_id",
        tenant_id,
        DOMAIN,
        status,
    )
    await db.execute(
        "INSERT INTO accounts.credentials (tenant_id, shop_id, grant_type, access_token_enc,"
        " scopes, token_last4) VALUES ($1, $2, 'static_token', 'x', '{}', 'last')",
        tenant_id,
        shop_id,
    )
    return Owner(tenant_id=tenant_id, shop_id=shop_id)


def delivered(owner: Owner, topic: str, body: object, webhook_id: str = "") -> Delivery:
    """Return a delivery of *owner*'s shop."""
    return a_delivery(
        webhook_id or str(uuid.uuid4()),
        topic,
        orjson.dumps(body),
        tenant_id=owner.tenant_id,
        shop_id=owner.shop_id,
        received_at="2026-11-01T00:00:00+00:00",
    )


def asked(owner: Owner, topic: str, webhook_id: str = "", *, orders: tuple[int, ...] = (ORDER,)):
    """Return what Shopify sends on *topic*."""
    body: dict[str, object] = {"shop_id": 5, "shop_domain": DOMAIN}
    if topic != "shop/redact":
        body["customer"] = {"id": CUSTOMER, "email": EMAIL, "phone": PHONE}
    if topic == "customers/redact":
        body["orders_to_redact"] = list(orders)
    if topic == "customers/data_request":
        body |= {"orders_requested": list(orders), "data_request": {"id": 9}}
    return delivered(owner, topic, body, webhook_id)


async def fill(db: asyncpg.Connection, table: str, **given: object) -> None:
    """Insert a row whose every text, JSON and archive holds MARK, unless it is *given*."""
    columns = await db.fetch(
        "SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type"
        " FROM pg_attribute a WHERE a.attrelid = $1::text::regclass AND a.attnum > 0"
        " AND NOT a.attisdropped AND a.attidentity = '' AND a.attgenerated = ''",
        f"commerce.{table}",
    )
    values = {c["name"]: given.get(c["name"], _filler(c["type"])) for c in columns}
    places = ", ".join(
        f"${n}::text::jsonb" if c["type"] == "jsonb" else f"${n}"
        for n, c in enumerate(columns, start=1)
    )
    await db.execute(
        f"INSERT INTO commerce.{table} ({', '.join(values)}) VALUES ({places})", *values.values()
    )


def _filler(kind: str) -> object:
    fillers = {
        "text": MARK,
        "text[]": [MARK],
        "jsonb": orjson.dumps([{"name": MARK}]).decode(),
        "bytea": zstandard.ZstdCompressor().compress(orjson.dumps({"name": MARK})),
        "boolean": False,
        "character(3)": "USD",
        "timestamp with time zone": datetime(2026, 1, 2, tzinfo=UTC),
        "date": datetime(2026, 1, 2, tzinfo=UTC).date(),
        "uuid": uuid.UUID(int=3),
        "double precision": 1.0,
    }
    return fillers.get(kind, 1)


async def work(pool: Pool, *buses: Bus) -> None:
    """Do everything that is asked for; letters lie dead on *buses*, or else in Postgres."""
    while await privacy.work_once(pool, buses or [PostgresBus(pool)]):
        pass


async def requests(db: asyncpg.Connection) -> list[asyncpg.Record]:
    return list(await db.fetch("SELECT * FROM commerce.privacy_requests ORDER BY received_at"))
