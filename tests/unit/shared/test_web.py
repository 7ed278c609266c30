"""Errors become answers that a caller can act on."""

from __future__ import annotations

import json

import pytest

from shared.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)
from shared.web import problem


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unauthorized("who?"), 401, "unauthorized"),
        (Forbidden("no"), 403, "forbidden"),
        (NotFound("gone"), 404, "not_found"),
        (Conflict("taken", code="store_already_connected"), 409, "store_already_connected"),
        (Rejected("bad"), 400, "invalid_request"),
        (Throttled("slow down"), 429, "throttled"),
        (Unavailable("away"), 503, "unavailable"),
    ],
)
def test_each_error_has_its_status_and_code(
    error: Rejected | Unavailable, status: int, code: str
) -> None:
    response = problem(error, "r1")

    body = json.loads(response.body)
    assert response.status == status
    assert body == {
        "ok": False,
        "error": str(error),
        "code": code,
        "details": {},
        "request_id": "r1",
    }


def test_a_caller_learns_when_to_come_back() -> None:
    response = problem(Throttled("slow down", retry_after=2.6), "r1")

    assert response.headers["Retry-After"] == "3"
    assert json.loads(response.body)["details"] == {"retry_after": 3}
