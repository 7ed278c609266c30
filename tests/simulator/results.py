"""The results of bulk operations: written ahead, or counted ahead and rendered while served."""

from __future__ import annotations

import bisect
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from tests.simulator import projector
from tests.simulator.store import Operation
from tests.simulator.templates import Template, Templates

# So many neighbours' children are mixed in an ungrouped result.
BATCH = 7
_CHUNK = 1 << 18
_MARK = 512 * BATCH
# A short file lacks the last of so many objects, their children with them.
SHORT = 100
Going = Callable[[int], bool]


def line(row: dict[str, Any]) -> bytes:
    """A row as Shopify writes it: slashes escaped."""
    return orjson.dumps(row).replace(b"/", b"\\/")


def block(families: list[list[bytes]], *, grouped: bool) -> bytes:
    """Some roots, each the first of its family, with their children below."""
    if grouped:
        return b"\n".join(one for family in families for one in family) + b"\n"
    lines = [family[0] for family in families]
    # Neighbours' children interleave, each family's in its own order.
    for place in range(1, max(map(len, families))):
        lines.extend(family[place] for family in reversed(families) if place < len(family))
    return b"\n".join(lines) + b"\n"


def family(shape: projector.Shape, thing: Any) -> list[bytes]:
    root, below = projector.lines_of(shape, thing, None)
    return [line(root), *map(line, below)]


class Written:
    """A result in a file, for whatever has no templates."""

    def __init__(self, path: Path, *, short: bool) -> None:
        self.path, self._short = path, short

    def prepare(
        self, operation: Operation, shape: projector.Shape, things: Any, going: Going
    ) -> None:
        """Write the file and count what is in it, as long as *going* says so."""
        buffer, families, roots = bytearray(), [], 0
        with self.path.open("wb") as file:
            for roots, thing in enumerate(things, 1):
                made = family(shape, thing)
                operation.objects += len(made)
                operation.roots = roots
                if not (self._short and roots % SHORT == 0):
                    families.append(made)
                if len(families) == BATCH:
                    buffer += block(families, grouped=operation.grouped)
                    families = []
                if len(buffer) > _CHUNK:
                    operation.size += file.write(buffer)
                    buffer.clear()
                    time.sleep(0)
                if not going(roots):
                    break
            if families:
                buffer += block(families, grouped=operation.grouped)
            operation.size += file.write(buffer)


class Rendered:
    """A result of which only the counts are made ahead.

    What was changed since the shop was made is written to a file beside, so that the result shows
    one moment, however long it takes to fetch.
    """

    def __init__(self, path: Path, world: Any, *, short: bool) -> None:
        self.path, self._world, self._short = path, world, short
        self._places = array("I")
        self._stored: dict[int, tuple[int, int]] = {}
        self._templates: dict[Any, Template] = {}
        # Where in the result every _MARK-th object begins.
        self._marks: list[int] = [0]
        self._grouped = False
        self.size = 0

    def prepare(
        self,
        operation: Operation,
        shape: projector.Shape,
        places: Iterator[int],
        going: Going,
        templates: Templates,
    ) -> None:
        """Count what *places* say is in the result, as long as *going* says so."""
        book, roots = self._world.book, 0
        self._grouped = operation.grouped
        with self.path.open("wb") as file:
            for roots, place in enumerate(places, 1):
                template = self._template(place, templates)
                if template is None:
                    made = self._told(shape, place)
                    size, lines = len(made), made.count(b"\n")
                    self._stored[place] = file.tell(), size
                    file.write(made)
                else:
                    size, lines = template.size(place, book.customer(place)), template.lines
                operation.objects += lines
                operation.roots = roots
                if not (self._short and roots % SHORT == 0):
                    self._places.append(place)
                    operation.size += size
                    self.size = operation.size
                    if len(self._places) % _MARK == 0:
                        self._marks.append(operation.size)
                        time.sleep(0)
                if not going(roots):
                    break

    def _told(self, shape: projector.Shape, place: int) -> bytes:
        order = self._world.orders.get(self._world.ids.of("Order", place))
        return b"\n".join(family(shape, order)) + b"\n" if order is not None else b""

    def _template(self, place: int, templates: Templates) -> Template | None:
        world = self._world
        if not world.orders.untouched(world.ids.of("Order", place)):
            return None
        if world.customers.shrunk:
            customer = world.ids.of("Customer", world.book.customer(place))
            if world.customers.gone(customer):
                return None
        key = world.book.key(place)
        found = self._templates.get(key)
        if found is None:
            found = templates.of(place, key)
            if found is not None:
                self._templates[key] = found
        return found

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        """The result from byte *start* on, in pieces of some hundred kilobytes."""
        mark = bisect.bisect_right(self._marks, start) - 1
        skip, buffer = start - self._marks[mark], bytearray()
        with self.path.open("rb") as file:
            for first in range(mark * _MARK, len(self._places), BATCH):
                families = [
                    self._family(place, file) for place in self._places[first : first + BATCH]
                ]
                buffer += block(families, grouped=self._grouped)
                if len(buffer) > _CHUNK:
                    if skip < len(buffer):
                        yield bytes(buffer[skip:]) if skip else bytes(buffer)
                    skip = max(0, skip - len(buffer))
                    buffer.clear()
        if skip < len(buffer):
            yield bytes(buffer[skip:])

    def _family(self, place: int, file: Any) -> list[bytes]:
        stored = self._stored.get(place)
        if stored is not None:
            file.seek(stored[0])
            text = file.read(stored[1])
        else:
            book = self._world.book
            template = self._templates[book.key(place)]
            text = template.lines_of(place, book.customer(place), book.created(place))
        return text[:-1].split(b"\n")
