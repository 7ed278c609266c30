"""Bulk files: any pieces, any legal order, the same objects."""

from __future__ import annotations

import itertools
import random

import orjson
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.shopify.bulk import BulkAssembler
from shared.shopify.snapshots import Snapshot
from tests.unit.shopify import graphql
from tests.unit.shopify.shapes import OWNER, orders
from tests.whole_nodes import order_facts

SLOW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def written(line: dict[str, object]) -> bytes:
    return orjson.dumps(line).replace(b"/", b"\\/") + b"\n"


def assembled(data: bytes, cuts: list[int] | None = None, kind: str = "order") -> list[Snapshot]:
    assembler = BulkAssembler(kind, OWNER)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts or []), len(data)]
    for start, end in itertools.pairwise(edges):
        assembler.feed(data[start:end])
    found = list(assembler.finish())
    assert assembler.rejected == {}
    return found


def interleaved(families: list[list[bytes]], chance: random.Random) -> list[bytes]:
    left = [list(family) for family in families]
    out: list[bytes] = []
    while left:
        family = chance.choice(left)
        out.append(family.pop(0))
        left = [one for one in left if one]
    return out


@SLOW
@given(
    several=st.lists(orders, min_size=1, max_size=3, unique_by=lambda one: one["id"]),
    cuts=st.lists(st.integers(0, 20000), max_size=8),
    chance=st.randoms(use_true_random=False),
)
def test_any_cuts_and_any_interleaving_give_the_same_orders(several, cuts, chance):
    families = [[written(line) for line in graphql.bulk_lines(one)] for one in several]
    plain = b"".join(line for family in families for line in family)
    mixed = b"".join(interleaved(families, chance))

    expected = {snapshot.key: snapshot for snapshot in assembled(plain)}
    found = {snapshot.key: snapshot for snapshot in assembled(mixed.rstrip(b"\n"), cuts)}

    assert found == expected
    assert len(found) == len(several)


@SLOW
@given(order=orders)
def test_a_bulk_order_equals_the_order_read_by_id(order):
    (bulk,) = assembled(b"".join(written(line) for line in graphql.bulk_lines(order)))
    (read,) = order_facts(orjson.dumps(graphql.order(order)), OWNER, "poll")

    assert bulk.row.split("\t")[:-2] == read.row.split("\t")[:-2]
    assert bulk.incomplete == ("refunds" if order["refunds"] else "")
    unknown = {"refunds", "refund_lines"} if order["refunds"] else set()
    assert bulk.children == {k: v for k, v in read.children.items() if k not in unknown}


def a_root(number: int, **changes: object) -> dict[str, object]:
    return {
        "__typename": "Customer",
        "id": f"gid://shopify/Customer/{number}",
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-02T00:00:00Z",
        **changes,
    }


def an_address(number: int, parent: int, **changes: object) -> dict[str, object]:
    return {
        "__typename": "MailingAddress",
        "id": f"gid://shopify/MailingAddress/{number}?model_name=CustomerAddress",
        "city": "Ulm",
        **changes,
        "__parentId": f"gid://shopify/Customer/{parent}",
    }


def test_the_archive_holds_the_lines_that_made_the_object():
    lines = [written(a_root(1)), written(a_root(2)), written(an_address(5, 1))]

    first, _ = assembled(b"".join(lines), kind="customer")

    packed = bytes.fromhex(first.row.split("\t")[-2].removeprefix("\\\\x"))
    kept = zstandard.ZstdDecompressor().decompress(packed)
    assert kept == lines[0] + lines[2].rstrip(b"\n")
    assert len(first.children["customer_addresses"]) == 1


def test_counts_are_of_lines_and_of_roots():
    assembler = BulkAssembler("customer", OWNER)
    assembler.feed(written(a_root(1)) + b"\n" + written(an_address(5, 1)) + written(a_root(2)))

    assert (assembler.roots, assembler.objects) == (2, 3)


def test_a_text_that_names_the_parent_key_makes_no_child():
    line = written(a_root(1, note='"__parentId":"gid://shopify/Customer/9"', tags=["__parentId"]))

    (snapshot,) = assembled(line, kind="customer")

    assert snapshot.key == (1,)


def test_one_bad_object_does_not_take_its_window_along():
    assembler = BulkAssembler("customer", OWNER)
    assembler.feed(written(a_root(1)) + written(a_root(2, updatedAt="soon")) + written(a_root(3)))

    found = [snapshot.key for snapshot in assembler.finish()]

    assert found == [(1,), (3,)]
    assert assembler.rejected[2].details == {"path": "$.updatedAt"}


def test_a_child_without_its_parent_is_refused():
    assembler = BulkAssembler("customer", OWNER)
    assembler.feed(written(an_address(5, 1)))

    with pytest.raises(Rejected) as error:
        list(assembler.finish())

    assert error.value.code == "bulk_orphans"


def test_a_line_that_is_no_object_is_refused():
    with pytest.raises(Rejected) as error:
        BulkAssembler("customer", OWNER).feed(b"<html>\n")

    assert error.value.code == "bad_payload"


def test_an_inventory_file_gives_items_and_their_levels():
    item = {**a_root(1), "__typename": "InventoryItem", "id": "gid://shopify/InventoryItem/1"}
    level = {
        "__typename": "InventoryLevel",
        "id": "gid://shopify/InventoryLevel/4?inventory_item_id=1",
        "item": {"id": "gid://shopify/InventoryItem/1"},
        "location": {"id": "gid://shopify/Location/4"},
        "updatedAt": "2026-01-02T00:00:00Z",
        "quantities": [{"name": "on_hand", "quantity": -3}, {"name": "new_name", "quantity": 1}],
        "__parentId": "gid://shopify/InventoryItem/1",
    }

    found = assembled(written(item) + written(level), kind="inventory_item")

    assert [(one.kind, one.key) for one in found] == [
        ("inventory_item", (1,)),
        ("inventory_level", (1, 4)),
    ]
    assert found[1].row.split("\t")[4:7] == ["\\N", "-3", "\\N"]
