"""The simplest loader: one statement a row, each its own transaction."""

from __future__ import annotations

from pathlib import Path

import asyncpg

from bench.peers.rows import MARK, TABLES, mark, orders_of, upsert


async def load(db: asyncpg.Connection, file: Path, orders: int, *, tenant_id: str) -> None:
    """Load the first *orders* of a bulk file."""
    statements = {table: await db.prepare(upsert(table)) for table in TABLES}
    marking = await db.prepare(MARK)
    for found in orders_of(file, orders, tenant_id=tenant_id, shop_id=1):
        for table in TABLES:
            for row in found[table]:
                await statements[table].fetch(*row)
        await marking.fetch(*mark(found["orders"][0]))
