"""Stores as the gateway recorded them; the spool and the large bodies, which are ours."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import UUID

from services.webhooks.domain import Spooled, Store, one_spelling
from shared.deliveries import Delivery, pack, unpack
from shared.postgres import Connection, Pool, Record, load_queries, translated

SQL = load_queries("services.webhooks")

# How long a delivery waits for Postgres, and how much of it for a connection. A server that went
# mute then has as long to end what was cancelled: 3 s in all, and Shopify waits for 5.
_PATIENCE_SECONDS: Final = 2.0
_CONNECTION_SECONDS: Final = 1.0
# What a statement has that is told nothing else: as long as a publish on the bus in Postgres.
ANSWER_SECONDS: Final = 3.0
# What nobody waits for may take longer, so that a spool that has grown large is still worked off.
_DRAIN_SECONDS: Final = 5.0
_UPKEEP_SECONDS: Final = 60.0
_AT_ONCE: Final = contextlib.nullcontext()


async def live_store(pool: Pool, shop_domain: str) -> Store | None:
    """Find the store that is connected under *shop_domain*, or was uninstalled there."""
    with translated():
        row = await pool.fetchrow(SQL["live_store"], shop_domain)
    return _store(row)


async def former_store(pool: Pool, shop_domain: str, shopify_shop_id: int | None) -> Store | None:
    """Find the store that had *shop_domain* last, or is that shop, whatever became of it."""
    async with _answering(pool) as conn:
        row = await conn.fetchrow(SQL["former_store"], shop_domain, shopify_shop_id)
    return _store(row)


async def store_of_shop(pool: Pool, shopify_shop_id: int) -> Store | None:
    """Find the connected store that is this shop at Shopify, whatever its domain."""
    async with _answering(pool) as conn:
        row = await conn.fetchrow(SQL["store_of_shop"], shopify_shop_id)
    return _store(row)


async def keep_body(
    pool: Pool, store: Store, *, body_id: str, body: bytes, turns: asyncio.Semaphore
) -> None:
    """Keep a body that is too large for the bus; the same one again only begins its time anew.

    *turns* leaves connections to those who have less to say.
    """
    async with _answering(pool, turns) as conn:
        await conn.execute(SQL["keep_body"], UUID(store.tenant_id), store.shop_id, body_id, body)


async def prune_bodies(pool: Pool, *, limit: int) -> int:
    """Forget up to *limit* bodies that are too old; return how many there were."""
    with translated():
        done = await pool.execute(SQL["prune_bodies"], limit, timeout=_UPKEEP_SECONDS)
    return int(done.rpartition(" ")[2])


async def spool(pool: Pool, deliveries: Sequence[Delivery]) -> None:
    """Keep *deliveries* until the broker is back; all or none, in one statement."""
    async with _answering(pool) as conn:
        await conn.execute(
            SQL["spool"],
            [UUID(delivery.tenant_id) for delivery in deliveries],
            [delivery.shop_id for delivery in deliveries],
            [pack([delivery]) for delivery in deliveries],
        )


async def oldest_spooled(conn: Connection, *, limit: int, size: int) -> Iterator[Spooled]:
    """Lock the oldest deliveries that no other drainer holds; unpack each when it is asked for."""
    rows = await conn.fetch(SQL["oldest_spooled"], limit, size, timeout=_DRAIN_SECONDS)
    return (
        Spooled(
            tenant_id=row["tenant_id"],
            shop_id=row["shop_id"],
            spool_id=row["spool_id"],
            delivery=unpack(row["delivery"])[0],
        )
        for row in rows
    )


async def unspool(conn: Connection, sent: Sequence[Spooled]) -> None:
    """Delete what the bus has confirmed."""
    await conn.execute(
        SQL["unspool"],
        [one.tenant_id for one in sent],
        [one.shop_id for one in sent],
        [one.spool_id for one in sent],
        timeout=_DRAIN_SECONDS,
    )


async def spool_depth(conn: Connection) -> int:
    """Count what waits in the spool."""
    depth: int = await conn.fetchval(SQL["spool_depth"], timeout=_UPKEEP_SECONDS)
    return depth


@contextlib.asynccontextmanager
async def _answering(
    pool: Pool, turns: AbstractAsyncContextManager[None] = _AT_ONCE
) -> AsyncIterator[Connection]:
    """Lend a connection for what a delivery waits for; raise Unavailable when that takes long."""
    with translated():
        async with (
            asyncio.timeout(_PATIENCE_SECONDS),
            turns,
            pool.acquire(timeout=_CONNECTION_SECONDS) as conn,
        ):
            yield conn


def _store(row: Record | None) -> Store | None:
    if row is None:
        return None
    topics = row["topics"]
    return Store(
        tenant_id=row["tenant_id"],
        shop_id=row["shop_id"],
        shop_domain=row["shop_domain"],
        status=row["status"],
        sealed_secret=row["webhook_secret_enc"] or "",
        topics=None if topics is None else frozenset(map(one_spelling, topics)),
    )
