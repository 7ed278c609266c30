"""What has become too old to keep, a piece at a time."""

from __future__ import annotations

from shared.postgres import Connection, load_queries

SQL = load_queries(__package__, "prune.sql")


async def piece(conn: Connection, what: str, *, limit: int) -> int:
    """Remove up to *limit* old ones of *what*, as the queries name it; return how many."""
    done = await conn.execute(SQL[what], limit)
    return int(done.rpartition(" ")[2])
