"""Cutting a full sync into windows, by asking Shopify how much there is."""

from __future__ import annotations

import msgspec

from services.syncer.domain.jobs import Job
from services.syncer.domain.polls import created_between
from services.syncer.domain.windows import BEGINNING, Window, merged, parts, years
from shared.shopify.client import ShopClient
from shared.shopify.documents import document

# Objects of these kinds are small; a window may hold more of them than of orders.
_ROOTS_PER_ORDER = 4


class _Count(msgspec.Struct):
    count: int


class _Counts(msgspec.Struct, rename="camel"):
    orders_count: _Count
    products_count: _Count
    customers_count: _Count


async def searches(client: ShopClient, job: Job, *, target: int) -> tuple[list[str], int | None]:
    """Return the searches of *job*'s windows, newest first, and how many objects to expect.

    Only orders can be counted by a search; the other kinds are one window, or one a year.
    """
    until = job.started_at
    if job.kind == "orders":
        found = await _order_windows(client, Window(start=BEGINNING, end=until, count=0), target)
        # What is created while the job runs is the polls' business, but costs nothing here.
        return [created_between(one.start, one.end) for one in found], sum(w.count for w in found)
    counts = await _counts(client, "")
    total = {
        "products": counts.products_count.count,
        "customers": counts.customers_count.count,
    }.get(job.kind)
    expected = total if total is not None else counts.products_count.count
    if expected <= target * _ROOTS_PER_ORDER:
        return [""], total
    return [created_between(a, b) for a, b in years(until)], total


async def _order_windows(client: ShopClient, whole: Window, target: int) -> list[Window]:
    count = await _orders_between(client, whole)
    return merged(await _cut(client, count, target), target)


async def _cut(client: ShopClient, window: Window, target: int) -> list[Window]:
    pieces = parts(window, target)
    if not pieces:
        return [window]
    found: list[Window] = []
    for start, end in pieces:
        piece = await _orders_between(client, Window(start=start, end=end, count=0))
        found += await _cut(client, piece, target)
    return found


async def _orders_between(client: ShopClient, window: Window) -> Window:
    search = created_between(window.start, window.end)
    count = (await _counts(client, search)).orders_count.count
    return Window(start=window.start, end=window.end, count=count)


async def _counts(client: ShopClient, orders: str) -> _Counts:
    body = await client.execute(document("counts"), {"orders": orders})
    return msgspec.json.decode(body, type=_Counts)
