"""What Sentry is told of an error: its kind and its place, and no value from anybody's data."""

from __future__ import annotations

import os
import re
import traceback
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import orjson

from shared.errors import Rejected, Unavailable
from shared.postgres import said

# Of a line's keys those that have few values, or an id of our own.
_TAGS = ("service", "route", "request_id", "topic", "queue", "work", "kind", "mode", "resource")
_KEY = re.compile(r"[A-Za-z0-9]+")
_FRAMES_MOST = 100
_CHAIN_MOST = 10
_OURS = ("services", "shared")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dsn:
    """Where a project takes envelopes, and the key that lets them in."""

    url: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Dsn:
        """Read ``https://key@host/project``.

        Raises Rejected, without the text: its key is nobody else's business.
        """
        try:
            parts = urlsplit(text)
            host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https"):
            raise Rejected("it must read https://key@host/project")
        folder, _, project = parts.path.rpartition("/")
        if not (_KEY.fullmatch(parts.username or "") and project.isdecimal()):
            raise Rejected("it must read https://key@host/project")
        url = f"{parts.scheme}://{host}{folder}/api/{project}/envelope/"
        return cls(url=url, key=parts.username or "")

    @property
    def headers(self) -> dict[str, str]:
        """What an envelope is sent with."""
        auth = f"Sentry sentry_version=7, sentry_client=tillstream/1, sentry_key={self.key}"
        return {"Content-Type": "application/x-sentry-envelope", "X-Sentry-Auth": auth}


def envelope(
    level: str,
    line: Mapping[str, object],
    error: BaseException | None,
    *,
    environment: str,
    now: datetime,
) -> bytes:
    """Return the report of one line of the log, as Sentry's envelope."""
    event: dict[str, Any] = {
        "event_id": uuid.uuid4().hex,
        "timestamp": now.isoformat(),
        "platform": "python",
        "level": "fatal" if level == "critical" else "error",
        "environment": environment,
        "logentry": {"formatted": str(line.get("event", ""))},
        "tags": {name: str(line[name]) for name in _TAGS if name in line},
    }
    if error is not None:
        # Sentry wants the cause before what it caused.
        event["exception"] = {"values": [_exception(one) for one in _chain(error)][::-1]}
    payload = orjson.dumps(event)
    item = {"type": "event", "length": len(payload), "content_type": "application/json"}
    header = {"event_id": event["event_id"], "sent_at": now.isoformat()}
    return b"\n".join((orjson.dumps(header), orjson.dumps(item), payload, b""))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield *error*, then what it came of; of a group what it holds."""
    waiting = deque([error])
    for _ in range(_CHAIN_MOST):
        if not waiting:
            return
        one = waiting.popleft()
        yield one
        if isinstance(one, BaseExceptionGroup):
            waiting.extend(one.exceptions)
        before = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        waiting.extend([before] if before else [])


def _exception(error: BaseException) -> dict[str, object]:
    kind = type(error)
    return {
        "type": kind.__name__,
        "module": kind.__module__,
        "value": _reason(error),
        "stacktrace": {"frames": list(_frames(error))[-_FRAMES_MOST:]},
    }


def _reason(error: BaseException) -> str:
    """Return what may be said of *error*: messages quote what they complain of."""
    if isinstance(error, asyncpg.PostgresError):
        return said(error)
    if isinstance(error, Rejected | Unavailable):
        return error.code
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return ""


def _frames(error: BaseException) -> Iterator[dict[str, object]]:
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        yield {
            "module": module,
            "function": frame.f_code.co_name,
            "filename": module.replace(".", "/") + ".py",
            "lineno": line,
            "in_app": module.partition(".")[0] in _OURS,
        }
