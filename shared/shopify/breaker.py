"""A circuit breaker: after failures in a row, stop asking for a while. No I/O."""

from __future__ import annotations

from shared.errors import Unavailable


class Breaker:
    """Closed, open for *reset_seconds* after *failures* in a row, then one trial decides.

    Times are seconds of any monotonic clock.
    """

    def __init__(self, *, failures: int = 5, reset_seconds: float = 30.0) -> None:
        self._limit = failures
        self._reset_seconds = reset_seconds
        self._failures = 0
        self._open_until = 0.0

    def admit(self, now: float) -> None:
        """Raise Unavailable while the circuit is open; let the first one after that through."""
        if self._failures < self._limit:
            return
        if now < self._open_until:
            raise Unavailable(
                "Shopify failed several times in a row",
                code="circuit_open",
                retry_after=self._open_until - now,
            )
        self._open_until = now + self._reset_seconds

    def succeeded(self) -> None:
        """Close the circuit."""
        self._failures = 0

    def failed(self, now: float) -> None:
        """Count a failure."""
        self._failures += 1
        if self._failures >= self._limit:
            self._open_until = now + self._reset_seconds
