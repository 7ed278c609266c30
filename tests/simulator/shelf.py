"""All things of one kind in a shop: made on demand, changed in place, sorted by any stamp.

The original things are never listed: the n-th has the n-th id, and most shops create in the order
of their ids, so a search by id or creation time is a bisection. Only a sort by another stamp needs
a table of its own, twelve bytes for each thing. Whatever was changed or added is held by id.
"""

from __future__ import annotations

import bisect
import heapq
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from tests.simulator import search

T = TypeVar("T")
Entry = tuple[int, int]
STAMPS = ("id", "created", "updated", "processed")


class Shelf(Generic[T]):
    """``make(n)`` builds the n-th original thing, ``stamp(n, key)`` tells its times without it.

    *sorted_by* are the stamps that grow with the place. *kept* originals stay in memory.
    """

    def __init__(
        self,
        *,
        count: int,
        make: Callable[[int], T],
        stamp: Callable[[int, str], int],
        read: Callable[[T, str], int],
        number: Callable[[int], int],
        place: Callable[[int], int],
        getters: dict[str, search.Getter],
        sorted_by: Iterable[str] = ("id",),
        kept: int = 20_000,
    ) -> None:
        self.count = self.originals = count
        self._make, self._stamp, self._read = make, stamp, read
        self._number, self._place = number, place
        self.getters = getters
        self._sorted_by = frozenset(sorted_by) | {"id"}
        self._limit = kept
        self._kept: dict[int, T] = {}
        self._changed: dict[int, T] = {}
        self._stamps: dict[int, dict[str, int]] = {}
        self._gone: set[int] = set()
        self._orders: dict[str, tuple[array[int], array[int]]] = {}
        self._overlay: dict[str, list[Entry]] = {key: [] for key in STAMPS}
        self.version = 0

    def __len__(self) -> int:
        return self.originals + sum(not self._original(n) for n in self._changed) - len(self._gone)

    def pick(self, fraction: float) -> T | None:
        """The thing at *fraction* of the way through all ids."""
        left = len(self)
        if not left:
            return None
        rank = min(int(fraction * left), left - 1)
        alive = self.originals - len(self._gone)
        if rank >= alive:
            added = sorted(n for n in self._changed if not self._original(n))
            return self._changed[added[rank - alive]]
        for place in sorted(self._place(number) for number in self._gone):
            if place > rank:
                break
            rank += 1
        return self.get(self._number(rank))

    def _original(self, number: int) -> bool:
        return 0 <= self._place(number) < self.originals

    def untouched(self, number: int) -> bool:
        """Whether *number* is an original thing nobody changed or deleted."""
        return number not in self._changed and number not in self._gone and self._original(number)

    @property
    def shrunk(self) -> bool:
        return bool(self._gone)

    def gone(self, number: int) -> bool:
        return number in self._gone

    def changed(self, number: int) -> T | None:
        """The thing *number* as it was changed or added, if it was."""
        return self._changed.get(number)

    def everything_changed(self) -> list[T]:
        return list(self._changed.values())

    def get(self, number: int) -> T | None:
        if number in self._changed:
            return self._changed[number]
        if number in self._gone or not self._original(number):
            return None
        found = self._kept.get(number)
        if found is None:
            found = self._make(self._place(number))
            if len(self._kept) >= self._limit:
                self._kept.clear()
            self._kept[number] = found
        return found

    def __iter__(self) -> Iterator[T]:
        for _, number in self.scan([[]]):
            found = self.get(number)
            if found is not None:
                yield found

    def put(self, number: int, thing: T) -> None:
        """Keep *thing*, new or changed, and move it in every sort order."""
        self._unsort(number)
        self._changed[number] = thing
        self._gone.discard(number)
        self._stamps[number] = {"id": number}
        for key in STAMPS[1:]:
            self._stamps[number][key] = self._read(thing, key)
        for key, entries in self._overlay.items():
            bisect.insort(entries, (self._stamps[number][key], number))
        self.version += 1

    def remove(self, number: int) -> None:
        self._unsort(number)
        self._changed.pop(number, None)
        self._stamps.pop(number, None)
        self._kept.pop(number, None)
        if self._original(number):
            self._gone.add(number)
        self.version += 1

    def _unsort(self, number: int) -> None:
        known = self._stamps.get(number)
        if known is None:
            return
        for key, entries in self._overlay.items():
            del entries[bisect.bisect_left(entries, (known[key], number))]

    def stamp(self, number: int, key: str) -> int:
        if key == "id":
            return number
        known = self._stamps.get(number)
        return known[key] if known else self._stamp(self._place(number), key)

    def _sorting(self, key: str) -> Callable[[int], Entry]:
        """The entry at a rank among the originals, sorted by *key*."""
        if key in self._sorted_by:
            if key == "id":
                number = self._number
                return lambda rank: (number(rank),) * 2
            return lambda rank: (self._stamp(rank, key), self._number(rank))
        if key not in self._orders:
            stamps = array("q", (self._stamp(n, key) for n in range(self.originals)))
            # Sorting plain numbers is several times as fast as sorting by a key.
            joined = sorted(stamp << 32 | place for place, stamp in enumerate(stamps))
            places = array("I", (one & 0xFFFFFFFF for one in joined))
            self._orders[key] = stamps, places
        stamps, places = self._orders[key]
        return lambda rank: (stamps[places[rank]], self._number(places[rank]))

    def scan(
        self,
        query: search.Query,
        key: str = "id",
        *,
        reverse: bool = False,
        after: Entry | None = None,
    ) -> Iterator[Entry]:
        """Entries that match, in order of *key*, from behind *after* on."""
        entry_at = self._sorting(key)
        low, high = self._ranks(query, key)
        if after is not None and not reverse:
            low = max(low, bisect.bisect_right(range(self.originals), after, key=entry_at))
        elif after is not None:
            high = min(high, bisect.bisect_left(range(self.originals), after, key=entry_at))
        ranks = range(low, high)
        entries: Iterator[Entry] = map(entry_at, reversed(ranks) if reverse else ranks)
        if self._gone or self._changed:
            touched = self._changed.keys() | self._gone
            entries = (entry for entry in entries if entry[1] not in touched)
            added = self._added(key, after, reverse=reverse)
            entries = heapq.merge(entries, added, reverse=reverse)
        if not any(query):
            return entries
        return (entry for entry in entries if self.matches(entry[1], query))

    def _added(self, key: str, after: Entry | None, *, reverse: bool) -> list[Entry]:
        entries = self._overlay[key]
        if after is not None and reverse:
            return entries[: bisect.bisect_left(entries, after)][::-1]
        start = bisect.bisect_right(entries, after) if after is not None else 0
        return entries[::-1] if reverse else entries[start:]

    def total(self, query: search.Query) -> int:
        if not any(query):
            return len(self)
        stamped = {term.field for term in query[0] if term.field in STAMPS}
        key = next(iter(stamped - self._sorted_by), "id")
        if len(query) == 1 and self._counts_by(query[0], key):
            low, high = self._ranks(query, key)
            touched = [n for n in (*self._changed, *self._gone) if self._original(n)]
            hidden = sum(self._satisfies_originally(n, query[0]) for n in touched)
            return high - low - hidden + sum(self.matches(n, query) for n in self._changed)
        return sum(1 for _ in self.scan(query, key))

    def _counts_by(self, terms: list[search.Term], key: str) -> bool:
        """Whether the ranks by *key* alone decide every one of *terms*."""
        alike = self._sorted_by if key in self._sorted_by else {key}
        return all(term.field in alike and not term.negated for term in terms)

    def _satisfies_originally(self, number: int, terms: list[search.Term]) -> bool:
        place = self._place(number)
        return all(
            term.holds_for(number if term.field == "id" else self._stamp(place, term.field))
            for term in terms
        )

    def _ranks(self, query: search.Query, key: str) -> tuple[int, int]:
        """The ranks among the originals outside which nothing matches."""
        low, high = 0, self.originals
        if len(query) != 1:
            return low, high
        alike = self._sorted_by if key in self._sorted_by else {key}
        every = range(self.originals)
        for term in query[0]:
            if term.field not in alike or term.negated:
                continue
            entry_at = self._sorting(term.field)
            if term.low is not None:
                low = max(low, bisect.bisect_left(every, (term.low, -1), key=entry_at))
            if term.high is not None:
                high = min(high, bisect.bisect_left(every, (term.high + 1, -1), key=entry_at))
        return low, max(low, high)

    def matches(self, number: int, query: search.Query) -> bool:
        return any(self._satisfies(number, terms) for terms in query)

    def _satisfies(self, number: int, terms: list[search.Term]) -> bool:
        for term in terms:
            if term.field in STAMPS and not term.holds_for(self.stamp(number, term.field)):
                return False
        rest = [term for term in terms if term.field in self.getters]
        if not rest:
            return True
        thing = self.get(number)
        return thing is not None and search.matches(thing, rest, self.getters)
