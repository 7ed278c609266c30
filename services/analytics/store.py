"""The ledger and its sums in Postgres. One shop at a time, under that shop's lock."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from services.analytics.domain.contributions import MEASURES, Contribution
from services.analytics.shop import ShopKey
from shared.postgres import Connection, load_queries

SQL = load_queries("services.analytics")

# By which rules orders are counted. Whoever changes what an order contributes adds one: then all
# orders are counted anew.
RULES = 3

COLUMNS = (
    "tenant_id",
    "shop_id",
    "order_id",
    "ckey",
    "kind",
    "happened_at",
    "event_day",
    "order_day",
    "currency",
    "line_id",
    "product_id",
    "variant_id",
    *MEASURES,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timezones:
    """The zone and rules the ledger was computed by, None before the first time; the shop's own."""

    used: str | None
    rules: int | None
    current: str
    currency: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Marks taken, and the distinct orders they name."""

    count: int
    order_ids: list[int]


async def shops_to_visit(conn: Connection) -> list[ShopKey]:
    """List the shops that have marks or whose time zone or rules moved."""
    rows = await conn.fetch(SQL["shops_to_visit"], RULES)
    return [ShopKey(row["tenant_id"], row["shop_id"]) for row in rows]


async def known_shops(conn: Connection) -> list[ShopKey]:
    """List every shop that has a ledger or could have one."""
    rows = await conn.fetch(SQL["known_shops"])
    return [ShopKey(row["tenant_id"], row["shop_id"]) for row in rows]


async def try_lock(conn: Connection, shop: ShopKey) -> bool:
    """Take *shop*'s lock until the transaction ends; return False if another has it."""
    locked: bool = await conn.fetchval(SQL["try_lock"], shop.tenant_id, shop.shop_id)
    return locked


async def timezones(conn: Connection, shop: ShopKey) -> Timezones:
    row = await conn.fetchrow(SQL["timezones"], shop.tenant_id, shop.shop_id)
    assert row is not None  # noqa: S101 - the query always gives a row
    return Timezones(**row)


async def use_timezone(conn: Connection, shop: ShopKey, zone: Timezones) -> None:
    await conn.execute(
        SQL["use_timezone"], shop.tenant_id, shop.shop_id, zone.current, zone.currency, RULES
    )


async def mark_all_orders(conn: Connection, shop: ShopKey) -> None:
    await conn.execute(SQL["mark_all_orders"], shop.tenant_id, shop.shop_id)


async def take_marks(conn: Connection, shop: ShopKey, limit: int) -> Marks:
    row = await conn.fetchrow(SQL["take_marks"], shop.tenant_id, shop.shop_id, limit)
    assert row is not None  # noqa: S101 - an aggregate always gives a row
    return Marks(count=row["marks"], order_ids=row["order_ids"])


async def ask_anything(conn: Connection) -> None:
    """Return when Postgres has answered."""
    await conn.execute(SQL["ask_anything"])


async def marks_pending(conn: Connection) -> int:
    count: int = await conn.fetchval(SQL["marks_pending"])
    return count


async def add_incoming(conn: Connection, shop: ShopKey, rows: Sequence[Contribution]) -> None:
    """Copy *rows* beside those already incoming."""
    if not rows:
        return
    owner = f"{shop.tenant_id}\t{shop.shop_id}\t"
    text = "".join([owner + _line(row) for row in rows])
    await conn.copy_to_table(
        "incoming",
        source=io.BytesIO(text.encode()),
        columns=COLUMNS,
        schema_name="pg_temp",
        format="text",
    )


async def replace_orders(conn: Connection, shop: ShopKey, order_ids: Sequence[int]) -> bool:
    """Make the ledger of *order_ids* equal to what is incoming; return whether it changed."""
    gone: int = await conn.fetchval(SQL["retire"], shop.tenant_id, shop.shop_id, order_ids)
    came: int = await conn.fetchval(SQL["enrol"], shop.tenant_id, shop.shop_id)
    if gone:
        await conn.execute(SQL["drop_empty_buckets"], shop.tenant_id, shop.shop_id)
    return bool(gone or came)


def _line(row: Contribution) -> str:
    # Kinds and keys are made of letters, digits and colons: nothing to escape.
    m = row.measures
    return (
        f"{row.order_id}\t{row.ckey}\t{row.kind}\t{row.happened_at.isoformat()}\t{row.event_day}\t"
        f"{row.order_day}\t{row.currency}\t{_id(row.line_id)}\t{_id(row.product_id)}\t"
        f"{_id(row.variant_id)}\t{m.orders}\t{m.units}\t{m.gross_sales}\t{m.discounts}\t"
        f"{m.gross_reversals}\t{m.discount_reversals}\t{m.adjustments}\t{m.shipping}\t{m.taxes}\t"
        f"{m.duties}\t{m.additional_fees}\t{m.tips}\t{m.gift_card_sales}\n"
    )


def _id(number: int | None) -> str:
    return r"\N" if number is None else str(number)
