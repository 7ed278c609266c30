"""What has become too old to keep, a piece at a time."""

from __future__ import annotations

from shared.postgres import Connection, load_queries

SQL = load_queries(__package__, "prune.sql")


async def piece(conn: Connection, what: str, *limits: object) -> int:
    """Remove old ones of *what*, within the *limits* that its query takes; return how many."""
    done = await conn.execute(SQL[what], *limits)
    return int(done.rpartition(" ")[2])
