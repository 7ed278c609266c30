"""What leaves for Sentry, and what does not."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
import pytest
import structlog

from shared import log
from shared.errors import Rejected, Unavailable
from shared.sentry import Dsn, envelope

NOW = datetime(2026, 10, 2, 9, 14, 3, tzinfo=UTC)


def reported(
    error: BaseException | None, level: str = "error", **line: object
) -> tuple[bytes, dict[str, Any]]:
    sent = envelope(level, {"event": "said", **line}, error, environment="test", now=NOW)
    header, item, payload, end = sent.split(b"\n")
    assert orjson.loads(item)["length"] == len(payload)
    assert orjson.loads(header)["event_id"] == orjson.loads(payload)["event_id"]
    assert end == b""
    return sent, orjson.loads(payload)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://k3y@sentry.example/42", "https://sentry.example/api/42/envelope/"),
        ("http://k3y@127.0.0.1:9000/7", "http://127.0.0.1:9000/api/7/envelope/"),
        ("https://k3y:old@errors.example/a/b/7", "https://errors.example/a/b/api/7/envelope/"),
    ],
)
def test_a_dsn_says_where_envelopes_go(text: str, url: str) -> None:
    dsn = Dsn.parse(text)

    assert (dsn.url, dsn.key) == (url, "k3y")
    assert "sentry_key=k3y" in dsn.headers["X-Sentry-Auth"]


@pytest.mark.parametrize(
    "text",
    [
        "sentry.example/42",
        "ftp://k3y@sentry.example/42",
        "https://sentry.example/42",
        "https://k3y@/42",
        "https://k3y@sentry.example/",
        "https://k3y@sentry.example/shop",
        "https://k3y@sentry.example:port/42",
        "https://k3y@[::/42",
    ],
)
def test_what_is_no_dsn_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        Dsn.parse(text)

    assert "k3y" not in str(caught.value)


def test_a_report_has_kinds_and_places_and_no_messages() -> None:
    fields = {"C": "23502", "M": "bad value Ada", "D": "Failing row (Ada).", "t": "orders"}
    try:
        try:
            raise asyncpg.PostgresError.new(fields)
        except asyncpg.PostgresError as refused:
            raise KeyError("ada@example.org") from refused
    except KeyError as error:
        sent, event = reported(error, route="/api", shop="ada.myshopify.com", reason="Ada")

    assert b"ada" not in sent.lower()
    cause, outcome = event["exception"]["values"]
    assert (cause["type"], cause["value"]) == (
        "NotNullViolationError",
        "NotNullViolationError 23502 in orders",
    )
    assert (outcome["type"], outcome["value"]) == ("KeyError", "")
    (frame,) = outcome["stacktrace"]["frames"]
    assert frame["function"] == "test_a_report_has_kinds_and_places_and_no_messages"
    assert event["tags"] == {"route": "/api"}
    assert event["logentry"] == {"formatted": "said"}


@pytest.mark.parametrize(
    ("error", "value"),
    [
        (Unavailable("Ada is away", code="away"), "away"),
        (Rejected("no such Ada"), "invalid_request"),
        (ConnectionRefusedError(111, "no way to Ada"), "Connection refused"),
        (OSError("Ada"), ""),
        (ValueError("Ada"), ""),
    ],
)
def test_of_an_error_only_what_is_ours_is_said(error: Exception, value: str) -> None:
    _, event = reported(error)

    assert event["exception"]["values"][0]["value"] == value


def test_an_error_that_is_its_own_cause_is_told_in_few_words() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first

    assert len(reported(first)[1]["exception"]["values"]) == 10


def test_a_group_is_told_with_what_it_holds() -> None:
    group = ExceptionGroup("of Ada", [ValueError("Ada"), ExceptionGroup("", [KeyError("Ada")])])

    sent, event = reported(group)

    kinds = [one["type"] for one in event["exception"]["values"]]
    assert kinds == ["KeyError", "ExceptionGroup", "ValueError", "ExceptionGroup"]
    assert b"Ada" not in sent


def test_a_line_without_an_error_is_reported_by_its_event() -> None:
    _, event = reported(None, level="critical", service="syncer")

    assert "exception" not in event
    assert (event["level"], event["environment"], event["tags"]) == (
        "fatal",
        "test",
        {"service": "syncer"},
    )


def test_a_listener_hears_errors_of_ours_and_of_libraries_and_nothing_below() -> None:
    heard: list[tuple[str, object, object, BaseException | None]] = []
    error = RuntimeError("Ada")

    def listen(level: str, line: Mapping[str, object], about: BaseException | None) -> None:
        heard.append((level, line["event"], line.get("token"), about))

    log.configure("test", fmt="json")
    structlog.configure(cache_logger_on_first_use=False)
    try:
        with log.heard_by(listen):
            logger = structlog.get_logger()
            logger.warning("tried again")
            logger.error("given up", token="hush")
            logger.critical("died", exc_info=error)
            logging.getLogger("asyncio").error("about %s", "Ada", exc_info=error)
            logging.getLogger("asyncio").warning("slow")
        logger.error("not heard any more")
    finally:
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()

    assert heard == [
        ("error", "given up", "[redacted]", None),
        ("critical", "died", None, error),
        ("error", "error in asyncio", None, error),
    ]
