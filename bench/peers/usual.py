"""The usual loader: orjson, and executemany of 500 orders in one transaction."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import asyncpg

from bench.peers.rows import MARK, TABLES, mark, orders_of, upsert

_AT_ONCE = 500


async def load(db: asyncpg.Connection, file: Path, orders: int, *, tenant_id: str) -> None:
    """Load the first *orders* of a bulk file."""
    found = orders_of(file, orders, tenant_id=tenant_id, shop_id=1)
    while part := list(islice(found, _AT_ONCE)):
        async with db.transaction():
            for table in TABLES:
                await db.executemany(upsert(table), [row for one in part for row in one[table]])
            await db.executemany(MARK, [mark(one["orders"][0]) for one in part])
