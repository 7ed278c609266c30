"""Stores as the gateway recorded them; the spool and the large bodies, which are ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from services.webhooks.domain import Spooled, Store, one_spelling
from shared.deliveries import Delivery, pack, unpack
from shared.postgres import Connection, Pool, Record, load_queries, translated

SQL = load_queries("services.webhooks")


async def live_store(pool: Pool, shop_domain: str) -> Store | None:
    """Find the store that is connected under *shop_domain*, or was uninstalled there."""
    with translated():
        row = await pool.fetchrow(SQL["live_store"], shop_domain)
    return _store(row)


async def former_store(pool: Pool, shop_domain: str) -> Store | None:
    """Find the store that had *shop_domain* last, whatever became of it."""
    with translated():
        row = await pool.fetchrow(SQL["former_store"], shop_domain)
    return _store(row)


async def store_of_shop(pool: Pool, shopify_shop_id: int) -> Store | None:
    """Find the connected store that is this shop at Shopify, whatever its domain."""
    with translated():
        row = await pool.fetchrow(SQL["store_of_shop"], shopify_shop_id)
    return _store(row)


async def keep_body(pool: Pool, store: Store, *, body_id: str, body: bytes) -> None:
    """Keep a body that is too large for the bus."""
    with translated():
        await pool.execute(SQL["keep_body"], UUID(store.tenant_id), store.shop_id, body_id, body)


async def prune_bodies(pool: Pool, *, limit: int) -> int:
    """Forget up to *limit* bodies that are too old; return how many there were."""
    with translated():
        done = await pool.execute(SQL["prune_bodies"], limit)
    return int(done.rpartition(" ")[2])


async def spool(pool: Pool, deliveries: Sequence[Delivery]) -> None:
    """Keep *deliveries* until the broker is back; all or none, in one statement."""
    with translated():
        await pool.execute(
            SQL["spool"],
            [UUID(delivery.tenant_id) for delivery in deliveries],
            [delivery.shop_id for delivery in deliveries],
            [pack([delivery]) for delivery in deliveries],
        )


async def oldest_spooled(conn: Connection, *, limit: int, size: int) -> Iterator[Spooled]:
    """Lock the oldest deliveries that no other drainer holds; unpack each when it is asked for."""
    rows = await conn.fetch(SQL["oldest_spooled"], limit, size)
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
    )


async def spool_depth(conn: Connection) -> int:
    """Count what waits in the spool."""
    depth: int = await conn.fetchval(SQL["spool_depth"])
    return depth


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
