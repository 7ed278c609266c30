"""Group commit: while one batch is being made durable, the next one gathers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Generic, TypeVar

from shared.errors import Unavailable

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a batch may be, how many are in flight, and how much may wait."""

    items: int = 64
    size: int = 512 * 1024
    in_flight: int = 2
    waiting: int = 4096
    waiting_size: int = 64 * 1024 * 1024


class GroupCommit(Generic[Item]):
    """Gathers what is added while earlier batches are in flight; order is kept.

    No timer: while fewer than half of the slots are taken a batch leaves at once, however small.
    The others are for full ones, because a message costs as much as several items. An item larger
    than a batch travels alone. A failed commit fails its own items only.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Coroutine[Any, Any, None]],
        *,
        limits: Limits | None = None,
    ) -> None:
        self._commit = commit
        self._limits = limits or Limits()
        self._waiting: deque[tuple[Item, int, asyncio.Future[None]]] = deque()
        self._waiting_size = 0
        self._batches: set[asyncio.Task[None]] = set()
        self._scheduled = False

    def add(self, item: Item, size: int) -> asyncio.Future[None]:
        """Return a future that ends when *item* is durable, or with what its commit raised.

        Raises Unavailable at once when too much waits already.
        """
        waiting, limits = self._waiting, self._limits
        if waiting and (
            len(waiting) >= limits.waiting or self._waiting_size + size > limits.waiting_size
        ):
            raise Unavailable("too much is waiting to be stored", retry_after=1, code="overloaded")
        durable: asyncio.Future[None] = self._loop.create_future()
        waiting.append((item, size, durable))
        self._waiting_size += size
        if not self._scheduled and self._may_leave():
            self._scheduled = True
            self._loop.call_soon(self._launch)
        return durable

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        # Asking for the running one is a system call on Python 3.11.
        return asyncio.get_running_loop()

    @property
    def crowded(self) -> bool:
        """Whether half of what may wait does."""
        limits = self._limits
        return (
            2 * len(self._waiting) >= limits.waiting
            or 2 * self._waiting_size >= limits.waiting_size
        )

    async def close(self) -> None:
        """Wait until everything that was added is durable or has failed."""
        while self._waiting or self._batches:
            self._launch()
            await asyncio.wait(self._batches)

    def _may_leave(self) -> bool:
        limits, taken = self._limits, len(self._batches)
        if 2 * taken < limits.in_flight:
            return True
        full = len(self._waiting) >= limits.items or self._waiting_size >= limits.size
        return full and taken < limits.in_flight

    def _launch(self) -> None:
        self._scheduled = False
        while self._waiting and self._may_leave():
            items, futures = self._next_batch()
            batch = self._loop.create_task(self._commit(items))
            self._batches.add(batch)
            batch.add_done_callback(partial(self._finished, futures))

    def _finished(self, futures: Sequence[asyncio.Future[None]], batch: asyncio.Task[None]) -> None:
        self._batches.discard(batch)
        error = Unavailable("the batch was abandoned") if batch.cancelled() else batch.exception()
        for durable in futures:
            _resolve(durable, error)
        if self._waiting and not self._scheduled:
            self._launch()

    def _next_batch(self) -> tuple[list[Item], list[asyncio.Future[None]]]:
        limits, waiting = self._limits, self._waiting
        items: list[Item] = []
        futures: list[asyncio.Future[None]] = []
        total = 0
        while waiting and len(items) < limits.items:
            item, size, durable = waiting[0]
            if items and total + size > limits.size:
                break
            waiting.popleft()
            items.append(item)
            futures.append(durable)
            total += size
        self._waiting_size -= total
        return items, futures


def _resolve(durable: asyncio.Future[None], error: BaseException | None) -> None:
    if durable.done():
        return
    if error is None:
        durable.set_result(None)
    else:
        durable.set_exception(error)
