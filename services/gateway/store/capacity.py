"""Sizes, as PostgreSQL knows them."""

from __future__ import annotations

from shared.postgres import Connection, load_queries

SQL = load_queries("services.gateway.store", "capacity.sql")

# A table that a migration has locked is measured the next time.
_ANSWER_SECONDS = 10


async def database_bytes(conn: Connection) -> int:
    """Return the size of the database with all that is in it."""
    size: int = await conn.fetchval(SQL["database_bytes"], timeout=_ANSWER_SECONDS)
    return size


async def table_bytes(conn: Connection) -> dict[str, int]:
    """Return the size of each table of ours by its name."""
    rows = await conn.fetch(SQL["table_bytes"], timeout=_ANSWER_SECONDS)
    return {row["name"]: row["bytes"] for row in rows}
