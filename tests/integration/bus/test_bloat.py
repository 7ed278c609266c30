"""Space on the Postgres bus levels off; the whole million is ``python -m tests.faults.bloat``."""

from __future__ import annotations

import asyncpg

from tests.faults.bloat import Look, complaints, looks


async def test_the_table_and_its_indexes_do_not_grow_with_what_went_through(
    dsn: str, db: asyncpg.Connection
):
    found = await looks(dsn, 10_000, vacuum=True, told=lambda _: None)

    assert complaints(found) == []
    assert found[-1].rows_bytes + found[-1].index_bytes < 10_000_000
    assert await db.fetchval("SELECT count(*) FROM bus.messages") == 0


async def test_vacuuming_goes_by_rows_and_does_not_pause(db: asyncpg.Connection):
    options = await db.fetchval(
        "SELECT reloptions FROM pg_class WHERE oid = 'bus.messages'::regclass"
    )

    assert {
        *("fillfactor=70", "autovacuum_vacuum_scale_factor=0", "autovacuum_vacuum_threshold=1000"),
        "autovacuum_vacuum_cost_delay=0",
    } <= set(options)


def a_look(done: int, *, rows_bytes: int = 5_000_000, per_second: float = 1000) -> Look:
    return Look(
        done=done,
        per_second=per_second,
        rows_bytes=rows_bytes,
        index_bytes=1_000_000,
        dead_rows=0,
        autovacuums=0,
    )


def test_growth_and_slowing_down_are_complained_about():
    steady = [a_look(n) for n in range(10)]
    growing = [a_look(n, rows_bytes=n * 5_000_000) for n in range(10)]
    slowing = [a_look(n, per_second=1000 if n < 5 else 100) for n in range(10)]

    assert complaints(steady) == []
    assert complaints(growing) == ["rows_bytes grew from 20,000,000 to 45,000,000"]
    assert complaints(slowing) == ["1,000 messages/s became 100"]
