"""Batches out of the Postgres bus, claimed and handled one by one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

import structlog

from shared.background import pause
from shared.bus.handling import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    count,
    handled,
    verdict,
)
from shared.bus.postgres_lease import Held, Lease
from shared.bus.protocol import BatchHandler, Bury
from shared.bus.topology import DELIVERY_LIMIT
from shared.errors import Unavailable
from shared.metrics import BUS_REDELIVERIES_TOTAL

log = structlog.get_logger()

_POLL_SECONDS: Final = 0.5


class Consumer:
    """One consumer of one queue."""

    def __init__(self, lease: Lease, handler: BatchHandler, *, queue: str) -> None:
        self._lease = lease
        self._handler = handler
        self._queue = queue
        self._stop = asyncio.Event()
        # Set while nothing may be taken: on stop, and while an operator has paused the queue.
        self._halt = asyncio.Event()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for messages now instead of at the next poll."""
        self._wake.set()

    def hold(self, paused: bool) -> None:
        """Take nothing while *paused*; a batch that waits for its handler goes back."""
        if paused:
            self._halt.set()
        elif not self._stop.is_set():
            self._halt.clear()
        self._wake.set()

    def stop(self) -> None:
        """Take nothing new; ``run`` returns when what was claimed is handled."""
        self._stop.set()
        self._halt.set()
        self._wake.set()

    async def run(self) -> None:
        """Consume until stopped."""
        delay = FIRST_PAUSE_SECONDS
        while not self._stop.is_set():
            try:
                await self._next()
                delay = FIRST_PAUSE_SECONDS
            except Unavailable as exc:
                log.warning("consumer lost the database", queue=self._queue, error=str(exc))
                await pause(self._stop, delay)
                delay = min(delay * 2, LONGEST_PAUSE_SECONDS)

    async def _next(self) -> None:
        self._wake.clear()
        if not self._halt.is_set() and (held := await self._lease.claim()):
            await self._handle(held)
        elif not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _POLL_SECONDS)

    async def _handle(self, held: Sequence[Held]) -> None:
        BUS_REDELIVERIES_TOTAL.labels(self._queue).inc(sum(one.deliveries > 1 for one in held))
        worn_out = [one for one in held if one.deliveries > DELIVERY_LIMIT]
        if worn_out:
            await self._lease.settle(worn_out, [Bury("delivery limit reached")] * len(worn_out))
            held = [one for one in held if one.deliveries <= DELIVERY_LIMIT]
        if not held:
            return
        async with self._lease.renewed(held):
            outcomes = await handled(self._handler, [one.message for one in held], stop=self._halt)
        if outcomes is None:
            await self._lease.release(held)
            return
        rungs = self._lease.rungs
        verdicts = [
            verdict(outcome, attempt=one.message.attempt, rungs=rungs)
            for one, outcome in zip(held, outcomes, strict=True)
        ]
        await self._lease.settle(held, verdicts)
        count(self._queue, verdicts)
