"""Cutting a full sync into windows, by asking Shopify how much there is."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from services.syncer.domain.jobs import Job
from services.syncer.domain.polls import created_between
from services.syncer.domain.windows import BEGINNING, Window, merged, parts, roots_per_window
from shared.shopify.client import ShopClient
from shared.shopify.documents import document

# Inventory items cannot be counted; each belongs to a variant, and most are as old as its product.
_COUNTED = MappingProxyType(
    {
        "orders": "orders",
        "products": "products",
        "customers": "customers",
        "inventory": "products",
    }
)


class _Count(msgspec.Struct, frozen=True):
    count: int = 0


class _Counts(msgspec.Struct, rename="camel", frozen=True):
    orders_count: _Count = _Count()
    products_count: _Count = _Count()
    product_variants_count: _Count = _Count()
    customers_count: _Count = _Count()

    @property
    def roots(self) -> int:
        """How many there are of the one kind that was counted."""
        return self.orders_count.count + self.products_count.count + self.customers_count.count


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    client: ShopClient
    job: Job
    per_window: int = 0

    async def counts(self, search: str) -> _Counts:
        counted = _COUNTED[self.job.kind]
        wanted = {kind: kind == counted for kind in ("orders", "products", "customers")}
        body = await self.client.execute(document("counts"), {"search": search, **wanted})
        return msgspec.json.decode(body, type=_Counts)

    async def cut(self, window: Window) -> list[Window]:
        pieces = parts(window, self.per_window)
        if not pieces:
            return [window]
        found: list[Window] = []
        for start, end in pieces:
            counts = await self.counts(created_between(start, end, kind=self.job.kind))
            found += await self.cut(Window(start=start, end=end, count=counts.roots))
        return found


async def searches(client: ShopClient, job: Job, *, target: int) -> tuple[list[str], int | None]:
    """Return the searches of *job*'s windows, newest first, and how many objects to expect.

    *target* is how many orders one window may hold; of smaller objects it holds more. Windows of
    inventory follow the products, and how many items there are is unknown.
    """
    counts = await _Plan(client=client, job=job).counts("")
    variants = -(-counts.product_variants_count.count // max(1, counts.products_count.count))
    per_window = roots_per_window(job.kind, target, variants=variants)
    plan = _Plan(client=client, job=job, per_window=per_window)
    # What is created while the job runs is the polls' business, but costs nothing here.
    whole = Window(start=BEGINNING, end=job.started_at, count=counts.roots)
    found = merged(await plan.cut(whole), per_window)
    total = sum(window.count for window in found)
    if found in ([], [whole]):
        return [""], None if job.kind == "inventory" else total
    bounds = [created_between(one.start, one.end, kind=job.kind) for one in found]
    return bounds, None if job.kind == "inventory" else total
