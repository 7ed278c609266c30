"""Verifications: what was met at Shopify, what differs from it, and what became of that."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.syncer.domain import batches
from services.syncer.domain.batches import Batch
from services.syncer.domain.jobs import Job
from services.syncer.domain.verify import Difference, Side, content
from services.syncer.store import objects, snapshots
from services.syncer.store.comparing import comparing
from services.syncer.store.privacy_redacting import redacted_objects
from shared.postgres import Connection, load_queries
from shared.shopify.snapshots import Kind, Owner, Snapshot

SQL = load_queries(__package__, "verify.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What a run was asked for, and up to when the polls had read when it began."""

    repair: bool
    settled_until: datetime


async def begin(conn: Connection, job: Job, *, overlap: timedelta) -> Begun | None:
    """Begin a run or go on with it; None when nothing was ever copied.

    *overlap* is how far polls look back, because a search may find a change late.
    """
    row = await conn.fetchrow(SQL["begin"], *_key(job), overlap)
    return Begun(repair=row["repair"], settled_until=row["settled_until"]) if row else None


async def stage(conn: Connection, kind: Kind, told: Iterable[Snapshot]) -> None:
    """Lay what Shopify *told* beside our rows, until the transaction ends."""
    staged = {batch.kind: batch for batch in batches.plan(told).batches}
    if kind == "inventory_item":
        staged.setdefault("inventory_level", Batch(kind="inventory_level"))
    staged.setdefault(kind, Batch(kind=kind))
    await snapshots.prepare_staging(conn, list(staged.values()))
    for batch in staged.values():
        await snapshots.stage(conn, batch)


async def unlike(conn: Connection, kind: Kind, *, owner: Owner) -> set[int]:
    """Return which staged objects are not the same here, but for those that were redacted."""
    found = {row["id"] for row in await conn.fetch(comparing(kind)["unlike"])}
    return found - await redacted_objects(conn, owner, kind, found) if found else found


async def sides(
    conn: Connection, kind: Kind, *, owner: Owner, ids: Collection[int]
) -> dict[int, tuple[Side, Side]]:
    """Return objects as we have them and as they are staged."""
    found = {object_id: (Side(), Side()) for object_id in ids}
    rows = await conn.fetch(comparing(kind)["sides"], owner.tenant_id, owner.shop_id, list(ids))
    for row in rows:
        side = found[row["id"]][0 if row["is_ours"] else 1]
        side.rows[(row["place"], tuple(row["key"]))] = content(row["content"])
        side.deleted = side.deleted or row["deleted"]
    return found


async def seen(conn: Connection, job: Job, ids: Sequence[int], *, absent: bool = False) -> None:
    """Note objects that were met, or that Shopify did not have or show; an id may come again."""
    if ids:
        await conn.execute(SQL["seen"], *_key(job), absent, ids)


async def unmet(conn: Connection, job: Job, kind: Kind, *, after: int, limit: int) -> list[int]:
    """Return ids that we have and that the export did not hold, by id."""
    rows = await conn.fetch(comparing(kind)["unmet"], *_key(job), after, limit)
    return [row["id"] for row in rows]


async def some(conn: Connection, kind: Kind, *, owner: Owner, limit: int) -> list[int]:
    """Return random ids of what Shopify does not hide."""
    everything = await objects.sees_all_orders(conn, owner)
    key = (owner.tenant_id, owner.shop_id)
    rows = await conn.fetch(comparing(kind)["some"], *key, limit, everything)
    return [row["id"] for row in rows]


async def record(conn: Connection, job: Job, found: Iterable[Difference]) -> None:
    """Keep differences; one that was known is told anew."""
    rows = [
        (*_key(job), d.object_id, d.what, d.columns, d.details, d.ours_hash, d.theirs_hash)
        for d in found
    ]
    await conn.executemany(SQL["record"], rows)


async def absent(conn: Connection, job: Job) -> tuple[list[int], float]:
    """Return what Shopify answered with null, and seconds since it last did."""
    rows = await conn.fetch(SQL["absent"], *_key(job))
    return [row["id"] for row in rows], rows[0]["age_seconds"] if rows else 0.0


async def subjects(
    conn: Connection, kind: Kind, ids: Sequence[int], *, owner: Owner
) -> dict[int, int]:
    """Return the id by which Shopify's events name each object: its own, or its order's."""
    if kind != "fulfillment_order":
        return {object_id: object_id for object_id in ids}
    rows = await conn.fetch(SQL["orders_of_fulfillments"], owner.tenant_id, owner.shop_id, ids)
    return {row["id"]: row["order_id"] for row in rows}


async def withdraw(conn: Connection, job: Job, ids: Collection[int]) -> None:
    """Forget differences that are none."""
    await conn.execute(SQL["withdraw"], *_key(job), list(ids))


async def repaired(conn: Connection, job: Job, ids: Collection[int]) -> None:
    await conn.execute(SQL["repaired"], *_key(job), list(ids))


async def give_way(conn: Connection, kind: Kind, told: Sequence[Snapshot], *, owner: Owner) -> None:
    """Let what Shopify *told* win over our rows and tombstones, whatever they claim."""
    key = (owner.tenant_id, owner.shop_id)
    # Before any row, as every writer takes it.
    await snapshots.lock_kinds(conn, batches.plan(told).batches)
    ids = [one.key[0] for one in told if one.kind == kind]
    await conn.execute(SQL["unbury"], *key, kind, ids)
    await conn.execute(comparing(kind)["give_way"], *key, ids)
    levels = [one.key for one in told if one.kind == "inventory_level"]
    items, locations = [one[0] for one in levels], [one[1] for one in levels]
    await conn.execute(SQL["let_levels_give_way"], *key, items, locations)


async def finish(conn: Connection, job: Job, kind: Kind, *, hidden: int) -> tuple[int, int]:
    """Sum the run up; return (differences, repaired).

    What Shopify has *hidden* from us does not count as ours. A sample does not know how many
    objects there are.
    """
    ours = theirs = None
    (met,) = await conn.fetch(SQL["met"], *_key(job))
    if job.mode == "verify":
        theirs = met["theirs"]
        count = comparing(kind)["count"]
        ours = await conn.fetchval(count, job.owner.tenant_id, job.owner.shop_id) - hidden
    row = await conn.fetchrow(SQL["finish"], *_key(job), ours, theirs, met["compared"])
    await conn.execute(SQL["forget_seen"], *_key(job))
    return (row["differences"], row["repaired"]) if row else (0, 0)


async def zones(conn: Connection) -> list[str]:
    """Return the time zones of active shops."""
    return [row["zone"] for row in await conn.fetch(SQL["zones"])]


async def schedule_samples(
    conn: Connection, kinds: Sequence[str], *, nights: Mapping[str, datetime]
) -> None:
    """Queue a sample of each shop and kind that had none this night.

    *nights* tells when it began in each time zone.
    """
    await conn.execute(SQL["schedule_samples"], list(nights), list(nights.values()), kinds)


async def drift(conn: Connection) -> dict[str, int]:
    """Return resource -> differences that the last samples found."""
    return {row["resource"]: row["differences"] for row in await conn.fetch(SQL["drift"])}


def _key(job: Job) -> tuple[str, int, object]:
    return (job.owner.tenant_id, job.owner.shop_id, job.job_id)
