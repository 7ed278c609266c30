"""Which part of a shop's history a poll asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType

# Objects per page: what the query may cost decides, see MAX_COST_EXCEEDED.
PAGE_SIZES = MappingProxyType(
    {"order": 20, "product": 25, "customer": 50, "inventory_item": 50, "inventory_level": 100}
)
# Pages of these kinds come sorted by updated_at, so a cursor within them is worth keeping.
SORTED = frozenset({"order", "product", "customer"})


def since(cursor: datetime | None, overlap: timedelta) -> datetime | None:
    """Return where a poll begins: an overlap before the cursor, or nowhere for everything."""
    return None if cursor is None else cursor - overlap


def updated_between(start: datetime | None, end: datetime) -> str:
    """Return the search for objects updated from *start* to *end*, both included.

    Source: https://shopify.dev/docs/api/usage/search-syntax
    """
    upper = f"updated_at:<='{stamp(end)}'"
    return upper if start is None else f"updated_at:>='{stamp(start)}' {upper}"


def created_between(start: datetime, end: datetime) -> str:
    """Return the search for objects created from *start* until before *end*."""
    return f"created_at:>='{stamp(start)}' created_at:<'{stamp(end)}'"


def stamp(moment: datetime) -> str:
    """Return *moment* as Shopify's searches read it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
