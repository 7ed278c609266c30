"""Guarded, set-wise writes of Shopify objects; called at most once per kind and transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from types import MappingProxyType

from services.syncer.domain.batches import Batch, ObjectKey
from shared.postgres import Connection, load_queries
from shared.shopify.snapshots import Deletion, ShopFacts
from shared.tables import COLUMNS, TABLES

SQL = load_queries(__package__, "snapshots.sql")
_WRITES = MappingProxyType(
    {kind: load_queries(__package__, f"{table}.sql") for kind, (table, _) in TABLES.items()}
)
_BY_COMPLETENESS = (("upsert", False), ("upsert_partial", True))
_OWN_COLUMNS = MappingProxyType({table: ("partial", "present") for table, _ in TABLES.values()})


async def lock_kinds(conn: Connection, batches: Sequence[Batch]) -> None:
    """Keep deletions and other writers of the same shop and kind apart, until the commit."""
    alone: dict[str, bool] = {}
    for batch in batches:
        for held, exclusive in ((batch.snapshots, False), (batch.deletions, True)):
            for _, shop_id, _ in held:
                name = f"{batch.kind}:{shop_id}"
                alone[name] = alone.get(name, False) or exclusive
    ordered = sorted(alone)
    await conn.fetch(SQL["lock_kinds"], ordered, [alone[name] for name in ordered])


async def prepare_staging(conn: Connection, batches: Sequence[Batch]) -> None:
    """Make the temporary tables that this connection lacks."""
    tables = {TABLES[batch.kind][0]: batch.kind for batch in batches}
    for row in await conn.fetch(SQL["unstaged"], list(tables)):
        await conn.execute(_WRITES[tables[row["wanted"]]]["stage"])


async def stage(conn: Connection, batch: Batch) -> None:
    """Copy the lines of *batch* into its staging tables."""
    for table, lines in batch.copies:
        await conn.copy_to_table(
            f"staged_{table}",
            source=_once(lines),
            schema_name="pg_temp",
            columns=(*COLUMNS[table], *_OWN_COLUMNS.get(table, ("extra",))),
            format="text",
        )


async def lift(conn: Connection, batch: Batch) -> None:
    """Remove our own tombstones of objects that were just read again by id."""
    found = [(*key[:2], batch.kind, key[2][0]) for key in batch.read_again]
    if found and batch.kind != "inventory_level":
        await conn.execute(SQL["lift"], *([key[n] for key in found] for n in range(4)))


async def upsert(conn: Connection, batch: Batch) -> tuple[int, int]:
    """Write the staged rows that are news; return how many were (inserted, updated)."""
    inserted = accepted = 0
    for name in _upserts(batch):
        row = await conn.fetchrow(_WRITES[batch.kind][name])
        if row is not None:
            inserted += row["inserted"]
            accepted += row["accepted"]
    return inserted, accepted - inserted


async def refused(conn: Connection, batch: Batch) -> dict[ObjectKey, str]:
    """Say why the other staged rows were not written: stale, equal, conflict or deleted."""
    rows = await conn.fetch(_WRITES[batch.kind]["refused"])
    return {(row["tenant_id"], row["shop_id"], tuple(row["key"])): row["verdict"] for row in rows}


async def mark_seen(conn: Connection, batch: Batch) -> None:
    """Stamp objects that a bulk export repeated unchanged."""
    await conn.execute(_WRITES[batch.kind]["seen"])


async def replace_children(conn: Connection, batch: Batch, *, trim: bool) -> None:
    """Make the children of accepted parents equal to the staged set; *trim* removes the rest."""
    for child in TABLES[batch.kind][1]:
        present = [s.children[child] for s in batch.snapshots.values() if child in s.children]
        if present and trim:
            await conn.execute(_WRITES[batch.kind][f"trim_{child}"])
        if any(present):
            await conn.execute(_WRITES[batch.kind][f"fill_{child}"])


async def add_children(conn: Connection, batch: Batch) -> list[ObjectKey]:
    """Add single child rows; return the parents of those that replaced a different row."""
    replaced: list[ObjectKey] = []
    for child in batch.added:
        rows = await conn.fetch(_WRITES[batch.kind][f"add_{child}"])
        replaced += [(row["tenant_id"], row["shop_id"], (row["id"],)) for row in rows]
    return replaced


async def delete(conn: Connection, batch: Batch) -> None:
    """Leave a tombstone and mark the rows as deleted; a level only gets the time."""
    gone = [batch.deletions[key] for key in sorted(batch.deletions)]
    if batch.kind != "inventory_level":
        await conn.execute(SQL["bury"], *_tombstones(gone))
    await conn.execute(
        _WRITES[batch.kind]["delete"],
        [d.owner.tenant_id for d in gone],
        [d.owner.shop_id for d in gone],
        *([d.key[n] for d in gone] for n in range(len(gone[0].key))),
        [d.at for d in gone],
    )


async def save_shop(conn: Connection, shop: ShopFacts) -> None:
    await conn.execute(
        SQL["save_shop"],
        shop.owner.tenant_id,
        shop.owner.shop_id,
        shop.shopify_shop_id,
        shop.shop_domain,
        shop.name,
        shop.email,
        shop.plan,
        shop.currency,
        shop.iana_timezone,
        shop.taxes_included,
    )


async def _once(lines: bytes) -> AsyncIterator[bytes]:
    yield lines


def _upserts(batch: Batch) -> Sequence[str]:
    if "upsert_partial" not in _WRITES[batch.kind]:
        return ("upsert",)
    partial = {bool(snapshot.incomplete) for snapshot in batch.snapshots.values()}
    return [name for name, is_one in _BY_COMPLETENESS if is_one in partial]


def _tombstones(gone: Sequence[Deletion]) -> tuple[list[object], ...]:
    return (
        [d.owner.tenant_id for d in gone],
        [d.owner.shop_id for d in gone],
        [d.kind for d in gone],
        [d.key[0] for d in gone],
        [d.reason for d in gone],
        [d.at for d in gone],
    )
