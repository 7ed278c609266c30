"""Every statement of the syncer is accepted by the migrated schema, under the syncer's role."""

from __future__ import annotations

from importlib import resources

import pytest

from shared.postgres import load_queries

PACKAGE = "services.syncer.store"
FILES = sorted(one.name for one in resources.files(PACKAGE).iterdir() if one.name.endswith(".sql"))


@pytest.mark.parametrize("file", FILES)
async def test_every_query_can_be_prepared(pool, file):
    queries = load_queries(PACKAGE, file)
    async with pool.acquire() as conn, conn.transaction():
        if "stage" in queries:
            await conn.execute("DISCARD TEMP")
            await conn.execute(queries.pop("stage"))
        for query in queries.values():
            await conn.prepare(query)
