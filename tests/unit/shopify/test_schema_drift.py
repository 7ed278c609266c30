"""What we do not know is noticed, named without anybody's data, and never an error."""

from __future__ import annotations

import json

import pytest

from shared.shopify.schema_drift import FIELDS, WORDS, Sightings, unknown_fields, unknown_words
from shared.shopify.snapshots import Owner
from shared.tables import COLUMNS

OWNER = Owner(tenant_id="11111111-1111-1111-1111-111111111111", shop_id=7)


def a_row(table, **values):
    given = {"tenant_id": OWNER.tenant_id, "shop_id": "7", **values}
    return "\t".join(given.get(column, "\\N") for column in COLUMNS[table])


@pytest.mark.parametrize("column", WORDS)
def test_a_word_that_its_enum_lacks_is_noticed_in_every_column(column):
    table, _, name = column.partition(".")
    known = a_row(table, **{name: next(iter(WORDS[column]))})
    strange = a_row(table, **{name: "brand_new"})

    assert unknown_words(table, [known, a_row(table)]) == []
    assert unknown_words(table, [known, strange]) == [(OWNER, column, "brand_new")]


def test_tables_without_enums_are_not_looked_at():
    assert unknown_words("locations", ["x"]) == []


def test_a_field_that_we_do_not_know_is_named_with_its_type_and_not_its_value():
    body = json.dumps({"id": 1, "email": "a@b.c", "secret_note": "Ann", "z": [1], "y": {}, "n": 2})

    assert unknown_fields("orders/create", body.encode()) == [
        ("n", "number"), ("secret_note", "string"), ("y", "object"), ("z", "array"),
    ]  # fmt: skip


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"\xff", b'{"a":1}'])
@pytest.mark.parametrize("topic", ["orders/create", "orders/delete", "no/topic"])
def test_no_body_stops_anything(topic, body):
    assert [name for name, _ in unknown_fields(topic, body)] in ([], ["a"])


def test_sightings_are_counted_once_each_and_taken_once():
    seen = Sightings()
    for _ in range(3):
        seen.note(OWNER, "version", "answered by 2027-01", "2027-01")

    (sighting,) = seen.taken().values()
    assert (sighting.count, sighting.example) == (3, "2027-01")
    assert seen.taken() == {}


def test_memory_of_sightings_is_bounded():
    seen = Sightings()
    for number in range(5_000):
        seen.note(OWNER, "field", f"f{number}", "x" * 1000)

    taken = seen.taken()
    assert len(taken) == 1000
    assert all(len(sighting.example) <= 100 for sighting in taken.values())


def test_one_body_in_a_hundred_is_looked_at():
    seen = Sightings()
    for _ in range(201):
        seen.look_at_body(OWNER, "orders/create", b'{"brand_new": 1}')

    (sighting,) = seen.taken().values()
    assert sighting.count == 3


def test_what_orders_carry_is_known():
    assert {"id", "line_items", "returns", "current_total_price_set"} <= FIELDS["order"]
