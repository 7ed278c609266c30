"""Which part of a shop's history a poll asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from services.syncer.domain.windows import BEGINNING
from shared.shopify.resources import RESOURCES, Resource

# Objects that one search can page through; source: shopify.dev/docs/api/usage/pagination-graphql
PAGING_LIMIT = 25_000
_SECOND = timedelta(seconds=1)

# When an object changed, and its id.
Mark: TypeAlias = tuple[datetime, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Objects updated from *start* (None: ever) to *end*, both included.

    With *above*, only those whose id is greater.
    """

    start: datetime | None
    end: datetime
    above: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far a search has got: up to *moment*, and within its second up to *object_id*.

    *by_id* tells whether ids came in rising order (in a sorted search: those of equal times). Only
    then does an id tell a place.
    """

    moment: datetime | None = None
    object_id: int | None = None
    by_id: bool = True


def since(cursor: datetime | None, overlap: timedelta) -> datetime | None:
    """Return where a poll begins: an overlap before the cursor, or nowhere for everything."""
    return None if cursor is None else cursor - overlap


def left(moment: datetime, object_id: int, until: datetime) -> list[Span]:
    """Return what remains until *until* after an object, in the order (updated_at, id)."""
    second = _whole(moment)
    crowded = Span(start=second, end=second, above=object_id)
    later = Span(start=second + _SECOND, end=until)
    return [crowded, later] if later.start and later.start <= until else [crowded]


def place(moments: Sequence[datetime], until: datetime) -> datetime | None:
    """Return up to where a page, sorted by updated_at, was certainly read; None if that is unclear.

    An object that changed after it was found carries a later time than its place in the page, and
    later than *until*: it tells nothing about how far the page reaches.
    """
    settled = [moment for moment in moments if moment <= until]
    return settled[-1] if settled and settled == sorted(settled) else None


def further(before: Reached, marks: Sequence[Mark], until: datetime) -> Reached:
    """Return how far a search sorted by updated_at got with one more page of (time, id) *marks*."""
    moment = place([moment for moment, _ in marks], until)
    if moment is None:
        return before
    settled = [(_whole(at), number) for at, number in marks if at <= until]
    if before.moment is not None and before.object_id is not None:
        settled = [(_whole(before.moment), before.object_id), *settled]
    by_id = before.by_id and settled == sorted(settled)
    return Reached(moment=moment, object_id=settled[-1][1] if by_id else None, by_id=by_id)


def further_by_id(before: Reached, marks: Sequence[Mark]) -> Reached:
    """Return how far an unsorted search got with one more page."""
    ids = [number for _, number in marks]
    if before.object_id is not None:
        ids = [before.object_id, *ids]
    by_id = before.by_id and ids == sorted(ids)
    return Reached(object_id=ids[-1] if ids else None, by_id=by_id)


def rest(span: Span, reached: Reached) -> Sequence[Span]:
    """Return the spans to read instead of the rest of a sorted *span*; none: read on.

    Of a second that holds more than a search can page through, the rest is told by its ids.
    """
    if reached.moment is None:
        return []
    if reached.object_id is not None:
        return left(reached.moment, reached.object_id, span.end)
    if _whole(reached.moment) > _whole(span.start or BEGINNING):
        return [Span(start=_whole(reached.moment), end=span.end)]
    return []


def rest_by_id(span: Span, reached: Reached) -> Sequence[Span]:
    """Return the spans to read instead of the rest of an unsorted *span*; none: read on.

    What came in the order of ids goes on behind the last one; else the span is read by halves.
    """
    if reached.by_id and reached.object_id is not None:
        return [Span(start=span.start, end=span.end, above=reached.object_id)]
    start, end = _whole(span.start or BEGINNING), _whole(span.end)
    if end <= start:
        return []
    middle = _whole(start + (end - start) / 2)
    return [Span(start=span.start, end=middle), Span(start=middle + _SECOND, end=span.end)]


def search(span: Span, *, id_field: str = "id") -> str:
    """Return the search for the objects of *span*.

    Source: https://shopify.dev/docs/api/usage/search-syntax
    """
    found = updated_between(span.start, span.end)
    return found if span.above is None else f"{found} {id_field}:>{span.above}"


def updated_between(start: datetime | None, end: datetime) -> str:
    """Return the search for objects updated from *start* to *end*, both included."""
    upper = f"updated_at:<='{stamp(end)}'"
    return upper if start is None else f"updated_at:>='{stamp(start)}' {upper}"


def happened_between(span: Span) -> str:
    """Return the search for events of *span*."""
    upper = f"created_at:<='{stamp(span.end)}'"
    return upper if span.start is None else f"created_at:>='{stamp(span.start)}' {upper}"


def created_between(start: datetime, end: datetime, *, kind: str) -> str:
    """Return the search for objects of a job's *kind* created from *start* until before *end*.

    A field that Shopify does not know is ignored: everything would be found.
    """
    field = RESOURCES[kind].created
    return f"{field}:>='{stamp(start)}' {field}:<'{stamp(end)}'"


def still_changing(resource: Resource, at: datetime) -> str:
    """Return the search for what was created so late before *at* that it may still change."""
    return f"{resource.created}:>='{stamp(at - timedelta(days=resource.changes_days))}'"


def stamp(moment: datetime) -> str:
    """Return *moment* as Shopify's searches read it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
