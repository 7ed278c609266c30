"""What Shopify lets us read of each shop."""

from __future__ import annotations

from collections.abc import Sequence

from services.syncer.domain.capabilities import Capability
from shared.postgres import Connection, load_queries
from shared.shopify.snapshots import Owner

SQL = load_queries(__package__, "capabilities.sql")


async def remember(conn: Connection, owner: Owner, found: Sequence[Capability]) -> None:
    """Replace what was known of these resources."""
    await conn.execute(
        SQL["remember"],
        owner.tenant_id,
        owner.shop_id,
        [one.resource for one in found],
        [one.state for one in found],
        [one.reason for one in found],
        [",".join(one.missing_scopes) for one in found],
        [one.complete_since for one in found],
    )


async def refuse(conn: Connection, owner: Owner, refusal: Capability) -> None:
    """Remember what a job just learnt of its resource."""
    await conn.execute(
        SQL["refuse"],
        owner.tenant_id,
        owner.shop_id,
        refusal.resource,
        refusal.state,
        refusal.reason,
        refusal.missing_scopes,
    )


async def states(conn: Connection, owner: Owner) -> dict[str, str]:
    """Return the state of each resource, as last found."""
    rows = await conn.fetch(SQL["states"], owner.tenant_id, owner.shop_id)
    return {row["resource"]: row["state"] for row in rows}


async def limited(conn: Connection, owner: Owner) -> set[str]:
    """Return the resources of which Shopify shows only what is not too old."""
    rows = await conn.fetch(SQL["limited"], owner.tenant_id, owner.shop_id)
    return {row["resource"] for row in rows}


async def note(conn: Connection, owner: Owner, resource: str, *, state: str, reason: str) -> None:
    """Degrade an available resource until the next probe."""
    await conn.execute(SQL["note"], owner.tenant_id, owner.shop_id, resource, state, reason)


async def works(conn: Connection, owner: Owner, resource: str) -> None:
    """A resource that failed was read after all."""
    await conn.execute(SQL["works"], owner.tenant_id, owner.shop_id, resource)


async def refusal(conn: Connection, owner: Owner, resource: str) -> str | None:
    """Return why *resource* cannot be read at all, None when it can or nobody knows."""
    found: str | None = await conn.fetchval(
        SQL["refusal"], owner.tenant_id, owner.shop_id, resource
    )
    return found


async def count(conn: Connection) -> dict[str, int]:
    """Return how many resources of all shops are in which state."""
    return {row["state"]: row["resources"] for row in await conn.fetch(SQL["count"])}
