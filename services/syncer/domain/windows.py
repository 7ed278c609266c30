"""How a full sync is cut into bulk operations of bounded size, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.shopify.resources import RESOURCES

_ORDER = RESOURCES["orders"].weight
# Shopify's first stores opened in 2006.
BEGINNING = datetime(2006, 1, 1, tzinfo=UTC)

_MAX_PARTS = 50
_FINEST = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What was created from *start* until before *end*, and how many objects that is."""

    start: datetime
    end: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One window as it is asked for; *count* is unknown where another kind was counted."""

    search: str
    start: datetime
    end: datetime
    count: int | None


def parts(window: Window, target: int) -> list[tuple[datetime, datetime]]:
    """Cut a window that holds more than *target* into equal times, newest first; else nothing."""
    seconds = int((window.end - window.start).total_seconds())
    wanted = min(
        _MAX_PARTS, -(-window.count // target) + 1, seconds // int(_FINEST.total_seconds())
    )
    if window.count <= target or wanted < 2:
        return []
    step = -(-seconds // wanted)
    edges = [window.start + timedelta(seconds=step * n) for n in range(wanted)]
    ends = [*edges[1:], window.end]
    return [(a, b) for a, b in zip(edges, ends, strict=True) if a < b][::-1]


def merged(windows: Iterable[Window], target: int) -> list[Window]:
    """Join neighbours, given newest first, while they stay within *target*.

    Empty ones are always joined: what a kind is counted by may be of another age than the kind.
    """
    result: list[Window] = []
    for window in windows:
        last = result[-1] if result else None
        empty = last is not None and 0 in (last.count, window.count)
        if last is not None and (empty or last.count + window.count <= target):
            joined = Window(start=window.start, end=last.end, count=last.count + window.count)
            result[-1] = joined
        else:
            result.append(window)
    return [window for window in result if window.count]


def roots_per_window(name: str, orders: int, *, variants: int) -> int:
    """Return how many roots of a resource are as much to hold in memory as so many *orders*.

    A product comes with *variants*, a variant's stock with a few levels.
    """
    grown = {"products": 1 + variants, "inventory": 4 * variants}
    weight = max(1, grown.get(name, RESOURCES[name].weight))
    return max(1, _ORDER * orders // weight)
