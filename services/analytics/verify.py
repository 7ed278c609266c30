"""The oracle: every order computed again from commerce's rows and compared with what is kept."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from services.analytics import snapshots, store
from services.analytics.computed import Share, shares, written
from services.analytics.drain import drain_shop
from services.analytics.shop import ShopKey
from shared import clock
from shared.errors import NotFound
from shared.postgres import Connection, Pool, load_queries, translated

log = structlog.get_logger()

SQL = load_queries("services.analytics", "verify.sql")

PAGE = 2000
SAMPLE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one shop's verification found. *pending* orders have marks and were not compared."""

    shop: ShopKey
    orders: int
    contributions: int
    pending: int
    differences: int
    sample: list[str]
    repaired: bool = False

    def lines(self) -> list[str]:
        """Tell it to a person."""
        fate = "repaired" if self.repaired else "NOT equal" if self.differences else "equal"
        head = (
            f"shop {self.shop.shop_id}: {fate}; {self.orders} orders,"
            f" {self.contributions} contributions, {self.differences} differences,"
            f" {self.pending} orders pending"
        )
        rest = self.differences - len(self.sample)
        more = [f"  and {rest} more"] if rest else []
        return [head, *(f"  {one}" for one in self.sample), *more]


@dataclass(slots=True)
class _Found:
    """Counts everything, keeps the first few: a ledger that is all wrong must fit in memory."""

    orders: int = 0
    rows: int = 0
    differences: int = 0
    sample: list[str] = field(default_factory=list)

    def add(self, difference: str) -> None:
        self.differences += 1
        if len(self.sample) < SAMPLE:
            self.sample.append(difference)


async def verify_all(
    pool: Pool, *, shop_id: int | None = None, repair: bool = False
) -> list[Verdict]:
    """Verify all shops, or the one named. Raises NotFound for a shop nobody knows."""
    with translated():
        async with pool.acquire() as conn:
            shops = [
                shop for shop in await store.known_shops(conn) if shop_id in (None, shop.shop_id)
            ]
            if shop_id is not None and not shops:
                raise NotFound(f"no shop {shop_id}")
            return [await verify_shop(conn, shop, repair=repair) for shop in shops]


async def verify_shop(conn: Connection, shop: ShopKey, *, repair: bool = False) -> Verdict:
    """Drain *shop*, recompute it from one snapshot of the database and compare to the cent.

    Orders whose marks arrive meanwhile are left to the next time.
    """
    started = clock.now()
    while await drain_shop(conn, shop):
        pass
    await store.make_incoming(conn)
    async with _locked(conn, shop), conn.transaction(isolation="repeatable_read"):
        verdict = await _compare(conn, shop)
        if verdict.differences and repair:
            verdict = await _repair(conn, shop, verdict)
        await _record(conn, verdict, started)
    if verdict.differences:
        log.error("numbers differ", shop_id=shop.shop_id, differences=verdict.differences)
    return verdict


async def unbalanced_buckets(conn: Connection, shop: ShopKey) -> list[str]:
    """Name the buckets of the rollup that are not the sum of their contributions, in SQL alone."""
    rows = await conn.fetch(SQL["unbalanced_buckets"], shop.tenant_id, shop.shop_id)
    return [row[0] for row in rows]


@contextlib.asynccontextmanager
async def _locked(conn: Connection, shop: ShopKey) -> AsyncIterator[None]:
    # Of the session, not the transaction: the snapshot must begin after the lock is ours.
    await conn.execute(store.SQL["lock_for_session"], shop.tenant_id, shop.shop_id)
    try:
        yield
    finally:
        await conn.execute(store.SQL["unlock_for_session"], shop.tenant_id, shop.shop_id)


async def _compare(conn: Connection, shop: ShopKey) -> Verdict:
    key = (shop.tenant_id, shop.shop_id)
    waiting = {row[0] for row in await conn.fetch(SQL["pending_orders"], *key)}
    await conn.execute(SQL["keep_ledger_of"], *key, list(waiting))
    found = _Found()
    await _recompute(conn, shop, waiting, found)
    for query in ("different_contributions", "different_buckets"):
        async for row in conn.cursor(SQL[query], *key):
            found.add(row[0])
    return Verdict(
        shop=shop,
        orders=found.orders,
        contributions=found.rows,
        pending=len(waiting),
        differences=found.differences,
        sample=found.sample,
    )


async def _recompute(conn: Connection, shop: ShopKey, waiting: set[int], found: _Found) -> None:
    zone = await store.timezones(conn, shop)
    timezone = ZoneInfo(zone.used or zone.current)

    async def write(parts: Sequence[Share]) -> None:
        await store.add_incoming(conn, shop, [row for part in parts for row in part.rows])

    async for gathered in _pages(conn, shop, waiting):
        parts, refused = shares(gathered, timezone)
        refused |= await written(conn, parts, write)
        for order_id, why in refused.items():
            found.add(f"order {order_id}: {why}")
        counted = [part for part in parts if part.order_id not in refused]
        found.orders += len(counted)
        found.rows += sum(len(part.rows) for part in counted)


async def _pages(
    conn: Connection, shop: ShopKey, waiting: set[int]
) -> AsyncIterator[snapshots.Gathered]:
    last = -1
    while ids := [
        row[0]
        for row in await conn.fetch(
            SQL["order_ids_after"], shop.tenant_id, shop.shop_id, last, PAGE
        )
    ]:
        last = ids[-1]
        yield await snapshots.orders_of(conn, shop, [one for one in ids if one not in waiting])


async def _repair(conn: Connection, shop: ShopKey, verdict: Verdict) -> Verdict:
    await conn.execute(SQL["forget_shop"], shop.tenant_id, shop.shop_id)
    await conn.fetchval(store.SQL["enrol"], shop.tenant_id, shop.shop_id)
    return Verdict(
        shop=shop,
        orders=verdict.orders,
        contributions=verdict.contributions,
        pending=verdict.pending,
        differences=verdict.differences,
        sample=verdict.sample,
        repaired=True,
    )


async def _record(conn: Connection, verdict: Verdict, started: datetime) -> None:
    await conn.execute(
        SQL["record_reconciliation"],
        verdict.shop.tenant_id,
        verdict.shop.shop_id,
        started,
        verdict.orders,
        verdict.contributions,
        verdict.pending,
        verdict.differences,
        verdict.sample,
        verdict.repaired,
    )
