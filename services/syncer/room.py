"""How much of bulk results may be in memory at once, for the whole process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Room:
    """Several small results or one large one: a result is mapped from memory.

    At most *places* at once, and *limit_bytes* together; one that is larger alone waits until the
    room is empty and then has it to itself.
    """

    def __init__(self, *, places: int = 3, limit_bytes: int = 64 * 1024 * 1024) -> None:
        self._places = places
        self._limit = limit_bytes
        self._held: list[int] = []
        self._left = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def held(self, size_bytes: int) -> AsyncIterator[None]:
        """Hold room for a result of *size_bytes*; wait for it if there is none."""
        async with self._left:
            await self._left.wait_for(lambda: self._fits(size_bytes))
            self._held.append(size_bytes)
        try:
            yield
        finally:
            async with self._left:
                self._held.remove(size_bytes)
                self._left.notify_all()

    def _fits(self, size_bytes: int) -> bool:
        if not self._held:
            return True
        return len(self._held) < self._places and sum(self._held) + size_bytes <= self._limit
