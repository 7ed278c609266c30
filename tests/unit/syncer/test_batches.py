"""How facts become batches: values in, values out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.syncer.domain import batches
from shared.shopify.snapshots import ChildRows, Deletion, Refetch
from shared.tables import TABLES
from tests.integration.syncer.objects import OWNER, a_level, a_row, an_order, at


def order_batch(*facts):
    return batches.plan(facts).batches[0]


@given(st.permutations([an_order(1, second) for second in range(6)]))
def test_the_newest_state_wins_whatever_the_order(snapshots):
    assert [s.updated_at for s in order_batch(*snapshots).in_lock_order()] == [at(5)]


@given(st.permutations(range(1, 30)))
def test_writers_meet_objects_in_the_same_order(ids):
    ordered = order_batch(*(an_order(n) for n in ids)).in_lock_order()

    assert [snapshot.key for snapshot in ordered] == [(n,) for n in range(1, 30)]


def test_the_api_wins_a_tie_whatever_comes_first():
    told, read = an_order(1, 0, total="1.00"), an_order(1, 0, total="2.00", source="poll")

    for facts in ((told, read), (read, told)):
        batch = order_batch(*facts)
        assert batch.in_lock_order() == [read]
        assert len(batch.doubtful) == 1


def test_the_same_content_twice_raises_no_doubt():
    assert not order_batch(an_order(1, 0), an_order(1, 0, raw="\\\\x01")).doubtful


def test_a_deleted_object_is_not_written_in_the_same_batch():
    gone = Deletion(owner=OWNER, kind="order", key=(1,), at=at(3), reason="webhook")

    batch = order_batch(an_order(1, 9), gone, an_order(2))

    assert [snapshot.key for snapshot in batch.in_lock_order()] == [(2,)]
    assert list(batch.deletions.values()) == [gone]


def test_the_earliest_of_two_deletions_is_kept():
    late, early = (
        Deletion(owner=OWNER, kind="order", key=(1,), at=at(second), reason="webhook")
        for second in (5, 3)
    )

    assert list(order_batch(late, early).deletions.values()) == [early]


def test_a_parent_says_which_child_tables_it_speaks_of():
    staged = dict(order_batch(an_order(1, lines=[11, 12])).copies)

    tables = TABLES["order"][1]
    present = int(staged["orders"].decode().rstrip("\n").rsplit("\t", 1)[1])
    assert [t for bit, t in enumerate(tables) if present & 1 << bit] == [
        "order_lines",
        "refunds",
        "refund_lines",
    ]
    assert staged["order_lines"].count(b"\tf\n") == 2


def test_a_child_row_is_added_once_and_last_wins():
    ids = {"tenant_id": OWNER.tenant_id, "shop_id": 1, "order_id": 1, "transaction_id": 7}
    rows = [a_row("transactions", **ids, status=status) for status in ("pending", "success")]
    facts = [ChildRows(owner=OWNER, table="transactions", parent=(1,), rows=[r]) for r in rows]

    staged = dict(order_batch(*facts).copies)

    assert staged == {"transactions": f"{rows[1]}\tt\n".encode()}


def test_a_level_is_read_again_through_its_item():
    key = batches.key_of(a_level(0, available=1))
    wish = batches.refetch("inventory_level", key, "partial")

    assert batches.wishes([wish]) == {(OWNER.tenant_id, 1, "inventory_item", 5): "partial"}


def test_wishes_are_asked_for_in_one_order():
    asked = [Refetch(owner=OWNER, kind="order", key=(n,), reason="x") for n in (3, 1, 2)]

    assert [key[3] for key in batches.wishes(asked)] == [1, 2, 3]
