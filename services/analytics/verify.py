"""The oracle: every order computed again from commerce's rows and compared with what is kept."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from services.analytics import agreements, customers, snapshots, store
from services.analytics.computed import Share, gaps, shares, written
from services.analytics.drain import add_incoming, drain_shop, make_incoming
from services.analytics.shop import ShopKey
from shared import clock
from shared.errors import NotFound
from shared.postgres import Connection, Pool, load_queries, translated

log = structlog.get_logger()

SQL = load_queries("services.analytics", "verify.sql")

_COMPARING = (
    SQL["different_contributions"],
    SQL["different_buckets"],
    customers.SQL["different_orders"],
    customers.SQL["different_days"],
)
PAGE = 2000
SAMPLE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one shop's verification found. *pending* orders have marks and were not compared.

    *gaps* are the orders whose agreements do not add up, which is no difference of ours.
    """

    shop: ShopKey
    orders: int
    contributions: int
    pending: int
    gaps: dict[int, str]
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
        apart = [
            f"  {len(self.gaps)} orders whose agreements do not add up (analytics.ledger_gaps)"
        ]
        return [head, *(f"  {one}" for one in self.sample), *more, *(apart if self.gaps else [])]


@dataclass(slots=True)
class _Found:
    """Counts everything, keeps the first few: a ledger that is all wrong must fit in memory."""

    orders: int = 0
    rows: int = 0
    gaps: dict[int, str] = field(default_factory=dict)
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
    await make_incoming(conn)
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
    key = (shop.tenant_id, shop.shop_id)
    rows = await conn.fetch(SQL["unbalanced_buckets"], *key)
    rows += await conn.fetch(customers.SQL["unbalanced_days"], *key)
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
    for query in (SQL["keep_ledger_of"], customers.SQL["keep_orders_of"]):
        await conn.execute(query, *key, list(waiting))
    found = _Found()
    await _recompute(conn, shop, waiting, found)
    for query in _COMPARING:
        async for row in conn.cursor(query, *key):
            found.add(row[0])
    await _compare_gaps(conn, shop, waiting, found)
    return Verdict(
        shop=shop,
        orders=found.orders,
        contributions=found.rows,
        pending=len(waiting),
        gaps=found.gaps,
        differences=found.differences,
        sample=found.sample,
    )


async def _compare_gaps(conn: Connection, shop: ShopKey, waiting: set[int], found: _Found) -> None:
    kept = await agreements.gaps_of(conn, shop)
    found.gaps |= {one: kept[one] for one in waiting & kept.keys()}
    for order_id in sorted(kept.keys() | found.gaps.keys()):
        if kept.get(order_id) != found.gaps.get(order_id):
            found.add(
                f"ledger of order {order_id}: kept {kept.get(order_id)}, recomputed"
                f" {found.gaps.get(order_id)}"
            )


async def _recompute(conn: Connection, shop: ShopKey, waiting: set[int], found: _Found) -> None:
    zone = await store.timezones(conn, shop)
    timezone = ZoneInfo(zone.used or zone.current)

    async def write(parts: Sequence[Share]) -> None:
        await add_incoming(conn, shop, parts)

    async for gathered in _pages(conn, shop, waiting):
        parts, refused = shares(gathered, timezone)
        refused |= await written(conn, parts, write)
        for order_id, why in refused.items():
            found.add(f"order {order_id}: {why}")
        counted = [part for part in parts if part.order_id not in refused]
        found.gaps |= gaps(counted)
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
    await customers.enrol_all(conn, shop)
    await conn.execute(agreements.SQL["forget_gaps"], shop.tenant_id, shop.shop_id)
    await agreements.replace_gaps(conn, shop, [], verdict.gaps)
    return replace(verdict, repaired=True)


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
