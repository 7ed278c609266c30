"""Which refusals of a key are worth a line in the audit log: a flood must not fill it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_EVERY_SECONDS: Final = 600.0
_MOST_REMEMBERED: Final = 10_000


class Refusals:
    """Counts refusals by key; the first is told at once, those after it every ten minutes."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._untold: dict[str, int] = {}
        self._silent_until: dict[str, float] = {}

    def told(self, key_id: str) -> int | None:
        """Count one refusal; return how many there were since the last line, None: no line yet."""
        attempts = self._untold.pop(key_id, 0) + 1
        moment = self._clock()
        if moment < self._silent_until.get(key_id, moment):
            self._untold[key_id] = attempts
            return None
        self._silent_until.pop(key_id, None)
        if len(self._silent_until) >= _MOST_REMEMBERED:
            oldest = next(iter(self._silent_until))
            del self._silent_until[oldest]
            self._untold.pop(oldest, None)
        self._silent_until[key_id] = moment + _EVERY_SECONDS
        return attempts
