"""How a full sync is cut into bulk operations of bounded size, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

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
    """Join neighbours, given newest first, while they stay within *target*; drop empty ones."""
    result: list[Window] = []
    for window in windows:
        last = result[-1] if result else None
        if last is not None and last.count + window.count <= target:
            joined = Window(start=window.start, end=last.end, count=last.count + window.count)
            result[-1] = joined
        else:
            result.append(window)
    return [window for window in result if window.count]


def years(until: datetime) -> Sequence[tuple[datetime, datetime]]:
    """Cut all time until *until* into years, newest first."""
    starts = [BEGINNING.replace(year=year) for year in range(BEGINNING.year, until.year + 1)]
    ends = [*starts[1:], until]
    return [(a, b) for a, b in zip(starts, ends, strict=True) if a < b][::-1]
