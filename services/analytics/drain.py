"""From marks to numbers: the marked orders' newest rows replace their part of the ledger."""

from __future__ import annotations

import time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from services.analytics import snapshots, store
from services.analytics.domain.ledger import contributions
from services.analytics.metrics import DRAIN_SECONDS, ORDERS_APPLIED_TOTAL
from services.analytics.shop import ShopKey
from shared.errors import Rejected
from shared.postgres import Connection, Pool, translated

log = structlog.get_logger()

BATCH_MAX = 2000


async def drain(pool: Pool, *, batch_max: int = BATCH_MAX) -> int:
    """Apply one batch of every shop that has marks; return how many marks went.

    Raises Unavailable when Postgres does not answer.
    """
    with translated():
        async with pool.acquire() as conn:
            shops = await store.shops_to_visit(conn)
            return sum([await _drain_or_skip(conn, shop, batch_max) for shop in shops])


async def _drain_or_skip(conn: Connection, shop: ShopKey, batch_max: int) -> int:
    try:
        return await drain_shop(conn, shop, batch_max=batch_max)
    except Rejected as exc:
        log.warning("shop not drained", shop_id=shop.shop_id, reason=str(exc))
        return 0


async def drain_shop(conn: Connection, shop: ShopKey, *, batch_max: int = BATCH_MAX) -> int:
    """Apply up to *batch_max* marks of *shop* in one transaction; return how many.

    0 means that no mark waits or that another worker has the shop.
    """
    await store.make_incoming(conn)
    started = time.perf_counter()
    async with conn.transaction():
        if not await store.try_lock(conn, shop):
            return 0
        timezone = await follow_timezone(conn, shop)
        marks = await store.take_marks(conn, shop, batch_max)
        if not marks.count:
            return 0
        gathered = await snapshots.orders_of(conn, shop, marks.order_ids)
        rows = [row for order in gathered.orders for row in contributions(order, timezone)]
        if rows:
            await store.add_incoming(conn, shop, rows)
        readable = [one for one in marks.order_ids if one not in gathered.refused]
        await store.replace_orders(conn, shop, readable)
    _report(shop, gathered, time.perf_counter() - started)
    return marks.count


async def follow_timezone(conn: Connection, shop: ShopKey) -> ZoneInfo:
    """Return the shop's zone; when it moved, mark every order in the same transaction.

    Raises Rejected for a zone that the tz database does not have.
    """
    zone = await store.timezones(conn, shop)
    timezone = _known(zone.current)
    if zone.used != zone.current:
        await store.use_timezone(conn, shop, zone)
        if zone.used is not None:
            await store.mark_all_orders(conn, shop)
            log.info("time zone moved", shop_id=shop.shop_id, old=zone.used, new=zone.current)
    return timezone


def _known(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise Rejected(f"no such time zone: {name}", code="unknown_timezone") from exc


def _report(shop: ShopKey, gathered: snapshots.Gathered, seconds: float) -> None:
    DRAIN_SECONDS.observe(seconds)
    ORDERS_APPLIED_TOTAL.labels("applied").inc(len(gathered.orders))
    ORDERS_APPLIED_TOTAL.labels("refused").inc(len(gathered.refused))
    for order_id, reason in gathered.refused.items():
        log.error("order not counted", shop_id=shop.shop_id, order_id=order_id, reason=reason)
