"""Reference data that is kept beside the project and not in it; tests skip where it is absent."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

PAYLOADS = Path(__file__).parents[2] / "shared" / "reference" / "payloads"


def payloads(name: str) -> str:
    """Return the text of a reference file; skip the test when it is not there."""
    path = PAYLOADS / name
    if not path.exists():
        pytest.skip(f"no reference file ../shared/reference/payloads/{name}")
    return path.read_text()


def topics() -> dict[str, str]:
    """Return Shopify's webhook topics: the enum's name by the topic's."""
    rows = csv.DictReader(payloads("topics-2026-10.tsv").splitlines(), delimiter="\t")
    return {row["rest_topic"]: row["graphql_enum"] for row in rows}
