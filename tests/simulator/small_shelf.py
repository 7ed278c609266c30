"""Shelves of things that are few enough to be made at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.simulator import search
from tests.simulator.ids import Ids
from tests.simulator.shelf import Shelf


def small_shelf(
    things: Sequence[Any], ids: Ids, kind: str, getters: dict[str, search.Getter] | None = None
) -> Shelf[Any]:
    """A shelf of *things*, the n-th of which has the n-th id of *kind*."""
    stamps = [{key: _read(one, key) for key in _KEYS} for one in things]
    return Shelf(
        count=len(things),
        make=things.__getitem__,
        stamp=lambda n, key: stamps[n][key],
        read=_read,
        number=lambda n: ids.of(kind, n),
        place=lambda number: ids.sequence(kind, number),
        getters=getters or {},
    )


def next_place(shelf: Shelf[Any], ids: Ids, kind: str) -> int:
    """The first place behind everything that ever stood on *shelf*."""
    known = [ids.sequence(kind, one.id) for one in shelf]
    return max([shelf.originals - 1, *known]) + 1


_KEYS = ("created", "updated", "processed")


def _read(thing: Any, key: str) -> int:
    return int(getattr(thing, key, thing.updated if key == "updated" else thing.created))
