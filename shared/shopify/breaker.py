"""A circuit breaker: after failures in a row, stop asking for a while. No I/O."""

from __future__ import annotations

from typing import Literal, TypeAlias

from shared.errors import Unavailable

State: TypeAlias = Literal["closed", "open", "half_open"]


class Breaker:
    """Closed, open for *reset_seconds* after *failures* in a row, then one trial decides.

    Times are seconds of any monotonic clock.
    """

    def __init__(self, *, failures: int = 5, reset_seconds: float = 30.0) -> None:
        self._limit = failures
        self._reset_seconds = reset_seconds
        self._failures = 0
        self._open_until = 0.0
        self._on_trial = False

    def admit(self, now: float) -> None:
        """Raise Unavailable while the circuit is open; let the first one after that through."""
        if self.refuses(now):
            raise Unavailable(
                "Shopify failed several times in a row",
                code="circuit_open",
                retry_after=self._open_until - now,
            )
        if self._failures >= self._limit:
            self._open_until = now + self._reset_seconds
            self._on_trial = True

    def refuses(self, now: float) -> bool:
        """Return whether ``admit`` would raise: the circuit is open, or the trial is under way."""
        return self._failures >= self._limit and now < self._open_until

    def state(self, now: float) -> State:
        """Return closed, open, or half_open: the next request is the trial, or it is under way."""
        if self._failures < self._limit:
            return "closed"
        return "open" if now < self._open_until and not self._on_trial else "half_open"

    def succeeded(self) -> None:
        """Close the circuit."""
        self._failures, self._on_trial = 0, False

    def failed(self, now: float) -> None:
        """Count a failure."""
        self._failures += 1
        self._on_trial = False
        if self._failures >= self._limit:
            self._open_until = now + self._reset_seconds
