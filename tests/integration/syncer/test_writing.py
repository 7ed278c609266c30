"""What the guarded writer promises, on a real Postgres."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.syncer.writing import write
from shared.shopify.snapshots import ChildRows, Deletion, Refetch
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

ORDER_TABLES = ("orders", "order_lines", "refunds", "refund_lines", "tombstones")


async def totals(db) -> dict[int, str]:
    rows = await db.fetch("SELECT order_id, total_price FROM commerce.orders")
    return {row["order_id"]: f"{row['total_price']:.2f}" for row in rows}


async def lines(db) -> list[int]:
    return [
        row["line_id"]
        for row in await db.fetch("SELECT line_id FROM commerce.order_lines ORDER BY line_id")
    ]


async def reasons(db) -> dict[tuple[str, int], str]:
    rows = await db.fetch("SELECT kind, id, reason FROM commerce.refetches")
    return {(row["kind"], row["id"]): row["reason"] for row in rows}


async def test_a_newer_order_replaces_the_row_and_its_lines(save, db):
    await save(an_order(1, 0, total="10.00", lines=[11, 12]))
    written = await save(an_order(1, 5, total="12.00", lines=[12, 13]))

    assert await totals(db) == {1: "12.00"}
    assert await lines(db) == [12, 13]
    assert written.outcomes[("order", "updated")] == 1


async def test_a_stale_order_never_overwrites_a_newer_one(save, db):
    await save(an_order(1, 5, total="12.00", lines=[12]))
    late = an_order(1, 0, total="10.00", lines=[11])

    written = await save(late)

    assert await totals(db) == {1: "12.00"}
    assert await lines(db) == [12]
    assert written.is_stale(late)


async def test_the_newest_state_within_a_batch_wins(save, db):
    old = an_order(1, 1, total="1.00", lines=[11])

    written = await save(an_order(1, 3, total="3.00", lines=[13]), old)

    assert await totals(db) == {1: "3.00"}
    assert await lines(db) == [13]
    assert written.is_stale(old)


async def test_every_change_marks_its_order_once_per_write(save, db):
    await save(an_order(1, 0), an_order(2, 0))
    await save(an_order(1, 0), an_order(2, 5))

    marks = await db.fetch("SELECT order_id FROM analytics.order_marks ORDER BY mark_id")
    assert [row["order_id"] for row in marks] == [1, 2, 2]


async def test_the_same_batch_twice_changes_nothing(save, db, contents):
    facts = [
        an_order(1, 0, lines=[11], incomplete="refunds"),
        an_order(2, 0, lines=[21]),
        a_customer(3, 0, email="a@example.com"),
        a_level(0, available=4),
        Deletion(owner=OWNER, kind="product", key=(9,), at=at(1), reason="webhook"),
    ]
    await save(*facts)
    tables = (*ORDER_TABLES, "customers", "inventory_levels", "products")
    before = await contents(*tables)
    synced = await db.fetch("SELECT synced_at FROM commerce.orders")

    await save(*facts)

    assert await contents(*tables) == before
    assert await db.fetch("SELECT synced_at FROM commerce.orders") == synced


async def test_the_same_second_with_other_content_asks_for_the_order_again(save, db):
    await save(an_order(1, 0, total="10.00"))
    written = await save(an_order(1, 0, total="11.00"))

    assert await totals(db) == {1: "10.00"}
    assert written.outcomes[("order", "conflict")] == 1
    assert await reasons(db) == {("order", 1): "same_second"}


async def test_a_tie_within_one_batch_asks_for_the_order_again(save, db):
    await save(an_order(1, 0, total="10.00"), an_order(1, 0, total="11.00"))

    assert await reasons(db) == {("order", 1): "same_second"}


@pytest.mark.parametrize("source", ["bulk", "poll", "refetch"])
async def test_the_api_wins_over_a_webhook_of_the_same_second(save, db, source):
    await save(an_order(1, 0, total="10.00"))
    await save(an_order(1, 0, total="11.00", source=source))

    assert await totals(db) == {1: "11.00"}
    assert await reasons(db) == {}


async def test_polling_an_unchanged_order_again_writes_nothing(save):
    await save(an_order(1, 0, source="poll"))
    written = await save(an_order(1, 0, source="poll"))

    assert written.outcomes[("order", "equal")] == 1


async def test_a_bulk_export_proves_that_an_unchanged_order_exists(save, db):
    await save(an_order(1, 0, source="bulk"))
    before = await db.fetchval("SELECT synced_at FROM commerce.orders")

    await save(an_order(1, 0, source="bulk"))

    assert await db.fetchval("SELECT synced_at FROM commerce.orders") > before


async def test_a_deleted_order_is_never_brought_back(save, db):
    await save(an_order(1, 0))
    await save(Deletion(owner=OWNER, kind="order", key=(1,), at=at(3), reason="webhook"))
    again = an_order(1, 9, total="99.00")
    written = await save(again)

    row = await db.fetchrow("SELECT deleted_at, total_price FROM commerce.orders")
    assert (row["deleted_at"], f"{row['total_price']:.2f}") == (at(3), "10.00")
    assert written.is_stale(again)


async def test_an_order_deleted_before_it_arrived_is_not_written(save, db):
    await save(Deletion(owner=OWNER, kind="order", key=(1,), at=at(3), reason="webhook"))
    await save(an_order(1, 0), an_order(2, 0))

    assert await totals(db) == {2: "10.00"}


async def test_an_absent_child_table_leaves_the_stored_children_alone(save, db):
    transaction = a_row(
        "transactions", tenant_id=TENANT, shop_id=1, order_id=1, transaction_id=77, currency="GBP"
    )
    await save(ChildRows(owner=OWNER, table="transactions", parent=(1,), rows=[transaction]))
    await save(an_order(1, 0))
    await save(an_order(1, 5))

    assert await db.fetchval("SELECT array_agg(transaction_id) FROM commerce.transactions") == [77]


async def test_a_child_row_that_replaces_another_asks_for_its_parent(save, db):
    ids = {"tenant_id": TENANT, "shop_id": 1, "order_id": 1, "transaction_id": 77}
    for status in ("pending", "success", "success"):
        row = a_row("transactions", **ids, status=status)
        await save(ChildRows(owner=OWNER, table="transactions", parent=(1,), rows=[row]))

    assert await reasons(db) == {("order", 1): "child_changed"}
    assert await db.fetchval("SELECT count(*) FROM analytics.order_marks") == 2


async def test_an_incomplete_customer_keeps_what_its_webhook_cannot_carry(save, db):
    await save(a_customer(3, 0, email="a@example.com", note="likes tea", source="poll"))
    await save(a_customer(3, 5, email="b@example.com", incomplete="slim"))

    row = await db.fetchrow("SELECT email, note FROM commerce.customers")
    assert tuple(row) == ("b@example.com", "likes tea")
    assert await reasons(db) == {("customer", 3): "slim"}


async def test_an_incomplete_customer_that_says_nothing_new_is_equal(save, db):
    await save(a_customer(3, 0, email="a@example.com", note="likes tea", source="poll"))
    written = await save(a_customer(3, 0, email="a@example.com", incomplete="slim"))

    assert written.outcomes[("customer", "equal")] == 1
    assert await reasons(db) == {}


async def test_a_disconnected_level_comes_back_with_a_later_update(save, db):
    await save(a_level(0, available=4, on_hand=9))
    gone = Deletion(owner=OWNER, kind="inventory_level", key=(5, 6), at=at(3), reason="webhook")
    await save(gone)
    assert await db.fetchval("SELECT deleted_at FROM commerce.inventory_levels") == at(3)

    await save(a_level(5, available=2, incomplete="quantities"))

    row = await db.fetchrow("SELECT available, on_hand, deleted_at FROM commerce.inventory_levels")
    assert tuple(row) == (2, 9, None)
    assert await reasons(db) == {("inventory_item", 5): "quantities"}


async def test_a_disconnect_in_the_past_does_not_hide_a_level(save, db):
    gone = Deletion(owner=OWNER, kind="inventory_level", key=(5, 6), at=at(3), reason="webhook")
    await save(gone)
    await save(a_level(1, available=4))
    assert await db.fetchval("SELECT deleted_at FROM commerce.inventory_levels") == at(3)

    await save(a_level(5, available=4))
    await save(gone)

    assert await db.fetchval("SELECT deleted_at FROM commerce.inventory_levels") is None


async def test_a_wish_for_a_deleted_object_is_not_kept(save, db):
    await save(Deletion(owner=OWNER, kind="order", key=(1,), at=at(3), reason="webhook"))
    await save(Refetch(owner=OWNER, kind="order", key=(1,), reason="edited"))

    assert await reasons(db) == {}


async def test_a_crash_between_write_and_commit_leaves_nothing(pool, contents):
    class Crash(Exception):
        pass

    async def crashing() -> None:
        async with pool.acquire() as conn, conn.transaction():
            await write(conn, [an_order(1, 0, lines=[11])])
            raise Crash

    with pytest.raises(Crash):
        await crashing()

    assert not any((await contents(*ORDER_TABLES)).values())


async def test_no_statement_of_a_write_takes_longer_than_a_lease(pool):
    """Who waits for the locks of a frozen writer gives its own back."""
    async with pool.acquire() as conn:
        async with conn.transaction():
            await write(conn, [an_order(1)])
            during = await conn.fetchval("SHOW statement_timeout")
        after = await conn.fetchval("SHOW statement_timeout")

    assert (during, after) == ("20s", "0")


async def test_two_writers_of_the_same_orders_neither_deadlock_nor_lose(pool, db):
    async def writing(seconds: range) -> None:
        for second in seconds:
            facts = [an_order(n, second, total=f"{second}.00", lines=[n]) for n in range(1, 60)]
            await save_all(pool, facts if second % 3 else reversed(facts))

    await asyncio.gather(writing(range(0, 20, 2)), writing(range(1, 20, 2)))

    assert await totals(db) == dict.fromkeys(range(1, 60), "19.00")


async def test_a_deletion_and_a_late_writer_end_deleted(pool, db):
    """Neither order of commits may leave a living row under a tombstone."""
    for order_id in range(1, 15):
        gone = Deletion(owner=OWNER, kind="order", key=(order_id,), at=at(3), reason="webhook")
        await asyncio.gather(save_all(pool, [an_order(order_id, 0)]), save_all(pool, [gone]))

    living = "SELECT count(*) FROM commerce.orders WHERE deleted_at IS NULL"
    assert await db.fetchval(living) == 0
    assert await db.fetchval("SELECT count(*) FROM commerce.tombstones") == 14


facts_of_a_history = st.lists(
    st.one_of(
        st.builds(
            lambda order, second: an_order(
                order, second, total=f"{second}.00", lines=range(second % 4)
            ),
            st.integers(1, 3),
            st.integers(0, 9),
        ),
        st.builds(
            lambda order, second: Deletion(
                owner=OWNER, kind="order", key=(order,), at=at(second), reason="webhook"
            ),
            st.integers(3, 3),
            st.integers(0, 9),
        ),
    ),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=facts_of_a_history, data=st.data())
async def test_any_order_duplication_and_batching_ends_in_the_same_rows(history, data, pool, db):
    """Visible rows must equal those of applying only the newest state of each object."""
    shuffled = data.draw(st.permutations(history + history[: len(history) // 2]))
    cuts = data.draw(st.lists(st.integers(0, len(shuffled)), max_size=3).map(sorted))

    newest = await _visible_after(pool, db, [_only_newest(history)])
    parts = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]
    anyhow = await _visible_after(pool, db, parts)

    assert anyhow == newest


def _only_newest(history):
    gone = {fact.key for fact in history if isinstance(fact, Deletion)}
    newest = {}
    for fact in history:
        if not isinstance(fact, Deletion) and fact.key not in gone:
            known = newest.get(fact.key)
            if known is None or known.updated_at < fact.updated_at:
                newest[fact.key] = fact
    return [*newest.values(), *(fact for fact in history if isinstance(fact, Deletion))]


async def _visible_after(pool, db, parts):
    for table in ORDER_TABLES:
        await db.execute(f"DELETE FROM commerce.{table}")
    for part in parts:
        await save_all(pool, part)
    await db.execute(
        "DELETE FROM commerce.order_lines l USING commerce.orders o"
        " WHERE o.order_id = l.order_id AND o.deleted_at IS NOT NULL"
    )
    await db.execute("DELETE FROM commerce.orders WHERE deleted_at IS NOT NULL")
    return {table: await rows_of(db, table) for table in ORDER_TABLES}
