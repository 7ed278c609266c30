"""Bulk files: any pieces, any legal order, the same objects."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import orjson
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.shopify import copytext
from shared.shopify.bulk import BulkAssembler, payload_of
from shared.shopify.mapping.snapshot import Origin
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
    slashes=st.sets(st.sampled_from((b"/", b"\\/")), min_size=1),
)
def test_any_cuts_and_any_interleaving_give_the_same_orders(several, cuts, chance, slashes):
    def lines(order: dict[str, object]) -> list[bytes]:
        escaped = [written(line) for line in graphql.bulk_lines(order)]
        return [line.replace(b"\\/", chance.choice(sorted(slashes))) for line in escaped]

    families = [lines(one) for one in several]
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


def test_an_archive_compressed_elsewhere_makes_the_same_row():
    assembler = BulkAssembler("customer", OWNER)
    assembler.feed(written(a_root(1)) + written(an_address(5, 1)) + written(a_root(2)))
    families = list(assembler.families())

    frames = copytext.frames([payload_of(family) for family in families])

    for family, frame in zip(families, frames, strict=True):
        assert assembler.snapshots(family, frame) == assembler.snapshots(family)


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


class KeptLines:
    """Stands in for a kind's assembly and keeps the lines of each object."""

    def __init__(self) -> None:
        self._seen: list[list[bytes]] = []

    def __call__(self, lines: list[bytes], origin: Origin) -> list[Snapshot]:
        self._seen.append(lines)
        return []

    def taken(self) -> list[list[bytes]]:
        seen, self._seen = self._seen, []
        return sorted(seen)


@pytest.fixture(scope="module")
def kept_lines() -> Iterator[KeptLines]:
    kept = KeptLines()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.shopify.bulk.ASSEMBLIES", {"order": kept, "customer": kept})
        yield kept


def a_family() -> list[bytes]:
    """Return two orders with agreements of their orders' own numbers, and sales below them."""
    order, agreement = "gid://shopify/Order/", "gid://shopify/SalesAgreement/"
    lines: list[dict[str, object]] = []
    for number, other in ((5, 6), (6, 5)):
        lines.append({"__typename": "Order", "id": f"{order}{number}"})
        lines.append({"id": f"{agreement}{other}", "__parentId": f"{order}{number}"})
        lines += [
            {"id": f"gid://shopify/Sale/{number}{n}", "__parentId": f"{agreement}{other}"}
            for n in (1, 2)
        ]
        lines.append({"level": "LOW", "__parentId": f"{order}{number}"})
    return [written(line) for line in lines]


@settings(max_examples=50, deadline=None)
@given(lines=st.permutations(a_family()))
def test_a_grandchild_finds_its_root_in_any_order_of_lines(lines, kept_lines):
    assembler = BulkAssembler("order", OWNER)
    for line in lines:
        assembler.feed(line)

    list(assembler.finish())

    family = [line.strip() for line in a_family()]
    assert {one[0]: set(one[1:]) for one in kept_lines.taken()} == {
        family[0]: set(family[1:5]),
        family[5]: set(family[6:10]),
    }


def test_siblings_keep_their_order(kept_lines):
    family = a_family()
    swapped = [family[3], family[2], *family[:2], *family[5:]]
    assembler = BulkAssembler("order", OWNER)
    assembler.feed(b"".join(swapped))

    list(assembler.finish())

    first, _ = kept_lines.taken()
    assert first.index(family[3].strip()) < first.index(family[2].strip())


@pytest.mark.parametrize("left_out", [0, 1])
def test_a_grandchild_without_its_ancestors_is_refused(left_out):
    lines = a_family()
    del lines[left_out]
    assembler = BulkAssembler("order", OWNER)
    assembler.feed(b"".join(lines))

    with pytest.raises(Rejected) as error:
        list(assembler.finish())

    assert error.value.code == "bulk_orphans"


def test_parents_in_a_circle_are_refused():
    assembler = BulkAssembler("order", OWNER)
    for own, above in ((1, 2), (2, 1)):
        gid = "gid://shopify/SalesAgreement/"
        assembler.feed(written({"id": f"{gid}{own}", "__parentId": f"{gid}{above}"}))

    with pytest.raises(Rejected) as error:
        list(assembler.finish())

    assert error.value.code == "bulk_orphans"
