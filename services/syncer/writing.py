"""The one way in which Shopify's state reaches our tables: live batches, polls and backfills."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.syncer.domain import batches
from services.syncer.domain.batches import Batch, ObjectKey, Plan
from services.syncer.store import refetches, snapshots
from shared.postgres import Connection
from shared.shopify.snapshots import Fact, Owner, Refetch, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of the facts. *outcomes* counts (kind, outcome) pairs, where an outcome is one
    of inserted, updated, stale, equal, conflict, deleted; *shops* are those with changed orders.
    """

    plan: Plan
    outcomes: Mapping[tuple[str, str], int]
    refused: Mapping[tuple[str, ObjectKey], str]
    shops: frozenset[Owner]

    def is_stale(self, snapshot: Snapshot) -> bool:
        """Return whether something newer was there already."""
        verdict = self.refused.get((snapshot.kind, batches.key_of(snapshot)))
        return verdict in {"stale", "deleted"} or self.plan.is_outdated(snapshot)


async def write(conn: Connection, facts: Iterable[Fact]) -> Written:
    """Write *facts* in the caller's transaction; call it once per transaction."""
    plan = batches.plan(facts)
    outcomes: Counter[tuple[str, str]] = Counter()
    refused: dict[tuple[str, ObjectKey], str] = {}
    wishes: list[Refetch] = list(plan.refetches)
    if plan.batches:
        await snapshots.lock_kinds(conn, plan.batches)
        await snapshots.prepare_staging(conn, plan.batches)
    for batch in plan.batches:
        verdicts = await _write_batch(conn, batch, outcomes)
        refused.update(((batch.kind, key), verdict) for key, verdict in verdicts.items())
        wishes += _doubts(batch, verdicts)
        wishes += await _add_and_delete(conn, batch)
    for shop in plan.shops.values():
        await snapshots.save_shop(conn, shop)
    if wishes:
        await refetches.ask(conn, batches.wishes(wishes))
    return Written(plan=plan, outcomes=outcomes, refused=refused, shops=_shops(plan))


async def _write_batch(
    conn: Connection, batch: Batch, outcomes: Counter[tuple[str, str]]
) -> dict[ObjectKey, str]:
    await snapshots.stage(conn, batch)
    if not batch.snapshots:
        return {}
    await snapshots.lift(conn, batch)
    inserted, updated = await snapshots.upsert(conn, batch)
    verdicts: dict[ObjectKey, str] = {}
    if inserted + updated < len(batch.snapshots):
        verdicts = await snapshots.refused(conn, batch)
        if batch.is_bulk:
            await snapshots.mark_seen(conn, batch)
    if inserted + updated:
        await snapshots.replace_children(conn, batch, trim=updated > 0)
    outcomes.update({(batch.kind, "inserted"): inserted, (batch.kind, "updated"): updated})
    outcomes.update((batch.kind, verdict) for verdict in verdicts.values())
    return verdicts


def _doubts(batch: Batch, verdicts: Mapping[ObjectKey, str]) -> list[Refetch]:
    wishes = [
        batches.refetch(batch.kind, key, "same_second")
        for key in (*batch.doubtful, *(k for k, v in verdicts.items() if v == "conflict"))
    ]
    wishes += [
        batches.refetch(batch.kind, key, snapshot.incomplete)
        for key, snapshot in batch.snapshots.items()
        if snapshot.incomplete and key not in verdicts
    ]
    if batch.kind != "inventory_level":
        buried = (key for key, verdict in verdicts.items() if verdict == "deleted")
        wishes += [batches.refetch(batch.kind, key, "buried") for key in buried]
    return wishes


async def _add_and_delete(conn: Connection, batch: Batch) -> list[Refetch]:
    replaced = await snapshots.add_children(conn, batch) if batch.added else []
    if batch.deletions:
        await snapshots.delete(conn, batch)
    return [batches.refetch(batch.kind, key, "child_changed") for key in replaced]


def _shops(plan: Plan) -> frozenset[Owner]:
    keys = {
        (tenant_id, shop_id)
        for batch in plan.batches
        if batch.kind == "order"
        for held in (batch.snapshots, batch.deletions)
        for tenant_id, shop_id, _ in held
    } | {
        (key[0], int(key[1]))
        for batch in plan.batches
        if batch.kind == "order"
        for rows in batch.added.values()
        for key in rows
    }
    return frozenset(Owner(tenant_id=tenant, shop_id=shop) for tenant, shop in keys)
