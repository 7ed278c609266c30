"""How a bulk result renders a million orders: one template for each kind of order.

A template is learnt, not written: two orders of the same kind are rendered in full, and whatever
differs between them must be a known function of their places. A third order proves it. Where that
fails the orders of this kind are rendered one by one, so a template never changes what is served.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from tests.simulator import moments
from tests.simulator.ids import CHILDREN

_TOKEN = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d+)")
_TRIES = 60
Render = Callable[[int], bytes]
# A number in the text: place * first + customer * second + third, and its digits, 0 for as needed.
Linear = tuple[int, int, int, int]


@dataclass(slots=True)
class Template:
    """The lines of an order, apart from what follows from its place."""

    text: bytes
    numbers: list[Linear]
    times: list[int]
    pick: Callable[[list[Any]], tuple[Any, ...]]
    lines: int
    fixed: int
    loose: list[tuple[Linear, int]]
    proof: int
    version: int = 0

    def lines_of(self, n: int, customer: int, created: int) -> bytes:
        """All lines of order *n*, its own first."""
        values: list[Any] = [n * a + customer * b + c for a, b, c, _ in self.numbers]
        values += [stamped(created + offset) for offset in self.times]
        return self.text % self.pick(values)

    def size(self, n: int, customer: int) -> int:
        """How many bytes ``lines_of`` returns."""
        whole = self.fixed
        for (a, b, c, _), times in self.loose:
            whole += times * len(str(n * a + customer * b + c))
        return whole


_DAYS: dict[int, bytes] = {}
_SECONDS: list[bytes] = []


def stamped(moment: int) -> bytes:
    """A time as GraphQL writes it."""
    day, second = divmod(moment, moments.DAY)
    if not _SECONDS:
        hours = ((n // 3600, n // 60 % 60, n % 60) for n in range(moments.DAY))
        _SECONDS.extend(b"%02d:%02d:%02dZ" % one for one in hours)
    if day not in _DAYS:
        text = moments.utc(day * moments.DAY)
        assert text is not None
        _DAYS[day] = text[:11].encode()
    return _DAYS[day] + _SECONDS[second]


class Templates:
    """The templates of one selection, by kind of order."""

    def __init__(self, world: Any, render: Render) -> None:
        self._world, self._book, self._render = world, world.book, render
        self._known: dict[Any, Template | None] = {}
        self._version = -1

    def renew(self) -> None:
        """Have every template proven again if what it shows may have changed."""
        world = self._world
        self._version = world.products.version + world.items.version + world.version

    def of(self, n: int, key: Any) -> Template | None:
        """The template of order *n*; nothing where its kind cannot be told by one."""
        if key in self._known:
            found = self._known[key]
            if found is None or found.version == self._version:
                return found
            if self._proven(found):
                found.version = self._version
                return found
        made = self._learn(n, key)
        if made is not None:
            made.version = self._version
        self._known[key] = made
        return made

    def facts(self, n: int) -> tuple[int, int, int]:
        """Place, customer and creation time: all that a template is filled with."""
        return (
            n,
            self._book.customer(n) if self._world.customers.originals else 0,
            (self._book.created(n)),
        )

    def _proven(self, one: Template) -> bool:
        number = self._world.ids.of("Order", one.proof)
        return self._world.orders.untouched(number) and (
            one.lines_of(*self.facts(one.proof)) == self._render(one.proof)
        )

    def _learn(self, n: int, key: Any) -> Template | None:
        sample = [n, *self._others(n, key)]
        if len(sample) < 3:
            return None
        texts = [_TOKEN.split(self._render(place)) for place in sample[:2]]
        made = self._told(sample, texts)
        if made is not None and not self._proven(made):
            return None
        return made

    def _others(self, n: int, key: Any) -> Iterator[int]:
        """Two untouched orders of the same kind."""
        world, found = self._world, 0
        for step in range(1, _TRIES):
            for place in (n + step * self._book.prototypes, n - step * self._book.prototypes):
                if not 0 <= place < len(self._book) or self._book.key(place) != key:
                    continue
                if world.orders.untouched(world.ids.of("Order", place)):
                    yield place
                    found += 1
                    if found == 2:
                        return

    def _told(self, sample: list[int], texts: list[list[bytes]]) -> Template | None:
        first, second = texts[0], texts[1]
        if len(first) != len(second):
            return None
        facts = [self.facts(place) for place in sample[:2]]
        parts: list[bytes] = []
        slots: list[Linear | int] = []
        for position, (left, right) in enumerate(zip(first, second, strict=True)):
            if left == right:
                parts.append(left.replace(b"%", b"%%"))
                continue
            slot = self._slot(left, right, facts) if position % 2 else None
            if slot is None:
                return None
            slots.append(slot)
            parts.append(_format(slot))
        return self._made(b"".join(parts), slots, proof=sample[2])

    def _slot(
        self, left: bytes, right: bytes, facts: list[tuple[int, int, int]]
    ) -> Linear | int | None:
        """What the two differing tokens have in common."""
        (n, one, born), (m, two, later) = facts
        if b"T" in left:
            return _agree(_moment(left) - born, _moment(right) - later)
        a, b = int(left), int(right)
        base = self._world.ids.of("Customer", 0)
        width = len(left) if left.startswith(b"0") and len(left) > 1 else 0
        for factor in (1, 10, CHILDREN):
            if a - n * factor == b - m * factor:
                return factor, 0, a - n * factor, width
        if a - one == b - two in (0, base):
            return 0, 1, a - one, width
        return None

    def _made(self, text: bytes, slots: list[Linear | int], proof: int) -> Template:
        numbers = list(dict.fromkeys(one for one in slots if isinstance(one, tuple)))
        times = list(dict.fromkeys(one for one in slots if isinstance(one, int)))
        places = [
            numbers.index(one) if isinstance(one, tuple) else len(numbers) + times.index(one)
            for one in slots
        ]
        pick = itemgetter(*places) if places else lambda values: ()
        made = Template(text, numbers, times, pick, 0, 0, [], proof)
        sample = made.lines_of(*self.facts(proof))
        made.loose = [(one, slots.count(one)) for one in numbers if self._loose(one)]
        made.fixed = len(sample) - made.size(*self.facts(proof)[:2])
        made.lines = sample.count(b"\n")
        return made

    def _loose(self, one: Linear) -> bool:
        """Whether the number has more digits in some orders than in others."""
        a, b, c, width = one
        most = len(self._book) * a + self._world.customers.originals * b + c
        return not width and len(str(c)) != len(str(most))


def _format(slot: Linear | int) -> bytes:
    if isinstance(slot, int):
        return b"%b"
    return b"%%0%dd" % slot[3] if slot[3] else b"%d"


def _moment(token: bytes) -> int:
    found = moments.parsed(token.decode())
    assert found is not None
    return found


def _agree(left: int, right: int) -> int | None:
    return left if left == right else None
