"""Which store a domain belongs to, remembered for seconds."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from services.webhooks.domain import Store
from shared.errors import Unavailable

KNOWN_SECONDS: Final = 30.0
UNKNOWN_SECONDS: Final = 2.0
MOST_REMEMBERED: Final = 20_000
# Anybody may name domains, so those without a store have a memory of their own: however many they
# are, no store is forgotten for them.
MOST_UNKNOWN: Final = 2_000
# How long a delivery waits for a look-up, and how long the look-up may go on without it. Given up
# with its delivery, a machine too busy to connect within a second would never learn a store.
PATIENCE_SECONDS: Final = 1.0
_LOOKUP_SECONDS: Final = 10.0

_T = TypeVar("_T")
Find = Callable[[str], Awaitable[Store | None]]


@dataclass(frozen=True, slots=True)
class _Memory:
    store: Store
    fresh_until: float


class StoreBook:
    """Looks stores up by domain. While the database is away, what was known stays known."""

    def __init__(self, find: Find, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._clock = clock
        self._known: dict[str, _Memory] = {}
        self._unknown_until: dict[str, float] = {}
        self._lookups: dict[str, asyncio.Task[Store | None]] = {}

    async def store(self, shop_domain: str) -> Store | None:
        """Return the store or None; raises Unavailable when it is not known and cannot be."""
        found = self.fresh(shop_domain)
        if found is not None:
            return found
        memory = self._known.get(shop_domain)
        if memory is None and self._clock() < self._unknown_until.get(shop_domain, 0.0):
            return None
        try:
            return await self._look_up(shop_domain)
        except Unavailable:
            if memory is None:
                raise
            self._know(shop_domain, memory.store, UNKNOWN_SECONDS)
            return memory.store

    def fresh(self, shop_domain: str) -> Store | None:
        """Return the store if it was looked up lately: nothing to wait for, as nearly always."""
        memory = self._known.get(shop_domain)
        return memory.store if memory is not None and self._clock() < memory.fresh_until else None

    def remembered(self, shop_domain: str) -> Store | None:
        """Return the store as it was last seen, without asking the database."""
        memory = self._known.get(shop_domain)
        return memory.store if memory is not None else None

    async def _look_up(self, shop_domain: str) -> Store | None:
        lookup = self._lookups.get(shop_domain)
        if lookup is None:
            lookup = asyncio.create_task(self._read(shop_domain), name="find store")
            self._lookups[shop_domain] = lookup
            lookup.add_done_callback(partial(self._looked_up, shop_domain))
        with _slow():
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await asyncio.shield(lookup)

    def _looked_up(self, shop_domain: str, lookup: asyncio.Task[Store | None]) -> None:
        del self._lookups[shop_domain]
        if not lookup.cancelled():
            lookup.exception()  # Nobody may be waiting for it any more.

    async def _read(self, shop_domain: str) -> Store | None:
        with _slow():
            async with asyncio.timeout(_LOOKUP_SECONDS):
                store = await self._find(shop_domain)
        if store is None:
            self._known.pop(shop_domain, None)
            _put(self._unknown_until, shop_domain, self._clock() + UNKNOWN_SECONDS, MOST_UNKNOWN)
        else:
            self._know(shop_domain, store, KNOWN_SECONDS)
        return store

    def _know(self, shop_domain: str, store: Store, seconds: float) -> None:
        memory = _Memory(store, self._clock() + seconds)
        _put(self._known, shop_domain, memory, MOST_REMEMBERED)


def _put(memories: dict[str, _T], shop_domain: str, memory: _T, most: int) -> None:
    """Remember one more, and forget what was looked up least lately when that is too many."""
    memories.pop(shop_domain, None)
    memories[shop_domain] = memory
    if len(memories) > most:
        memories.pop(next(iter(memories)))


@contextlib.contextmanager
def _slow() -> Iterator[None]:
    try:
        yield
    except TimeoutError as exc:
        raise Unavailable("PostgreSQL is slow", code="database_unavailable") from exc
