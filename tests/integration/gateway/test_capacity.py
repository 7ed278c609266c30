"""What the gateway tells of the database's size is what PostgreSQL says."""

from __future__ import annotations

from services.gateway.capacity import measure
from services.gateway.metrics import DATABASE_BYTES, TABLE_BYTES

TABLES = """
    SELECT schemaname || '.' || tablename AS name FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'public')
"""


def told() -> dict[str, float]:
    (family,) = TABLE_BYTES.collect()
    return {sample.labels["table"]: sample.value for sample in family.samples}


async def test_every_table_is_measured_with_its_indexes(gateway, alba, db):
    await measure(gateway.pool)

    assert told().keys() == {row["name"] for row in await db.fetch(TABLES)}
    orders = await db.fetchval("SELECT pg_total_relation_size('commerce.orders')")
    assert told()["commerce.orders"] == orders > 0
    assert sum(told().values()) < DATABASE_BYTES._value.get()
