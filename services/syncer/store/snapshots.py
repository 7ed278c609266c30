"""Guarded, set-wise writes of Shopify objects; called at most once per kind and transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from types import MappingProxyType

from services.syncer.domain.batches import Batch, ObjectKey
from services.syncer.store.statements import COUNTED, PARTIAL, statements
from shared.postgres import TAKEN, Connection, load_queries
from shared.shopify.snapshots import CustomerMerged, Deletion, ShopFacts
from shared.tables import COLUMNS, TABLES

SQL = load_queries(__package__, "snapshots.sql")
_BY_COMPLETENESS = (("upsert", False), ("upsert_partial", True))
_OWN_COLUMNS = MappingProxyType({table: ("partial", "present") for table, _ in TABLES.values()})


async def lock_kinds(conn: Connection, batches: Sequence[Batch]) -> bool:
    """Keep deletions and other writers of the same shop and kind apart, until the commit.

    Return whether anybody listens to changes.
    """
    alone: dict[str, bool] = {}
    for batch in batches:
        for held, exclusive in ((batch.snapshots, False), (batch.deletions, True)):
            for _, shop_id, _ in held:
                name = f"{batch.kind}:{shop_id}"
                alone[name] = alone.get(name, False) or exclusive
                if batch.kind == "inventory_level":
                    # Which is not written once its item is deleted.
                    alone.setdefault(f"inventory_item:{shop_id}", False)
    ordered = sorted(alone)
    rows = await conn.fetch(SQL["lock_kinds"], ordered, [alone[name] for name in ordered])
    return any(row["is_listened_to"] for row in rows)


async def prepare_staging(conn: Connection, batches: Sequence[Batch]) -> None:
    """Make the temporary tables that this connection lacks."""
    tables = {TABLES[batch.kind][0]: batch.kind for batch in batches}
    for row in await conn.fetch(SQL["unstaged"], list(tables)):
        await conn.execute(statements(tables[row["wanted"]])["stage"])


async def load(conn: Connection, batch: Batch) -> set[ObjectKey]:
    """Copy the new objects of *batch* straight into their tables; return which these were.

    Where another transaction was faster with some of them, the others are tried again: everybody
    takes new objects before stored ones, or two could wait for each other. None is written where
    trying again finds the same: then children of theirs were here before them.
    """
    tried: list[ObjectKey] = []
    while (new := await _news(conn, batch)) and new != tried:
        if await _copied(conn, batch, new):
            if batch.kind in COUNTED:
                await conn.execute(SQL["mark"], *_keys(new))
            return set(new)
        tried = new
    return set()


async def _news(conn: Connection, batch: Batch) -> list[ObjectKey]:
    rows = await conn.fetch(statements(batch.kind)["news"], *_keys(sorted(batch.snapshots)))
    return [(row["tenant_id"], row["shop_id"], tuple(row["key"])) for row in rows]


async def _copied(conn: Connection, batch: Batch, new: Sequence[ObjectKey]) -> bool:
    """Copy all of *new*, or none and return False when one of them is taken."""
    try:
        async with conn.transaction():
            await conn.execute(SQL["as_loader"])
            for table, lines in batch.rows(new):
                await conn.copy_to_table(
                    table,
                    source=_once(lines),
                    schema_name="commerce",
                    columns=COLUMNS[table],
                    format="text",
                )
            await conn.execute(SQL["as_ourselves"])
    except TAKEN:
        return False
    return True


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


async def upsert(conn: Connection, batch: Batch) -> tuple[set[tuple[int, ...]], int]:
    """Write the staged rows that are news.

    Return which were inserted, as (shop, ids …), and how many were updated.
    """
    inserted: set[tuple[int, ...]] = set()
    accepted = 0
    for name in _upserts(batch):
        row = await conn.fetchrow(statements(batch.kind)[name])
        if row is not None:
            inserted.update(map(tuple, row["inserted_ids"] or ()))
            accepted += row["accepted"]
    return inserted, accepted - len(inserted)


async def refused(conn: Connection, batch: Batch) -> dict[ObjectKey, str]:
    """Say why the other staged rows were not written: stale, equal, conflict or deleted."""
    rows = await conn.fetch(statements(batch.kind)["refused"])
    return {(row["tenant_id"], row["shop_id"], tuple(row["key"])): row["verdict"] for row in rows}


async def mark_seen(conn: Connection, batch: Batch) -> None:
    """Stamp objects that a bulk export repeated unchanged."""
    await conn.execute(statements(batch.kind)["seen"])


async def changed_children(conn: Connection, batch: Batch) -> bool:
    """Accept refused objects for those children alone whose changes their parents do not show."""
    found = 0
    for child in TABLES[batch.kind][1]:
        if any(child in snapshot.children for snapshot in batch.snapshots.values()):
            found += await conn.fetchval(statements(batch.kind)[f"changed_{child}"])
    return found > 0


async def replace_children(conn: Connection, batch: Batch, *, trim: bool) -> None:
    """Make the children of accepted parents equal to the staged set; *trim* removes the rest."""
    for child in TABLES[batch.kind][1]:
        present = [s.children[child] for s in batch.snapshots.values() if child in s.children]
        if present and trim:
            await conn.execute(statements(batch.kind)[f"trim_{child}"])
        if any(present):
            await conn.execute(statements(batch.kind)[f"fill_{child}"])


async def add_children(conn: Connection, batch: Batch) -> list[ObjectKey]:
    """Add single child rows; return the parents of those that replaced a different row."""
    replaced: list[ObjectKey] = []
    for child in batch.added:
        rows = await conn.fetch(statements(batch.kind)[f"add_{child}"])
        replaced += [(row["tenant_id"], row["shop_id"], (row["id"],)) for row in rows]
    return replaced


async def delete(conn: Connection, batch: Batch) -> None:
    """Leave a tombstone and mark the rows as deleted; a level only gets the time."""
    gone = [batch.deletions[key] for key in sorted(batch.deletions)]
    if batch.kind != "inventory_level":
        await conn.execute(SQL["bury"], *_tombstones(gone))
    await conn.execute(
        statements(batch.kind)["delete"],
        [d.owner.tenant_id for d in gone],
        [d.owner.shop_id for d in gone],
        *([d.key[n] for d in gone] for n in range(len(gone[0].key))),
        [d.at for d in gone],
    )


async def merge(conn: Connection, merged: CustomerMerged) -> list[ObjectKey]:
    """Remember whose the customer is now, and mark all orders that its merges concern.

    Returns the orders that still name the gone one.
    """
    owner = merged.owner
    await conn.execute(
        SQL["merge"], owner.tenant_id, owner.shop_id, merged.gone, merged.kept, merged.at
    )
    await conn.execute(SQL["mark_merged"], owner.tenant_id, owner.shop_id, merged.gone)
    rows = await conn.fetch(SQL["orders_of"], owner.tenant_id, owner.shop_id, merged.gone)
    return [(owner.tenant_id, owner.shop_id, (row["order_id"],)) for row in rows]


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


def _keys(keys: Sequence[ObjectKey]) -> list[Sequence[object]]:
    ids = [[key[2][place] for key in keys] for place in range(len(keys[0][2]))]
    return [[key[0] for key in keys], [key[1] for key in keys], *ids]


async def _once(lines: bytes) -> AsyncIterator[bytes]:
    yield lines


def _upserts(batch: Batch) -> Sequence[str]:
    if batch.kind not in PARTIAL:
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
