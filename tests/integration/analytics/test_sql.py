"""Every query is one that the migrated database understands, and the hot ones use their keys."""

from __future__ import annotations

import json

import asyncpg
import pytest

from services.analytics import store, verify
from shared.postgres import Pool
from tests.integration.analytics.orders import a_key

QUERIES = {**store.SQL, **verify.SQL}


@pytest.mark.parametrize("name", sorted(set(QUERIES)))
async def test_every_query_prepares_as_the_analytics_role(pool: Pool, name: str) -> None:
    async with pool.acquire() as conn:
        await store.make_incoming(conn)
        statement = await conn.prepare(QUERIES[name])

        assert statement.get_query() == QUERIES[name]


@pytest.mark.parametrize("name", ["take_marks", "orders", "order_lines", "refunds", "retire"])
async def test_the_drain_never_reads_a_whole_table(db: asyncpg.Connection, name: str) -> None:
    await store.make_incoming(db)
    arguments = [*_key(), 10 if name == "take_marks" else [1, 2]]
    async with db.transaction():
        await db.execute("SET LOCAL enable_seqscan = off")
        plan = await db.fetchval(f"EXPLAIN (FORMAT JSON) {QUERIES[name]}", *arguments)

    scans = [one for one in _nodes(json.loads(plan)[0]["Plan"]) if "Seq Scan" in one["Node Type"]]
    assert {one["Relation Name"] for one in scans} <= {"incoming"}


def _key() -> tuple[str, int]:
    key = a_key()
    return key.tenant_id, key.shop_id


def _nodes(plan: dict[str, object]) -> list[dict[str, object]]:
    below = [node for child in plan.get("Plans", []) for node in _nodes(child)]
    return [plan, *below]
