"""What the demo reads from the database to compare it with the simulator's truth."""

from __future__ import annotations

from decimal import Decimal

from shared.postgres import Connection, load_queries

SQL = load_queries("services")


async def rows_per_kind(conn: Connection, shop_id: int) -> list[tuple[str, int]]:
    """Return how many rows of each kind the store has, without the deleted ones."""
    return [(row["kind"], row["rows"]) for row in await conn.fetch(SQL["rows_per_kind"], shop_id)]


async def order_total(conn: Connection, shop_id: int) -> Decimal:
    """Return the sum of all orders' current totals in the shop's currency."""
    total: Decimal = await conn.fetchval(SQL["order_total"], shop_id)
    return total


async def deliveries_per_state(conn: Connection, shop_id: int) -> list[tuple[str, int]]:
    """Return how many webhook deliveries ended in which state."""
    rows = await conn.fetch(SQL["deliveries_per_state"], shop_id)
    return [(row["state"], row["deliveries"]) for row in rows]


async def unfinished(conn: Connection, shop_id: int) -> int:
    """Return how many refetches and jobs are still to be worked off."""
    count: int = await conn.fetchval(SQL["unfinished"], shop_id)
    return count
