"""Which store a domain belongs to, remembered for seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from services.webhooks.domain import Store
from shared.errors import Unavailable

KNOWN_SECONDS: Final = 30.0
UNKNOWN_SECONDS: Final = 2.0
# Anybody may name domains; only so many are remembered.
MOST_REMEMBERED: Final = 20_000
_LOOKUP_SECONDS: Final = 1.0

Find = Callable[[str], Awaitable[Store | None]]


@dataclass(frozen=True, slots=True)
class _Memory:
    store: Store | None
    fresh_until: float


class StoreBook:
    """Looks stores up by domain. While the database is away, what was known stays known."""

    def __init__(self, find: Find, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._clock = clock
        self._memories: dict[str, _Memory] = {}
        self._lookups: dict[str, asyncio.Task[Store | None]] = {}

    async def store(self, shop_domain: str) -> Store | None:
        """Return the store or None; raises Unavailable when it is not known and cannot be."""
        memory = self._memories.get(shop_domain)
        if memory is not None and self._clock() < memory.fresh_until:
            return memory.store
        try:
            return await self._look_up(shop_domain)
        except Unavailable:
            if memory is None or memory.store is None:
                raise
            self._remember(shop_domain, memory.store, UNKNOWN_SECONDS)
            return memory.store

    async def _look_up(self, shop_domain: str) -> Store | None:
        lookup = self._lookups.get(shop_domain)
        if lookup is None:
            lookup = asyncio.create_task(self._read(shop_domain), name="find store")
            self._lookups[shop_domain] = lookup
            lookup.add_done_callback(lambda _: self._lookups.pop(shop_domain))
        return await asyncio.shield(lookup)

    async def _read(self, shop_domain: str) -> Store | None:
        try:
            async with asyncio.timeout(_LOOKUP_SECONDS):
                store = await self._find(shop_domain)
        except TimeoutError as exc:
            raise Unavailable("PostgreSQL is slow", code="database_unavailable") from exc
        self._remember(shop_domain, store, KNOWN_SECONDS if store else UNKNOWN_SECONDS)
        return store

    def _remember(self, shop_domain: str, store: Store | None, seconds: float) -> None:
        if len(self._memories) >= MOST_REMEMBERED and shop_domain not in self._memories:
            self._memories.pop(next(iter(self._memories)))
        self._memories[shop_domain] = _Memory(store, self._clock() + seconds)
