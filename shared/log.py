"""Structured logs: JSON lines, or readable ones on a terminal; never local variables."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import asyncpg
import structlog
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError

Format = Literal["auto", "json", "text"]

# Keys whose values are secrets whatever they hold.
_SECRET_WORDS = ("token", "secret", "password", "authorization", "hmac", "api_key")


def configure(service: str, *, level: str = "INFO", fmt: Format = "auto") -> None:
    """Set up logging once per process; every line carries *service*."""
    as_text = fmt == "text" or (fmt == "auto" and sys.stderr.isatty())
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if as_text
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            _without_rows,
            *([] if as_text else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s %(message)s")
    logging.getLogger("aiohttp.server").addFilter(_is_about_us)


def _is_about_us(record: logging.LogRecord) -> bool:
    """Leave out what is wrong with a request: anybody could fill the log, with whatever he likes.

    aiohttp writes a traceback for each that is no HTTP, and has answered it 400.
    """
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | RequestPayloadError)


def _without_secrets(
    _logger: object, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    for key in event:
        if any(word in key.lower() for word in _SECRET_WORDS):
            event[key] = "[redacted]"
    return event


def _without_rows(
    _logger: object, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Forget the details of errors: there PostgreSQL quotes the row, and a traceback shows them."""
    given = event.get("exc_info")
    error = given if isinstance(given, BaseException) else sys.exc_info()[1]
    while given and error is not None:
        if isinstance(error, asyncpg.PostgresError):
            error.detail = None
        error = error.__cause__ or error.__context__
    return event
