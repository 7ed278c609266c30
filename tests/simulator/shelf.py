"""All things of one kind in a shop: made on demand, changed in place, sorted by any stamp."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from tests.simulator import search

T = TypeVar("T")
_KEPT = 60_000
Entry = tuple[int, int]


class Shelf(Generic[T]):
    """``make(n)`` builds the n-th original thing, ``stamp(n, key)`` tells its times without it.

    Whatever was changed or added is held by id and wins over the original.
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
    ) -> None:
        self.count = self.originals = count
        self._make, self._stamp, self._read = make, stamp, read
        self._number, self._place = number, place
        self._getters = getters
        self._kept: dict[int, T] = {}
        self._changed: dict[int, T] = {}
        self._stamps: dict[int, dict[str, int]] = {}
        self._gone: set[int] = set()
        self._indexes: dict[str, list[Entry]] = {}

    def __len__(self) -> int:
        return self.originals + sum(not self._original(n) for n in self._changed) - len(self._gone)

    def pick(self, fraction: float) -> T | None:
        """The thing at *fraction* of the way through all ids."""
        entries = self.index("id")
        if not entries:
            return None
        return self.get(entries[min(int(fraction * len(entries)), len(entries) - 1)][1])

    def _original(self, number: int) -> bool:
        return 0 <= self._place(number) < self.originals

    def get(self, number: int) -> T | None:
        if number in self._changed:
            return self._changed[number]
        if number in self._gone or not self._original(number):
            return None
        found = self._kept.get(number)
        if found is None:
            found = self._make(self._place(number))
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[number] = found
        return found

    def __iter__(self) -> Iterator[T]:
        for _, number in list(self.index("id")):
            found = self.get(number)
            if found is not None:
                yield found

    def put(self, number: int, thing: T) -> None:
        """Keep *thing*, new or changed, and move it in every sort order."""
        self._unsort(number)
        self._changed[number] = thing
        self._gone.discard(number)
        self._stamps[number] = {"id": number}
        for key in ("created", "updated", "processed"):
            self._stamps[number][key] = self._read(thing, key)
        for key, entries in self._indexes.items():
            bisect.insort(entries, (self._stamps[number][key], number))

    def remove(self, number: int) -> None:
        self._unsort(number)
        self._changed.pop(number, None)
        self._stamps.pop(number, None)
        self._kept.pop(number, None)
        if self._original(number):
            self._gone.add(number)

    def _unsort(self, number: int) -> None:
        if number in self._gone or not (number in self._changed or self._original(number)):
            return
        for key, entries in self._indexes.items():
            entry = (self.stamp(number, key), number)
            position = bisect.bisect_left(entries, entry)
            if position < len(entries) and entries[position] == entry:
                del entries[position]

    def stamp(self, number: int, key: str) -> int:
        if key == "id":
            return number
        known = self._stamps.get(number)
        return known[key] if known else self._stamp(self._place(number), key)

    def index(self, key: str) -> list[Entry]:
        """Every (stamp, id), sorted."""
        if key not in self._indexes:
            numbers = {self._number(n) for n in range(self.originals)} - self._gone
            numbers |= self._changed.keys()
            self._indexes[key] = sorted((self.stamp(n, key), n) for n in numbers)
        return self._indexes[key]

    def scan(
        self,
        query: search.Query,
        key: str = "id",
        *,
        reverse: bool = False,
        after: Entry | None = None,
    ) -> Iterator[Entry]:
        """Entries that match, in order of *key*, from behind *after* on."""
        entries = self.index(key)
        low, high = self._range(entries, query, key)
        if after is not None and not reverse:
            low = max(low, bisect.bisect_right(entries, after))
        elif after is not None:
            high = min(high, bisect.bisect_left(entries, after))
        chosen = entries[low:high]
        for entry in reversed(chosen) if reverse else chosen:
            if self._matches(entry[1], query):
                yield entry

    def total(self, query: search.Query) -> int:
        if not any(query):
            return len(self)
        keys = [term.field for term in query[0] if term.field in search.STAMPS.values()]
        key = keys[0] if keys and len(query) == 1 else "id"
        return sum(1 for _ in self.scan(query, key))

    def _range(self, entries: list[Entry], query: search.Query, key: str) -> tuple[int, int]:
        low, high = 0, len(entries)
        if len(query) != 1:
            return low, high
        for term in query[0]:
            if term.field != key or term.negated:
                continue
            if term.low is not None:
                low = max(low, bisect.bisect_left(entries, (term.low, -1)))
            if term.high is not None:
                high = min(high, bisect.bisect_left(entries, (term.high + 1, -1)))
        return low, high

    def _matches(self, number: int, query: search.Query) -> bool:
        return any(self._satisfies(number, terms) for terms in query)

    def _satisfies(self, number: int, terms: list[search.Term]) -> bool:
        stamped = search.STAMPS.values()
        for term in terms:
            if term.field in stamped and not term.holds_for(self.stamp(number, term.field)):
                return False
        rest = [term for term in terms if term.field in self._getters]
        if not rest:
            return True
        thing = self.get(number)
        return thing is not None and search.matches(thing, rest, self._getters)
