"""A consumer's task: started with its context, drained when the context is left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Protocol

from shared.background import ended, watched


class Stoppable(Protocol):
    """A consumer of either bus."""

    async def run(self) -> None: ...

    def stop(self) -> None: ...


@contextlib.asynccontextmanager
async def draining(consumer: Stoppable, queue: str, *, seconds: float) -> AsyncIterator[None]:
    """Run *consumer*; leaving gives it *seconds* to finish what it has."""
    task = watched(consumer.run(), name=f"consume {queue}")
    try:
        yield
    finally:
        consumer.stop()
        await asyncio.wait([task], timeout=seconds)
        await ended(task)
    if not task.cancelled():
        task.result()
