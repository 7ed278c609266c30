"""Privacy requests and the parts of their exports."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import zstandard

from services.gateway.privacy import PrivacyRequest, RequestQuery
from shared.postgres import Connection, load_queries

SQL = load_queries("services.gateway.store", "privacy.sql")


async def requests(
    conn: Connection, query: RequestQuery, *, after: tuple[datetime, UUID] | None
) -> list[PrivacyRequest]:
    """Return a page of requests, newest first, and one more when there are more."""
    place = after or (None, None)
    rows = await conn.fetch(
        SQL["requests"], None, query.shop_id, query.state, *place, query.limit + 1
    )
    return [PrivacyRequest.model_validate(dict(row)) for row in rows]


async def request(conn: Connection, request_id: UUID) -> PrivacyRequest | None:
    """Return one request."""
    row = await conn.fetchrow(SQL["requests"], request_id, None, None, None, None, 1)
    return PrivacyRequest.model_validate(dict(row)) if row else None


async def part(conn: Connection, shop_id: int, request_id: UUID, number: int) -> bytes | None:
    """Return a part of an export as JSON Lines; None behind the last, or when it has expired."""
    lines: bytes | None = await conn.fetchval(SQL["part"], shop_id, request_id, number)
    return zstandard.ZstdDecompressor().decompress(lines) if lines is not None else None
