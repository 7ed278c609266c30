"""What is told of an error of the database."""

from __future__ import annotations

import asyncpg
import pytest

from shared.errors import Rejected
from shared.postgres import said

ROW = "Failing row contains (1, Ada, ada@example.com)."
TAKEN = "Key (email)=(ada@example.com) already exists."


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"C": "23502", "M": "null value", "D": ROW, "s": "shop", "t": "orders", "c": "name"},
            "NotNullViolationError 23502 in shop.orders.name",
        ),
        (
            {"C": "23505", "M": "dup", "D": TAKEN, "s": "shop", "t": "people", "n": "people_key"},
            "UniqueViolationError 23505 in shop.people people_key",
        ),
        (
            {"C": "22P02", "M": 'invalid input syntax for type integer: "ada@example.com"'},
            "InvalidTextRepresentationError 22P02",
        ),
    ],
)
def test_an_error_of_the_database_is_told_without_the_row(
    fields: dict[str, str], told: str
) -> None:
    assert said(asyncpg.PostgresError.new(fields)) == told


def test_what_the_driver_itself_refuses_is_told_without_the_value() -> None:
    refused = asyncpg.DataError("invalid input for query argument $1: 'ada@example.com'")

    assert said(refused) == "DataError 22000"


def test_any_other_error_tells_its_message() -> None:
    assert said(Rejected("not a fruit")) == "Rejected: not a fruit"
