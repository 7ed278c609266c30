"""Connections of syncers that no longer do anything."""

from __future__ import annotations

from shared.postgres import Connection, load_queries

SQL = load_queries(__package__, "frozen.sql")


async def end(conn: Connection, *, seconds: float) -> list[int]:
    """End those that have waited *seconds* for rows to write; return their process ids."""
    await conn.execute(SQL["as_who_logged_in"])
    return [row["pid"] for row in await conn.fetch(SQL["end"], seconds)]
