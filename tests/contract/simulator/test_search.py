"""The search syntax of ``query:``."""

from __future__ import annotations

import pytest

from tests.simulator import moments, search

THINGS = [
    {"color": "red", "size": 1, "tags": ["a", "b"], "name": "Oak Lamp"},
    {"color": "blue", "size": 5, "tags": ["b"], "name": "Oak Table"},
    {"color": "green", "size": 9, "tags": [], "name": "Pine lamp"},
]
GETTERS = {
    "default": lambda one: one["name"],
    "color": lambda one: one["color"],
    "size": lambda one: one["size"],
    "tag": lambda one: one["tags"],
}


def _found(text):
    return [
        one["color"]
        for one in THINGS
        if any(search.matches(one, terms, GETTERS) for terms in search.parse(text))
    ]


@pytest.mark.parametrize(
    ("text", "colors"),
    [
        ("", ["red", "blue", "green"]),
        ("color:red", ["red"]),
        ("color:red OR color:blue", ["red", "blue"]),
        ("tag:b AND NOT color:red", ["blue"]),
        ("tag:b -color:red", ["blue"]),
        ("tag:b color:red OR size:>8", ["red", "green"]),
        ("tag:b (color:red OR size:>4)", ["red", "blue"]),
        ("-(color:red OR color:blue)", ["green"]),
        ("NOT (tag:b color:red)", ["blue", "green"]),
        ("size:>=5 size:<9", ["blue"]),
        ("color:bl*", ["blue"]),
        ("tag:*", ["red", "blue"]),
        ("color:'red'", ["red"]),
        ('color:"red"', ["red"]),
        ("lamp", ["red", "green"]),
        ('"oak lamp"', ["red"]),
        ("-lamp", ["blue"]),
        ("color:red,green", ["red", "green"]),
        # Shopify ignores what it does not know, and then everything matches.
        ("shape:round", ["red", "blue", "green"]),
        ("(color:red", ["red"]),
        ("color:red)", ["red"]),
    ],
)
def test_terms_are_combined_as_shopify_does(text, colors):
    assert _found(text) == colors


@pytest.mark.parametrize(
    "text", ["2026-03-05T00:00:00Z", "'2026-03-05T00:00:00Z'", "2026-03-05", "'2026-03-05'"]
)
def test_times_and_days_are_bounds_in_either_notation(text):
    term = search.parse(f"created_at:>={text}")[0][0]

    assert term == search.Term("created", low=moments.parsed("2026-03-05"), high=None)


def test_now_and_ids_are_bounds():
    now = search.parse("updated_at:<=now")[0][0]
    behind = search.parse("id:>1000")[0][0]

    assert abs(now.high - moments.now()) <= 5
    assert (behind.field, behind.low) == ("id", 1001)


def test_fields_nobody_knows_are_named():
    text = "color:red shape:round (created_at:>2026-01-01 OR weight:3)"

    assert search.unknown_fields(text, GETTERS, "orders") == ["shape", "weight"]
