"""What the command line asks and shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from shared.errors import Conflict, NotFound
from shared.postgres import Connection, Record, load_queries
from shared.shopify.snapshots import Owner

SQL = load_queries(__package__, "command.sql")

# How many stores a mistake in a name is answered with.
_NAMED = 5

Mode = Literal["full", "incremental", "verify"]


async def store_named(conn: Connection, name: str, *, whatever_its_state: bool = False) -> Owner:
    """Return whose store *name* is: its number, its domain, or one that it had before.

    Raises NotFound, and Conflict when it is not active, unless *whatever_its_state*.
    """
    known = name.strip().lower()
    if not known.isdigit() and "." not in known:
        known += ".myshopify.com"
    row = await conn.fetchrow(SQL["store"], known)
    if row is None:
        raise NotFound(f"there is no store {name!r}; {await _connected(conn)}")
    if not whatever_its_state:
        _check_active(row)
    return Owner(tenant_id=row["tenant_id"], shop_id=row["shop_id"])


async def _connected(conn: Connection) -> str:
    rows = await conn.fetch(SQL["domains"], _NAMED + 1)
    if not rows:
        return "none is connected yet"
    more = ", …" if len(rows) > _NAMED else ""
    return f"connected: {', '.join(row['shop_domain'] for row in rows[:_NAMED])}{more}"


async def check_active(conn: Connection, owner: Owner) -> None:
    """Raise Conflict when nobody works on a store's jobs, because it left or must be connected."""
    row = await conn.fetchrow(SQL["status"], owner.tenant_id, owner.shop_id)
    if row is not None:
        _check_active(row)


def _check_active(row: Record) -> None:
    if row["status"] != "active":
        why = f": {row['status_reason']}" if row["status_reason"] else ""
        raise Conflict(f"the store is {row['status'].replace('_', ' ')}{why}")


async def copied(conn: Connection, owner: Owner, kinds: Sequence[str]) -> list[str]:
    """Return those of *kinds* of which something was copied, in their order."""
    rows = await conn.fetch(SQL["copied"], owner.tenant_id, owner.shop_id, kinds)
    known = {row["kind"] for row in rows}
    return [kind for kind in kinds if kind in known]


async def queue(
    conn: Connection, owner: Owner, kinds: Sequence[str], *, mode: Mode, repair: bool = False
) -> list[UUID]:
    """Queue a job for each kind, or join the one that is there; return their ids.

    Raises Conflict when one runs that does not repair as it should.
    """
    key = (owner.tenant_id, owner.shop_id, kinds, mode)
    await conn.execute(SQL["queue"], *key, repair)
    rows = await conn.fetch(SQL["live"], *key)
    if repair and not all(row["repair"] for row in rows):
        raise Conflict("a verification that does not repair is running; wait until it has ended")
    return [row["job_id"] for row in rows]


async def progress(conn: Connection, owner: Owner, jobs: Sequence[UUID]) -> list[Record]:
    """Return how far *jobs* are."""
    return await conn.fetch(SQL["progress"], owner.tenant_id, owner.shop_id, jobs)


async def verifications(conn: Connection, owner: Owner, jobs: Sequence[UUID]) -> list[Record]:
    """Return what the verifications *jobs* found, in numbers."""
    return await conn.fetch(SQL["verifications"], owner.tenant_id, owner.shop_id, jobs)


async def differences(
    conn: Connection, owner: Owner, jobs: Sequence[UUID], *, limit: int | None
) -> list[Record]:
    """Return differences that the verifications *jobs* found, those that are none yet last."""
    return await conn.fetch(SQL["differences"], owner.tenant_id, owner.shop_id, jobs, limit)


async def resources(conn: Connection, owner: Owner, names: Sequence[str]) -> list[Record]:
    """Return where each resource of a store stands."""
    return await conn.fetch(SQL["resources"], owner.tenant_id, owner.shop_id, names)


async def shop(conn: Connection, owner: Owner) -> Record | None:
    """Return a store's webhooks, its jobs and what it used today."""
    return await conn.fetchrow(SQL["shop"], owner.tenant_id, owner.shop_id)
