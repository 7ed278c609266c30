"""Everything that is held about a customer, row by row, and the parts of its export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
import zstandard

from services.syncer.domain.privacy import Request
from shared.postgres import Connection, load_queries
from shared.tables import COLUMNS, KEYS

SQL = load_queries(__package__, "privacy_exporting.sql")
_TEMPLATE = load_queries(__package__, "privacy_rows.sql")["rows"]

# By the first of these that a table has, its rows are found.
_FOUND_BY = (
    "draft_order_id",
    "checkout_id",
    "gift_card_id",
    "fulfillment_order_id",
    "order_id",
    "customer_id",
)
# They name orders and are no customer's business.
_LEFT_OUT = frozenset({"balance_transactions"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of a table with what Shopify sent of it; both are JSON."""

    table: str
    row: bytes
    raw: bytes | None

    @property
    def text(self) -> bytes:
        """The line of the export."""
        raw = self.raw or b"null"
        said = raw if _is_json(raw) else orjson.dumps(raw.decode(errors="replace"))
        return b'{"table":"%b","row":%b,"raw":%b}\n' % (self.table.encode(), self.row, said)


async def lines(conn: Connection, request: Request) -> AsyncIterator[Line]:
    """Yield what is held about the customer; in a transaction, without holding all of it."""
    key = (request.owner.tenant_id, request.owner.shop_id)
    found = await conn.fetchrow(SQL["belongings"], *key, request.customer_id, request.order_ids)
    assert found is not None  # noqa: S101 - one row whatever is there
    belongings = dict(found)
    for table, column in _tables().items():
        async for line in _rows(conn, table, _statement(table, column), (*key, belongings[column])):
            yield line
    ids = sorted({one for several in belongings.values() for one in several})
    async for line in _rows(conn, "webhook_events", SQL["deliveries"], (*key, ids)):
        yield line


async def keep(
    conn: Connection, request: Request, number: int, lines: bytes, *, expires_at: datetime
) -> None:
    """Store one part of the export."""
    owner = request.owner
    packed = zstandard.ZstdCompressor(level=3).compress(lines)
    await conn.execute(
        SQL["keep"], owner.tenant_id, owner.shop_id, request.request_id, number, packed, expires_at
    )


async def clear(conn: Connection, request: Request) -> None:
    """Delete what an earlier attempt left."""
    owner = request.owner
    await conn.execute(SQL["clear"], owner.tenant_id, owner.shop_id, request.request_id)


async def forget(conn: Connection) -> int:
    """Delete some parts that have expired; return how many."""
    return int((await conn.execute(SQL["forget"])).rpartition(" ")[2])


async def _rows(
    conn: Connection, table: str, statement: str, arguments: Sequence[object]
) -> AsyncIterator[Line]:
    decompress = zstandard.ZstdDecompressor().decompress
    async for row in conn.cursor(statement, *arguments, prefetch=50):
        raw = decompress(row["raw"]) if row["raw"] is not None else None
        yield Line(table=table, row=row["row"].encode(), raw=raw)


def _tables() -> Mapping[str, str]:
    found = {
        table: next((one for one in _FOUND_BY if one in columns), None)
        for table, columns in COLUMNS.items()
        if table not in _LEFT_OUT
    }
    return {table: column for table, column in found.items() if column is not None}


def _statement(table: str, column: str) -> str:
    raw = "t.raw" if "raw" in COLUMNS[table] else "NULL::bytea"
    key = ", ".join(f"t.{one}" for one in KEYS[table])
    return _TEMPLATE.format(table=table, column=column, raw=raw, key=key)


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return b"\n" not in text
