"""Structured logs: JSON lines, or readable ones on a terminal; never local variables."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Literal, get_args

import asyncpg
import structlog
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError

from shared.errors import Rejected

Format = Literal["auto", "json", "text"]
Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
# Gets the level of a line, what it says, and the error it is about.
Listener = Callable[[str, Mapping[str, object], BaseException | None], None]

_LISTENERS: list[Listener] = []

_LEVELS: Mapping[str, int] = logging.getLevelNamesMapping()
# Lines of libraries do not come through here, so nothing of theirs could be redacted.
_OURS = re.compile(r"(services|shared)(\.[a-z_]+)*")

# Keys whose values are secrets whatever they hold.
_SECRET_WORDS = ("token", "secret", "password", "authorization", "hmac", "api_key")


def levels_by_module(text: str) -> dict[str, str]:
    """Read ``services.webhooks=DEBUG,shared.bus=WARNING``.

    Raises Rejected for a level or a module that does not exist.
    """
    pairs = [pair.strip().partition("=") for pair in text.split(",") if pair.strip()]
    for module, _, level in pairs:
        if level not in get_args(Level):
            raise Rejected(f"{module}= needs one of {', '.join(get_args(Level))}")
        if not _is_ours(module):
            raise Rejected(f"{module} is no module of services or shared")
    return {module: level for module, _, level in pairs}


def _is_ours(module: str) -> bool:
    try:
        return bool(_OURS.fullmatch(module)) and importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def configure(
    service: str, *, level: Level = "INFO", levels: str = "", fmt: Format = "auto"
) -> None:
    """Set up logging once per process; every line carries *service*.

    *levels* are modules with a level of their own, as ``levels_by_module`` reads them.
    """
    as_text = fmt == "text" or (fmt == "auto" and sys.stderr.isatty())
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if as_text
        else structlog.processors.JSONRenderer()
    )
    own = levels_by_module(levels)
    lowest = min(level, *own.values(), key=_LEVELS.__getitem__) if own else level
    structlog.configure(
        processors=[
            *([_by_module(level, own)] if own else []),
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            _without_rows,
            _tell,
            *([] if as_text else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s %(message)s")
    logging.getLogger("aiohttp.server").addFilter(_is_about_us)


def _by_module(level: Level, own: Mapping[str, str]) -> structlog.types.Processor:
    """Return what drops a line below the level of the module that says it."""

    @cache
    def least(module: str) -> int:
        owners = [name for name in own if f"{module}.".startswith(f"{name}.")]
        return _LEVELS[own[max(owners, key=len)] if owners else level]

    def drop(
        _logger: object, method: str, event: structlog.types.EventDict
    ) -> structlog.types.EventDict:
        if _LEVELS[method.upper()] < least(_speaker()):
            raise structlog.DropEvent
        return event

    return drop


def _speaker() -> str:
    """Return the module that called structlog."""
    frame = inspect.currentframe()
    inner = (__name__, "structlog")
    while frame and str(frame.f_globals["__name__"]).startswith(inner):
        frame = frame.f_back
    return str(frame.f_globals["__name__"]) if frame else ""


@contextlib.contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Tell *listener* each line in which a person must look, ours and those of libraries."""
    told = _Library(listener)
    _LISTENERS.append(listener)
    logging.getLogger().addHandler(told)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(told)
        _LISTENERS.remove(listener)


def _tell(
    _logger: object, method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    if method in ("error", "critical"):
        for listener in _LISTENERS:
            listener(method, event, _error_of(event))
    return event


class _Library(logging.Handler):
    """What libraries log as an error; their text is left out, it may quote anything."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(logging.ERROR)
        self._listener = listener

    def emit(self, record: logging.LogRecord) -> None:
        event = structlog.contextvars.get_contextvars() | {"event": f"error in {record.name}"}
        error = record.exc_info[1] if record.exc_info else None
        self._listener(record.levelname.lower(), event, error)


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
    error = _error_of(event)
    while error is not None:
        if isinstance(error, asyncpg.PostgresError):
            error.detail = None
        error = error.__cause__ or error.__context__
    return event


def _error_of(event: structlog.types.EventDict) -> BaseException | None:
    given = event.get("exc_info")
    if not given:
        return None
    return given if isinstance(given, BaseException) else sys.exc_info()[1]
