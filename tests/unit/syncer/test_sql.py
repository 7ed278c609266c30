"""The written columns are those of the mapped rows; nothing is named by hand twice."""

from __future__ import annotations

import re

import pytest

from services.syncer.store.statements import statements
from shared.tables import COLUMNS, TABLES

_INSERT = re.compile(r"INSERT INTO commerce\.(\w+) AS t \(([^)]+)\)\s+SELECT\s+([^;]+?)\s+FROM")


@pytest.mark.parametrize("kind", TABLES)
def test_every_insert_writes_exactly_the_mapped_columns(kind):
    found = [
        match
        for name, query in statements(kind).items()
        for match in _INSERT.finditer(query)
        if name != "delete"
    ]

    assert {match[1] for match in found} == {TABLES[kind][0], *TABLES[kind][1]}
    for match in found:
        written, selected = (tuple(re.split(r",\s+", text.strip())) for text in match.group(2, 3))
        assert written == selected == COLUMNS[match[1]]
