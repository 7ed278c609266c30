"""Reads of the sales rollup."""

from __future__ import annotations

from datetime import datetime

from services.gateway.figures import AMOUNTS, COUNTS, Bucket
from services.gateway.models import SalesQuery
from shared.postgres import Connection, load_queries

SQL = load_queries("services.gateway.store", "analytics.sql")


async def sales(conn: Connection, shop_id: int, query: SalesQuery) -> list[Bucket]:
    """Return the sales per period and currency."""
    rows = await conn.fetch(
        SQL["sales"],
        shop_id,
        query.basis,
        query.currency,
        query.interval,
        query.date_from,
        query.date_to,
    )
    return [
        Bucket(
            period=row["period"],
            currency=row["currency"],
            counts={name: row[name] for name in COUNTS},
            amounts={name: row[name] for name in AMOUNTS},
        )
        for row in rows
    ]


async def freshness(conn: Connection, shop_id: int) -> tuple[int, datetime | None]:
    """Return how many orders are marked and not yet counted, and since when."""
    row = await conn.fetchrow(SQL["freshness"], shop_id)
    return (row["pending_orders"], row["oldest_pending_at"]) if row else (0, None)
