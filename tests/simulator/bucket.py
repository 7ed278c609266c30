"""The leaky bucket of query points of one app in one shop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

# Points held, points regained a second.
SIZES = {
    "standard": (2_000, 100),
    "partner": (2_000, 100),
    "plus": (20_000, 1_000),
    "enterprise": (40_000, 2_000),
    # What Shopify's documentation still prints, and ten times as quick for tests.
    "former": (1_000, 50),
    "quick": (1_000, 500),
}


class Bucket:
    """Holds ``maximum`` points and regains ``rate`` a second."""

    def __init__(self, plan: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.maximum, self.rate = SIZES[plan]
        self._clock = clock
        self._level = float(self.maximum)
        self._seen = clock()
        self.used = 0

    @property
    def available(self) -> int:
        now = self._clock()
        self._level = min(self.maximum, self._level + (now - self._seen) * self.rate)
        self._seen = now
        return int(self._level)

    def take(self, points: int) -> bool:
        """Take *points* if they are there."""
        if self.available < points:
            return False
        self._level -= points
        self.used += points
        return True

    def give_back(self, points: int) -> None:
        self._level = min(float(self.maximum), self._level + points)
        self.used -= points

    def status(self) -> dict[str, float]:
        return {
            "maximumAvailable": float(self.maximum),
            "currentlyAvailable": self.available,
            "restoreRate": float(self.rate),
        }


# Calls held, calls drained a second.
CALLS = {"plus": (400, 20.0), "enterprise": (400, 20.0)}


class Calls:
    """The leaky bucket of REST calls of one app in one shop."""

    def __init__(self, plan: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.size, self.rate = CALLS.get(plan, (40, 2.0))
        self._clock, self._level, self._seen = clock, 0.0, clock()

    def take(self) -> int | None:
        """Count one call; nothing when it does not fit."""
        now = self._clock()
        self._level = max(0.0, self._level - (now - self._seen) * self.rate)
        self._seen = now
        if self._level + 1 > self.size:
            return None
        self._level += 1
        return int(self._level)

    def told(self) -> str:
        """``X-Shopify-Shop-Api-Call-Limit``."""
        return f"{math.ceil(self._level)}/{self.size}"
