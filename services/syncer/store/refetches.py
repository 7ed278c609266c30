"""Objects that must be read again by id."""

from __future__ import annotations

from collections.abc import Mapping

from shared.postgres import Connection, load_queries

SQL = load_queries(__package__, "refetches.sql")


async def ask(conn: Connection, wishes: Mapping[tuple[str, int, str, int], str]) -> None:
    """Ask for objects, given as ``(tenant, shop, kind, id) -> reason`` in lock order."""
    await conn.execute(
        SQL["ask"],
        [key[0] for key in wishes],
        [key[1] for key in wishes],
        [key[2] for key in wishes],
        [key[3] for key in wishes],
        list(wishes.values()),
    )
