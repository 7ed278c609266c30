"""Which part of a shop's history a poll asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from services.syncer.domain.windows import BEGINNING
from shared.shopify.snapshots import Kind

# Objects per page: what the query may cost decides, see MAX_COST_EXCEEDED.
PAGE_SIZES = MappingProxyType(
    {"order": 20, "product": 25, "customer": 50, "inventory_item": 50, "inventory_level": 100}
)
# Pages of these kinds come sorted by updated_at, so a cursor within them is worth keeping.
SORTED: frozenset[Kind] = frozenset({"order", "product", "customer"})
# Objects that one search can page through; source: shopify.dev/docs/api/usage/pagination-graphql
PAGING_LIMIT = 25_000
_FINEST = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Objects updated from *start* (None: ever) to *end*, both included."""

    start: datetime | None
    end: datetime


def since(cursor: datetime | None, overlap: timedelta) -> datetime | None:
    """Return where a poll begins: an overlap before the cursor, or nowhere for everything."""
    return None if cursor is None else cursor - overlap


def place(moments: Sequence[datetime], until: datetime) -> datetime | None:
    """Return up to where a page, sorted by updated_at, was certainly read; None if that is unclear.

    An object that changed after it was found carries a later time than its place in the page, and
    later than *until*: it tells nothing about how far the page reaches.
    """
    settled = [moment for moment in moments if moment <= until]
    return settled[-1] if settled and settled == sorted(settled) else None


def rest(span: Span, reached: datetime | None, *, kind: Kind) -> Sequence[Span]:
    """Return the spans to read instead of the rest of *span*, oldest first; none: read on.

    A sorted kind goes on where it was; another is read again by halves.
    """
    start = span.start or BEGINNING
    if kind in SORTED:
        return [Span(start=reached, end=span.end)] if reached and reached > start else []
    if span.end - start < _FINEST:
        return []
    middle = start + (span.end - start) / 2
    return [Span(start=span.start, end=middle), Span(start=middle, end=span.end)]


def updated_between(start: datetime | None, end: datetime) -> str:
    """Return the search for objects updated from *start* to *end*, both included.

    Source: https://shopify.dev/docs/api/usage/search-syntax
    """
    upper = f"updated_at:<='{stamp(end)}'"
    return upper if start is None else f"updated_at:>='{stamp(start)}' {upper}"


def created_between(start: datetime, end: datetime, *, kind: str) -> str:
    """Return the search for objects of a job's *kind* created from *start* until before *end*.

    A field that Shopify does not know is ignored: everything would be found.
    """
    field = "customer_date" if kind == "customers" else "created_at"
    return f"{field}:>='{stamp(start)}' {field}:<'{stamp(end)}'"


def stamp(moment: datetime) -> str:
    """Return *moment* as Shopify's searches read it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
