"""Cutting a full sync into windows, by asking Shopify how much there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import msgspec

from services.syncer.domain.jobs import Job
from services.syncer.domain.operations import Planned
from services.syncer.domain.polls import created_between, stamp
from services.syncer.domain.windows import (
    BEGINNING,
    Piece,
    Window,
    merged,
    parts,
    roots_per_window,
)
from shared.shopify.client import ShopClient
from shared.shopify.documents import document
from shared.shopify.resources import RESOURCES

# Resource -> whose count sizes its windows. Inventory items cannot be counted by a search; each
# belongs to a variant, and most are as old as its product.
_COUNTED = MappingProxyType(
    {
        "orders": "orders",
        "order_details": "orders",
        "products": "products",
        "inventory": "products",
        "customers": "customers",
        "draft_orders": "draft_orders",
        "abandoned_checkouts": "abandoned_checkouts",
        "discounts": "discounts",
        "gift_cards": "gift_cards",
        "collections": "collections",
    }
)
_OF_ANOTHER_KIND = frozenset({"inventory"})


class _Count(msgspec.Struct, frozen=True):
    count: int = 0


class _Counts(msgspec.Struct, frozen=True):
    counted: _Count | None = None
    variants: _Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    client: ShopClient
    job: Job
    per_window: int = 0

    async def counts(self, search: str) -> _Counts:
        name = f"{_COUNTED[self.job.kind]}_count"
        body = await self.client.execute(document(name), {"search": search})
        return msgspec.json.decode(body, type=_Counts)

    async def count(self, start: datetime, end: datetime) -> int:
        counts = await self.counts(_counted_between(start, end))
        return counts.counted.count if counts.counted else 0

    async def cut(self, window: Window) -> list[Window]:
        """Return parts of *window*, newest first, that hold no more than wanted where possible."""
        found: list[Window] = []
        for start, end in parts(window, self.per_window):
            count = await self.count(start, end)
            found += await self.cut(Window(start=start, end=end, count=count))
        return found or [window]


async def pieces(client: ShopClient, job: Job, *, target: int) -> tuple[list[Piece], int | None]:
    """Return *job*'s windows, newest first, and how many objects to expect, None if unknown.

    *target* is how many orders one window may hold; of smaller objects it holds more.
    """
    end = job.started_at
    everything = Piece(search="", start=BEGINNING, end=end, count=None)
    if job.kind not in _COUNTED:
        return [everything], None
    counts = await _Plan(client=client, job=job).counts("")
    roots, variants = (one.count if one else 0 for one in (counts.counted, counts.variants))
    total = _known(job, roots)
    if not RESOURCES[job.kind].created:
        return [everything], total
    per_window = roots_per_window(job.kind, target, variants=-(-variants // max(1, roots)))
    plan = _Plan(client=client, job=job, per_window=per_window)
    # What is created while the job runs is the polls' business, but costs nothing here.
    found = merged(await plan.cut(Window(start=BEGINNING, end=end, count=roots)), per_window)
    if len(found) < 2:
        return [Piece(search="", start=BEGINNING, end=end, count=total)], total
    return _asked(job, found), _known(job, sum(window.count for window in found))


async def smaller(client: ShopClient, job: Job, window: Planned) -> list[Piece]:
    """Cut a window on which Shopify failed in about halves; nothing when it cannot be cut."""
    if not RESOURCES[job.kind].created or window.start is None or window.end is None:
        return []
    plan = _Plan(client=client, job=job)
    count = await plan.count(window.start, window.end)
    half = max(1, -(-count // 2))
    plan = _Plan(client=client, job=job, per_window=half)
    found = merged(await plan.cut(Window(start=window.start, end=window.end, count=count)), half)
    return _asked(job, found) if len(found) > 1 else []


async def count_now(client: ShopClient, job: Job, window: Planned | None = None) -> int | None:
    """Return how many objects of *job*'s kind Shopify counts now, None if it cannot be asked.

    Only those of *window*, or all that were there when the job started.
    """
    if job.kind not in _COUNTED or job.kind in _OF_ANOTHER_KIND:
        return None
    plan = _Plan(client=client, job=job)
    if not RESOURCES[job.kind].created:
        counts = await plan.counts("")
        return counts.counted.count if counts.counted else None
    start = window.start if window and window.start else BEGINNING
    end = window.end if window and window.end else job.started_at
    return await plan.count(start, end)


def _asked(job: Job, windows: Sequence[Window]) -> list[Piece]:
    return [
        Piece(
            search=created_between(one.start, one.end, kind=job.kind),
            start=one.start,
            end=one.end,
            count=_known(job, one.count),
        )
        for one in windows
    ]


def _known(job: Job, count: int) -> int | None:
    return None if job.kind in _OF_ANOTHER_KIND else count


def _counted_between(start: datetime, end: datetime) -> str:
    # Counts know created_at of every kind, also of customers, who are searched by customer_date.
    return f"created_at:>='{stamp(start)}' created_at:<'{stamp(end)}'"
