"""What a log line does not say."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator

import asyncpg
import pytest
import structlog

from shared import log
from shared.errors import Unavailable


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
