"""The hot queries find their rows by key, also on tables that nobody has analyzed."""

from __future__ import annotations

import json

import asyncpg
import pytest

from services.analytics import store
from tests.integration.analytics.orders import a_key


@pytest.mark.parametrize(
    "name", ["take_marks", "orders", "order_lines", "refunds", "refund_lines", "retire"]
)
async def test_the_drain_never_reads_a_whole_table(db: asyncpg.Connection, name: str) -> None:
    await store.make_incoming(db)
    arguments = [*_key(), 10 if name == "take_marks" else [1, 2]]
    async with db.transaction():
        await db.execute("SET LOCAL enable_seqscan = off")
        plan = await db.fetchval(f"EXPLAIN (FORMAT JSON) {store.SQL[name]}", *arguments)

    nodes = _nodes(json.loads(plan)[0]["Plan"])
    scanned = {one["Relation Name"] for one in nodes if one["Node Type"] == "Seq Scan"}
    assert scanned <= {"incoming"}
    assert any("_pkey" in str(one.get("Index Name")) for one in nodes)


def _key() -> tuple[str, int]:
    key = a_key()
    return key.tenant_id, key.shop_id


def _nodes(plan: dict[str, object]) -> list[dict[str, object]]:
    below = [node for child in plan.get("Plans", []) for node in _nodes(child)]
    return [plan, *below]
