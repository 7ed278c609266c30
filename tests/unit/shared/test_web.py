"""Errors become answers that a caller can act on."""

from __future__ import annotations

import json

import pytest

from shared.errors import (
    BadGateway,
    Conflict,
    Forbidden,
    GatewayTimeout,
    NotFound,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
    Unprocessable,
)
from shared.web import problem


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unauthorized("who?"), 401, "unauthorized"),
        (Forbidden("no"), 403, "forbidden"),
        (NotFound("gone"), 404, "not_found"),
        (Conflict("taken", code="store_already_connected"), 409, "store_already_connected"),
        (Unprocessable("refused", code="connection_failed"), 422, "connection_failed"),
        (Rejected("bad"), 400, "invalid_request"),
        (Throttled("slow down"), 429, "throttled"),
        (Unavailable("away"), 503, "unavailable"),
        (BadGateway("they failed"), 502, "bad_gateway"),
        (GatewayTimeout("they are silent"), 504, "gateway_timeout"),
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


def test_who_is_not_known_learns_how_to_prove_it() -> None:
    assert problem(Unauthorized("who?"), "r1").headers["WWW-Authenticate"] == "Bearer"
    assert "WWW-Authenticate" not in problem(Forbidden("no"), "r1").headers
