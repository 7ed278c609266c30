"""How often something happened lately, by name, in bounded memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Final

MOST_REMEMBERED: Final = 10_000


class Paces:
    """A token bucket per name: *per_second* for good, *burst* at once. Zero never says too fast.

    Each bucket is one number, the moment when it will be full again (GCRA). Beyond *most* names the
    one that was counted least lately is forgotten, which is to say forgiven.
    """

    def __init__(
        self,
        per_second: float,
        *,
        burst: float,
        most: int = MOST_REMEMBERED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._tolerance = burst * self._interval
        self._most = most
        self._clock = clock
        self._full_at: dict[Hashable, float] = {}
        self._all_full_at = 0.0

    def count(self, name: Hashable) -> float:
        """Take one token of *name*; return what *wait* would after it."""
        if not self._interval:
            return 0.0
        now = self._clock()
        full_at = max(now, self._full_at.pop(name, now)) + self._interval
        # A bucket that is more than empty would take as long to fill as it was overdrawn.
        self._full_at[name] = full_at = min(full_at, now + self._tolerance + self._interval)
        self._all_full_at = max(self._all_full_at, full_at)
        if len(self._full_at) > self._most:
            self._full_at.pop(next(iter(self._full_at)))
        return max(0.0, full_at - now - self._tolerance)

    def wait(self, name: Hashable) -> float:
        """Return in how many seconds *name* has a token again, 0 when it has one."""
        full_at = self._full_at.get(name)
        return max(0.0, full_at - self._clock() - self._tolerance) if full_at else 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing was counted lately, so that no name need be made out."""
        if not self._full_at:
            return True
        if self._clock() < self._all_full_at:
            return False
        self._full_at.clear()
        return True

    def __len__(self) -> int:
        return len(self._full_at)
