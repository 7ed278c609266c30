"""A bulk operation's JSONL file, joined to whole objects by ``__parentId``.

Source: https://shopify.dev/docs/api/usage/bulk-operations/queries
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from shared.clock import now
from shared.errors import Rejected
from shared.shopify.assemblies import ASSEMBLIES
from shared.shopify.bulk_lines import NO_ENDING, ending_of, name_of, parent_of
from shared.shopify.documents import Namespaces
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import digits, rejecting
from shared.shopify.snapshots import Kind, Owner, Snapshot

_SURELY_A_BIGINT = 18  # digits


class BulkAssembler:
    """Joins the lines of one window: feed it the file in any pieces, then finish it once.

    It holds the window's lines in memory, so the caller chooses windows that fit. ``roots`` and
    ``objects`` count what was fed, to compare with ``rootObjectCount`` and ``objectCount``.
    ``rejected`` holds, after ``finish``, the objects that could not be mapped, by id: one bad
    object does not take its window along. *namespaces* are those whose metafields were asked for.
    """

    def __init__(self, kind: Kind, owner: Owner, namespaces: Namespaces = ()) -> None:
        self._assemble = ASSEMBLIES[kind]
        self._owner = owner
        self._namespaces = namespaces
        self._read_at = now()
        self._tail = b""
        # Both by type and number: an order and one of its agreements may have the same number.
        self._roots: dict[bytes, bytes] = {}
        self._children: dict[bytes, list[bytes]] = {}
        # How the line before named its parent, and that parent's children: most come together.
        self._ending = NO_ENDING
        self._siblings: list[bytes] = []
        self.objects = 0
        self.rejected: dict[int, Rejected] = {}

    @property
    def roots(self) -> int:
        """How many root objects were fed."""
        return len(self._roots)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file; raise Rejected for a line that is no object."""
        lines = (self._tail + chunk).split(b"\n")
        self._tail = lines.pop()
        for line in lines:
            if line.endswith(self._ending):
                self._siblings.append(line)
                self.objects += 1
            elif line:
                self._sort(line)

    def finish(self) -> Iterator[Snapshot]:
        """Yield every object of the file; raise Rejected when a child's parent is missing.

        Orders whose refunds are not empty are incomplete="refunds": a bulk operation cannot carry
        the lines of a refund.
        """
        for family in self.families():
            yield from self.snapshots(family)

    def families(self, *, skip: int = 0) -> Iterator[list[bytes]]:
        """Yield the lines of each root and all below it, in the order of the roots in the file.

        The first *skip* roots are left out. Raises Rejected as ``finish`` does.
        """
        self._sort(self._tail)
        self._tail = b""
        self._adopt_grandchildren()
        for place, (key, root) in enumerate(self._roots.items()):
            family = [root, *self._children.pop(key, ())]
            if place >= skip:
                yield family

    def snapshots(self, family: list[bytes], frame: bytes | None = None) -> list[Snapshot]:
        """Return what a root and its children say; nothing if they cannot be mapped.

        *frame* is the compressed ``payload_of(family)``, where somebody made it already.
        """
        payload = payload_of(family)
        try:
            with rejecting(payload):
                origin = Origin(
                    self._owner, "bulk", payload, self._namespaces, self._read_at, frame
                )
                return self._assemble(family, origin)
        except Rejected as exc:
            name = _root_name(family[0])
            self.rejected[int(digits(name.decode()))] = exc
            return []

    def _sort(self, line: bytes) -> None:
        parent = parent_of(line)
        if parent is not None:
            self._siblings = self._children.setdefault(parent, [])
            self._siblings.append(line)
            self._ending = ending_of(line, parent)
        elif not line or line.isspace():
            return
        else:
            self._roots[_root_name(line)] = line
        self.objects += 1

    def _adopt_grandchildren(self) -> None:
        # Most files have one level below the root; only the others look for who is whose parent.
        below = self._children.keys() - self._roots.keys()
        if not below:
            return
        above = _parents(below, self._children.items())
        orphans = 0
        for name in [one for one in self._children if one in below]:
            root = _topmost(name, above)
            if root in self._roots:
                self._children.setdefault(root, []).extend(self._children.pop(name))
            else:
                orphans += 1
        if orphans:
            raise Rejected(f"{orphans} parents are not in the file", code="bulk_orphans")


def payload_of(family: list[bytes]) -> bytes:
    """Return the lines of one object as the archive keeps them."""
    return b"\n".join(family)


def _root_name(line: bytes) -> bytes:
    name = name_of(line)
    if name is None:
        raise Rejected("a root has no id", code="bad_payload", details={"path": "$.id"})
    number = name.rpartition(b"/")[2]
    if not number.isdigit() or len(number) > _SURELY_A_BIGINT:
        with rejecting(line):
            digits(name.decode())
    return name


def _parents(
    wanted: Iterable[bytes], children: Iterable[tuple[bytes, list[bytes]]]
) -> dict[bytes, bytes]:
    """Return the parent of each of the *wanted* names that is a child itself."""
    found: dict[bytes, bytes] = {}
    for parent, lines in children:
        names = [name_of(line) for line in lines]
        found.update((name, parent) for name in names if name is not None and name in wanted)
    return found


def _topmost(name: bytes, above: Mapping[bytes, bytes]) -> bytes:
    for _ in range(len(above) + 1):
        parent = above.get(name)
        if parent is None:
            return name
        name = parent
    return name  # a circle: no root is in it
