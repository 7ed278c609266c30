"""What ``/metrics`` says of a queue, measured by whoever consumes it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Final

import structlog

from shared.background import ended, watched
from shared.bus.protocol import Bus, QueueState
from shared.errors import Unavailable
from shared.metrics import BUS_MESSAGES, BUS_OLDEST_AGE_SECONDS

log = structlog.get_logger()

_EVERY_SECONDS: Final = 5.0


class Age:
    """Estimates the age of the oldest message of a queue whose head cannot be looked at.

    It is not older than the message taken last, nor than the moment when the queue was seen empty;
    so the smaller of both ages is never too small once the consumer has taken or seen anything.
    """

    def __init__(self) -> None:
        self._empty_at = time.time()
        self._taken_of: float | None = None

    def took(self, published_at: float) -> None:
        """Note a message that came for the first time."""
        self._taken_of = published_at

    def seconds(self, ready: int, *, now: float) -> float:
        """Return the age, given how many are *ready*."""
        if not ready:
            self._empty_at = now
            return 0.0
        since = self._empty_at if self._taken_of is None else max(self._empty_at, self._taken_of)
        return max(0.0, now - since)


@contextlib.asynccontextmanager
async def measured(bus: Bus, queue: str) -> AsyncIterator[None]:
    """Keep the gauges of *queue* current while the context is open."""
    measuring = watched(_keep_measuring(bus, queue), name=f"measure {queue}")
    try:
        yield
    finally:
        await ended(measuring)


async def _keep_measuring(bus: Bus, queue: str) -> None:
    while True:
        try:
            _show(queue, await bus.state(queue))
        except Unavailable as exc:
            log.debug("queue not measured", queue=queue, error=str(exc))
        await asyncio.sleep(_EVERY_SECONDS)


def _show(queue: str, state: QueueState) -> None:
    for name in ("ready", "held", "waiting", "dead"):
        if (count := getattr(state, name)) is not None:
            BUS_MESSAGES.labels(queue, name).set(count)
    BUS_OLDEST_AGE_SECONDS.labels(queue).set(state.oldest_seconds or 0.0)
