"""The headers that the bus itself writes; everything else in a message is its publisher's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

# How many retries a message has behind it. Handlers read it as Message.attempt.
ATTEMPT: Final = "x-attempt"
# Why it failed the last time.
ERROR: Final = "x-error"
FIRST_FAILED_AT: Final = "x-first-failed-at"
FAILED_AT: Final = "x-failed-at"
# How often it was taken back from the dead.
REPLAYED: Final = "x-replayed"

_FAILURE: Final = frozenset({ERROR, FIRST_FAILED_AT, FAILED_AT})
_OURS: Final = _FAILURE | {REPLAYED}


def travels(header: str) -> bool:
    """Whether *header* belongs to the message; a broker adds x-first-death-* and the like."""
    return header in _OURS or not header.startswith("x-")


def failed(headers: Mapping[str, str], reason: str, *, at: datetime) -> dict[str, str]:
    """Return the headers of a message that failed *at* that moment for *reason*."""
    moment = at.isoformat(timespec="milliseconds")
    return {FIRST_FAILED_AT: moment, **headers, FAILED_AT: moment, ERROR: reason}


def replayed(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a dead message that gets another life."""
    kept = {name: value for name, value in headers.items() if name not in _FAILURE}
    lives = headers.get(REPLAYED, "0")
    return kept | {REPLAYED: str(int(lives) + 1 if lives.isdecimal() else 1)}
