"""Every statement of the syncer is accepted by the migrated schema, under the syncer's role."""

from __future__ import annotations

import pytest

from services.syncer.store.comparing import comparing
from services.syncer.store.statements import statements
from shared.shopify.resources import BY_KIND
from shared.tables import TABLES


@pytest.mark.parametrize("kind", TABLES)
async def test_every_statement_of_a_kind_can_be_prepared(pool, kind):
    queries = dict(statements(kind))
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("DISCARD TEMP")
        await conn.execute(queries.pop("stage"))
        for query in queries.values():
            await conn.prepare(query)


@pytest.mark.parametrize("kind", BY_KIND)
async def test_every_comparing_statement_of_a_kind_can_be_prepared(pool, kind):
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("DISCARD TEMP")
        await conn.execute(statements(kind)["stage"])
        if kind == "inventory_item":
            await conn.execute(statements("inventory_level")["stage"])
        for query in comparing(kind).values():
            await conn.prepare(query)
