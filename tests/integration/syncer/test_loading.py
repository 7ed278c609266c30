"""Copying new objects straight into the tables ends exactly as staging them does."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.syncer.store import snapshots
from services.syncer.writing import write
from shared.shopify.snapshots import ChildRows, Deletion
from tests.integration.syncer.conftest import rows_of, save_all
from tests.integration.syncer.objects import (
    OWNER,
    TENANT,
    a_customer,
    a_level,
    a_row,
    an_order,
    at,
)

TABLES = (
    "orders",
    "order_lines",
    "refunds",
    "refund_lines",
    "transactions",
    "customers",
    "inventory_levels",
    "tombstones",
    "refetches",
)


async def everything(db) -> dict[str, list[tuple]]:
    found = {table: await rows_of(db, table, but=await ours(db, table)) for table in TABLES}
    marks = await db.fetch("SELECT order_id FROM analytics.order_marks ORDER BY order_id")
    return {**found, "marks": [row["order_id"] for row in marks]}


async def ours(db, table: str) -> list[str]:
    """Return the columns whose default is the time of the write."""
    rows = await db.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'commerce'"
        " AND table_name = $1 AND column_default LIKE '%now()%'",
        table,
    )
    return [row["column_name"] for row in rows]


async def emptied(db) -> None:
    for table in TABLES:
        await db.execute(f"DELETE FROM commerce.{table}")
    await db.execute("DELETE FROM analytics.order_marks")


@pytest.fixture
def never_loading(monkeypatch):
    """Switch the direct copy off and on."""
    real = snapshots.load

    async def refusing(conn, batch) -> set:
        return set()

    def switch(off: bool) -> None:
        monkeypatch.setattr(snapshots, "load", refusing if off else real)

    return switch


def a_bulk_order(order_id: int, second: int = 0, **values: object):
    return an_order(order_id, second, source="bulk", **values)


orders = st.builds(
    lambda order, second, lines, incomplete: a_bulk_order(
        order, second, total=f"{second}.00", lines=range(lines), incomplete=incomplete
    ),
    st.integers(1, 6),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from(["", "", "refunds"]),
)
customers = st.builds(
    lambda customer, second, incomplete: a_customer(
        customer, second, source="bulk", email=f"{second}@x", incomplete=incomplete
    ),
    st.integers(1, 4),
    st.integers(0, 3),
    st.sampled_from(["", "customer_slim"]),
)
levels = st.builds(
    lambda second, stock: a_level(second, available=stock, source="bulk"),
    st.integers(0, 3),
    st.integers(0, 3),
)
live = st.one_of(
    st.builds(
        lambda order, second: an_order(order, second, total=f"9{second}.00", lines=[7]),
        st.integers(1, 6),
        st.integers(0, 3),
    ),
    st.builds(
        lambda order, second: Deletion(
            owner=OWNER, kind="order", key=(order,), at=at(second), reason="webhook"
        ),
        st.integers(1, 6),
        st.integers(0, 3),
    ),
    st.builds(
        lambda second: Deletion(
            owner=OWNER, kind="inventory_level", key=(5, 6), at=at(second), reason="webhook"
        ),
        st.integers(0, 3),
    ),
    st.builds(
        lambda order: ChildRows(
            owner=OWNER,
            table="transactions",
            parent=(order,),
            rows=[
                a_row(
                    "transactions",
                    tenant_id=TENANT,
                    shop_id=1,
                    order_id=order,
                    transaction_id=77,
                    currency="GBP",
                )
            ],
        ),
        st.integers(1, 6),
    ),
)
part = st.lists(st.one_of(orders, orders, customers, levels, live), min_size=1, max_size=6)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=st.lists(part, max_size=5))
@pytest.mark.timeout(240)
async def test_both_paths_leave_the_same_rows_marks_wishes_and_counts(
    history, pool, db, never_loading
):
    ends = []
    for off in (True, False):
        never_loading(off)
        await emptied(db)
        counts = [dict((await save_all(pool, facts)).outcomes) for facts in history]
        counted = [{what: n for what, n in one.items() if n} for one in counts]
        ends.append((await everything(db), counted))

    assert ends[0] == ends[1]


@pytest.mark.parametrize("source", ["bulk", "webhook"])
async def test_new_objects_need_no_staging(pool, source):
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("DISCARD TEMP")
        await write(conn, [an_order(1, source=source), an_order(2, lines=[21], source=source)])

        assert await conn.fetchval("SELECT to_regclass('pg_temp.staged_orders')") is None
        assert await conn.fetchval("SELECT current_user") == "tillstream_syncer"


async def test_a_live_order_that_commits_meanwhile_keeps_its_newer_state(pool, db):
    newer = an_order(3, 9, total="99.00", lines=[31])
    bulk = [a_bulk_order(n, 0, lines=[n * 10]) for n in range(1, 6)]

    async with pool.acquire() as conn, conn.transaction():
        await write(conn, [newer])
        loading = asyncio.create_task(save_all(pool, bulk))
        await waiting(db)
    written = await loading

    assert written.outcomes == {
        ("order", "inserted"): 4,
        ("order", "updated"): 0,
        ("order", "stale"): 1,
    }
    totals = await db.fetch("SELECT total_price FROM commerce.orders ORDER BY order_id")
    assert [int(row["total_price"]) for row in totals] == [10, 10, 99, 10, 10]
    lines = await db.fetch("SELECT line_id FROM commerce.order_lines ORDER BY order_id")
    assert [row["line_id"] for row in lines] == [10, 20, 31, 40, 50]
    marks = await db.fetch("SELECT order_id FROM analytics.order_marks")
    assert sorted(row["order_id"] for row in marks) == [1, 2, 3, 4, 5]


async def test_who_was_too_late_for_one_order_does_not_deadlock_with_others(pool, db):
    """New orders are taken before stored ones, by everybody and also after a conflict."""
    await save_all(pool, [an_order(1)])

    async with pool.acquire() as conn, conn.transaction():
        await write(conn, [an_order(3)])
        late = asyncio.create_task(save_all(pool, [an_order(n, 2) for n in (1, 2, 3)]))
        await waiting(db)
        other = asyncio.create_task(save_all(pool, [an_order(n, 4) for n in (1, 2)]))
        await waiting(db, 2)
    await asyncio.gather(late, other)

    seconds = await db.fetch("SELECT updated_at FROM commerce.orders ORDER BY order_id")
    assert [row["updated_at"] for row in seconds] == [at(4), at(4), at(2)]


async def test_a_live_order_that_is_undone_meanwhile_hinders_nothing(pool, db):
    async with pool.acquire() as conn:
        undone = conn.transaction()
        await undone.start()
        await write(conn, [an_order(3, 9, total="99.00")])
        loading = asyncio.create_task(save_all(pool, [a_bulk_order(3)]))
        await waiting(db)
        await undone.rollback()

    assert (await loading).outcomes == {("order", "inserted"): 1}
    assert int(await db.fetchval("SELECT total_price FROM commerce.orders")) == 10


async def test_a_value_that_postgres_refuses_leaves_nothing(pool, db):
    with pytest.raises(Exception, match="numeric"):
        await save_all(pool, [a_bulk_order(1), a_bulk_order(2, total="much")])

    assert not any((await everything(db)).values())


async def waiting(db, count: int = 1) -> None:
    """Return once *count* backends wait for a transaction to end."""
    held_up = (
        "SELECT count(DISTINCT l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE NOT l.granted AND l.locktype = 'transactionid'"
        " AND a.datname = current_database()"
    )
    async with asyncio.timeout(20):
        while await db.fetchval(held_up) < count:
            await asyncio.sleep(0.02)
