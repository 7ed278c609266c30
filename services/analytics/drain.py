"""From marks to numbers: the marked orders' newest rows replace their part of the ledger."""

from __future__ import annotations

import time
from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from services.analytics import agreements, customers, folds, snapshots, store
from services.analytics.computed import Refused, Share, gaps, shares, written
from services.analytics.metrics import DRAIN_SECONDS, ORDERS_APPLIED_TOTAL
from services.analytics.shop import ShopKey
from shared.errors import Rejected, Unavailable
from shared.postgres import Connection, Pool, translated

log = structlog.get_logger()

BATCH_MAX = 2000


async def drain(pool: Pool, *, batch_max: int = BATCH_MAX) -> int:
    """Apply one batch of every shop that has marks; return how many marks went.

    Raises Unavailable when Postgres does not answer, after every other shop had its turn.
    """
    done = 0
    failed: Unavailable | None = None
    with translated():
        async with pool.acquire() as conn:
            for shop in await store.shops_to_visit(conn):
                try:
                    done += await _drain_or_skip(conn, shop, batch_max)
                except Unavailable as exc:
                    log.warning(
                        "shop not drained", shop_id=shop.shop_id, reason=repr(exc.__cause__)
                    )
                    failed = exc
    if failed is not None:
        raise failed
    return done


async def _drain_or_skip(conn: Connection, shop: ShopKey, batch_max: int) -> int:
    try:
        with translated():
            return await drain_shop(conn, shop, batch_max=batch_max)
    except Rejected as exc:
        log.warning("shop not drained", shop_id=shop.shop_id, reason=str(exc))
        return 0


async def drain_shop(conn: Connection, shop: ShopKey, *, batch_max: int = BATCH_MAX) -> int:
    """Apply up to *batch_max* marks of *shop* in one transaction; return how many.

    0 means that no mark waits or that another worker has the shop.
    """
    await make_incoming(conn)
    started = time.perf_counter()
    async with conn.transaction():
        if not await store.try_lock(conn, shop):
            return 0
        timezone = await follow_timezone(conn, shop)
        marks = await store.take_marks(conn, shop, batch_max)
        if not marks.count:
            return 0
        refused = await _replace(conn, shop, marks.order_ids, timezone)
        await folds.note(conn, shop, marks.order_ids)
    _report(shop, len(marks.order_ids), refused, time.perf_counter() - started)
    return marks.count


async def _replace(
    conn: Connection, shop: ShopKey, order_ids: Sequence[int], timezone: ZoneInfo
) -> Refused:
    gathered = await snapshots.orders_of(conn, shop, order_ids)
    found, refused = shares(gathered, timezone)
    known = refused.keys() | {one.order_id for one in found}
    found += [Share(order_id=one) for one in order_ids if one not in known]

    async def write(parts: Sequence[Share]) -> None:
        await add_incoming(conn, shop, parts)
        replaced = [part.order_id for part in parts]
        await store.replace_orders(conn, shop, replaced)
        await customers.replace_orders(conn, shop, replaced)
        await agreements.replace_gaps(conn, shop, replaced, gaps(parts))

    return refused | await written(conn, found, write)


async def make_incoming(conn: Connection) -> None:
    """Make the connection's tables of what was just computed; they empty themselves at commit."""
    await conn.execute(store.SQL["make_incoming"])
    await conn.execute(customers.SQL["make_incoming"])


async def add_incoming(conn: Connection, shop: ShopKey, parts: Sequence[Share]) -> None:
    """Copy *parts* beside those already incoming."""
    await store.add_incoming(conn, shop, [row for part in parts for row in part.rows])
    placed = [part.customer for part in parts if part.customer is not None]
    await customers.add_incoming(conn, shop, placed)


async def follow_timezone(conn: Connection, shop: ShopKey) -> ZoneInfo:
    """Return the shop's zone; when it or the rules moved, mark every order in this transaction.

    Raises Rejected for a zone that the tz database does not have.
    """
    zone = await store.timezones(conn, shop)
    timezone = _known(zone.current)
    if (zone.used, zone.rules) != (zone.current, store.RULES):
        await store.use_timezone(conn, shop, zone)
        if zone.used is not None:
            await store.mark_all_orders(conn, shop)
            log.info("counted anew", shop_id=shop.shop_id, old=zone.used, new=zone.current)
    return timezone


def _known(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise Rejected(f"no such time zone: {name}", code="unknown_timezone") from exc


def _report(shop: ShopKey, orders: int, refused: Refused, seconds: float) -> None:
    DRAIN_SECONDS.observe(seconds)
    ORDERS_APPLIED_TOTAL.labels("applied").inc(orders - len(refused))
    ORDERS_APPLIED_TOTAL.labels("refused").inc(len(refused))
    for order_id, reason in refused.items():
        log.error("order not counted", shop_id=shop.shop_id, order_id=order_id, reason=reason)
