"""What a log line does not say."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from types import FunctionType

import asyncpg
import pytest
import structlog

from shared import log
from shared.errors import Rejected, Unavailable


@pytest.fixture(params=["json", "text"])
def written(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[io.StringIO]:
    lines = io.StringIO()
    monkeypatch.setattr(sys, "stderr", lines)
    log.configure("test", fmt=request.param)
    structlog.configure(cache_logger_on_first_use=False)
    yield lines
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_a_traceback_does_not_show_the_row_that_postgres_refused(written: io.StringIO) -> None:
    fields = {"C": "23502", "M": "null value in a column", "D": "Failing row contains (Ada)."}
    refused, gone = asyncpg.PostgresError.new(fields), Unavailable("away")
    gone.__cause__ = asyncpg.PostgresError.new(fields)
    logger = structlog.get_logger()

    logger.error("refused", exc_info=refused)
    logger.error("away", exc_info=gone)
    with contextlib.suppress(asyncpg.PostgresError):
        try:
            raise asyncpg.PostgresError.new(fields)
        except asyncpg.PostgresError:
            logger.exception("refused")
            raise

    said = written.getvalue()
    assert said.count("null value in a column") == 3
    assert "Ada" not in said


def said_at(level: str) -> None:
    getattr(structlog.get_logger(), level)("said", by=__name__, token="hush")


def spoken_by(module: str) -> Callable[[str], None]:
    """What says something at a level out of *module*."""
    return FunctionType(said_at.__code__, {"__name__": module, "structlog": structlog})


def test_a_module_can_have_a_level_of_its_own(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", written)
    levels = "shared.bus=DEBUG,shared.bus.dead=ERROR"
    log.configure("test", level="WARNING", levels=levels, fmt="json")
    structlog.configure(cache_logger_on_first_use=False)

    for module in ("shared.bus", "shared.bus.jitter", "shared.bus.dead", "shared.web"):
        for level in ("debug", "warning", "error"):
            spoken_by(module)(level)

    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    said: dict[str, list[str]] = {}
    for line in lines:
        said.setdefault(line["by"], []).append(line["level"])
    assert said == {
        "shared.bus": ["debug", "warning", "error"],
        "shared.bus.jitter": ["debug", "warning", "error"],
        "shared.bus.dead": ["error"],
        "shared.web": ["warning", "error"],
    }
    assert {line["token"] for line in lines} == {"[redacted]"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("services.webhooks=LOUD", "services.webhooks= needs one of DEBUG, INFO, WARNING, ERROR"),
        ("services.webhooks", "services.webhooks= needs one of DEBUG, INFO, WARNING, ERROR"),
        ("services.webhook=DEBUG", "services.webhook is no module of services or shared"),
        ("services.none.such=DEBUG", "services.none.such is no module of services or shared"),
        ("aio_pika=DEBUG", "aio_pika is no module of services or shared"),
        ("=DEBUG", " is no module of services or shared"),
    ],
)
def test_a_level_that_would_do_nothing_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(Rejected, match=complaint):
        log.levels_by_module(text)


def test_levels_may_have_spaces_between() -> None:
    assert log.levels_by_module(" shared.bus=DEBUG , shared.web=ERROR,") == {
        "shared.bus": "DEBUG",
        "shared.web": "ERROR",
    }
