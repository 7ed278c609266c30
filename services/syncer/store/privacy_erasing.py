"""What only the database may do for us: erase a shop in every schema."""

from __future__ import annotations

from dataclasses import dataclass

from services.syncer.domain.privacy import Request
from shared.postgres import Connection, load_queries
from shared.shopify.snapshots import Owner

SQL = load_queries(__package__, "privacy_erasing.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How many *rows* a *table* lost; no table: it was refused, the store is connected."""

    table: str | None
    rows: int


async def erase(conn: Connection, owner: Owner, at_most: int) -> Erased | None:
    """Erase up to *at_most* rows of a shop; None when nothing is left."""
    row = await conn.fetchrow(SQL["erase"], owner.tenant_id, owner.shop_id, at_most)
    return Erased(table=row["erased_from"], rows=row["erased"]) if row else None


async def close(conn: Connection, request: Request) -> bool:
    """Take the store's own facts and its customers' ids away; False when it is connected again."""
    owner = (request.owner.tenant_id, request.owner.shop_id)
    closed: bool = await conn.fetchval(SQL["close"], *owner)
    if closed:
        await conn.execute(SQL["forget_customers"], *owner, request.request_id)
    return closed
