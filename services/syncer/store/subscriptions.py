"""The webhook subscriptions that a shop has, as last checked."""

from __future__ import annotations

from collections.abc import Sequence

from services.syncer.domain.subscriptions import Subscription
from shared.postgres import Connection, load_queries
from shared.shopify.snapshots import Owner

SQL = load_queries(__package__, "subscriptions.sql")


async def remember(conn: Connection, owner: Owner, held: Sequence[Subscription]) -> None:
    """Make the table say that *held* is all the shop has."""
    topics = [one.topic for one in held]
    key = (owner.tenant_id, owner.shop_id)
    await conn.execute(SQL["forget"], *key, topics)
    await conn.execute(
        SQL["remember"], *key, topics, [one.gid for one in held], [one.uri for one in held]
    )


async def chosen(conn: Connection, owner: Owner) -> list[str] | None:
    """Return the topics that the store's owner wants; None for all."""
    found: list[str] | None = await conn.fetchval(SQL["chosen"], owner.tenant_id, owner.shop_id)
    return found


async def ask_where_moved(conn: Connection, uri: str) -> int:
    """Queue a shop job where subscriptions deliver elsewhere than to *uri*; return how many."""
    return len(await conn.fetch(SQL["ask_where_moved"], uri))
