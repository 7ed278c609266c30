"""W3C trace context: the one header that ties a delivery to everything done because of it.

Source: https://www.w3.org/TR/trace-context/#traceparent-header
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

TRACEPARENT: Final = "traceparent"

_current: ContextVar[str] = ContextVar("traceparent", default="")

_VALID = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def traced(given: str) -> str:
    """Return *given* when it is a valid traceparent, else a new one."""
    return given if given and _VALID.fullmatch(given) else new_trace()


def new_trace() -> str:
    """Return a traceparent that nobody has used."""
    if not _drawn:
        # One call to the system for many: it costs more than all the rest.
        block = os.urandom(24 * 128).hex()
        _drawn.extend(block[start : start + 48] for start in range(0, len(block), 48))
    drawn = _drawn.pop()
    return f"00-{drawn[:32]}-{drawn[32:]}-01"


_drawn: list[str] = []


def current() -> str:
    """Return the traceparent of what this task works on; empty when it works on its own account."""
    return _current.get()


def trace_id(traceparent: str) -> str:
    """Return the part of a valid *traceparent* that people search for."""
    return traceparent[3:35]


@contextmanager
def following(traceparent: str) -> Iterator[None]:
    """Let everything done in the context belong to *traceparent*."""
    token = _current.set(traceparent)
    try:
        yield
    finally:
        _current.reset(token)
