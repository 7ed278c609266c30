"""The one way in which Shopify's state reaches our tables: live batches, polls and backfills."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.syncer import schema_drift
from services.syncer.domain import batches
from services.syncer.domain.batches import Batch, ObjectKey, Plan
from services.syncer.domain.changes import Change, changes_of
from services.syncer.store import domain_events, refetches, snapshots
from services.syncer.store.statements import COUNTED
from shared.postgres import Connection
from shared.shopify.snapshots import (
    ChildRows,
    CustomerMerged,
    Deletion,
    Fact,
    Owner,
    Refetch,
    ShopFacts,
    Snapshot,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of the facts. *outcomes* counts (kind, outcome) pairs, where an outcome is one
    of inserted, updated, stale, equal, conflict, deleted; *shops* are those with changed orders.
    *inserted* names the new objects as (kind, (shop, ids …)).
    """

    plan: Plan
    outcomes: Mapping[tuple[str, str], int]
    refused: Mapping[tuple[str, ObjectKey], str]
    inserted: frozenset[tuple[str, tuple[int, ...]]]
    shops: frozenset[Owner]

    def is_stale(self, snapshot: Snapshot) -> bool:
        """Return whether something newer was there already."""
        verdict = self.refused.get((snapshot.kind, batches.key_of(snapshot)))
        return verdict in {"stale", "deleted"} or self.plan.is_outdated(snapshot)

    def is_held(self, snapshot: Snapshot) -> bool:
        """Return whether a state of the same time was there already, the same or another."""
        verdict = self.refused.get((snapshot.kind, batches.key_of(snapshot)))
        return verdict in {"equal", "conflict"}

    def outcome_of(self, fact: Fact) -> str | None:
        """Return ``kind:id:what`` of the object that *fact* speaks of; None where there is none."""
        match fact:
            case Snapshot():
                return _told(fact.kind, fact.key, self._fate_of(fact))
            case Deletion():
                return _told(fact.kind, fact.key, "removed")
            case Refetch():
                return _told(fact.kind, fact.key, "wanted")
            case ChildRows():
                return _told(fact.table, fact.parent, "added")
            case CustomerMerged():
                return _told("customer", (fact.gone,), "merged")
            case ShopFacts():
                return _told("shop", (fact.shopify_shop_id,), "updated")
            case _:
                return None

    def _fate_of(self, snapshot: Snapshot) -> str:
        if self.plan.is_outdated(snapshot):
            return "stale"
        if verdict := self.refused.get((snapshot.kind, batches.key_of(snapshot))):
            return verdict
        named = (snapshot.kind, (snapshot.owner.shop_id, *snapshot.key))
        return "inserted" if named in self.inserted else "updated"


def _told(kind: str, key: tuple[int, ...], what: str) -> str:
    return f"{kind}:{'/'.join(map(str, key))}:{what}"


async def write(conn: Connection, facts: Iterable[Fact], *, ledgers: bool = False) -> Written:
    """Write *facts* in the caller's transaction; call it once per transaction.

    With *ledgers* those of changed orders are wished for: their own poll would bring them later.
    """
    plan = batches.plan(facts)
    schema_drift.look_at_batches(plan.batches)
    outcomes: Counter[tuple[str, str]] = Counter()
    refused: dict[tuple[str, ObjectKey], str] = {}
    inserted: set[tuple[str, tuple[int, ...]]] = set()
    wishes: list[Refetch] = list(plan.refetches)
    changes: list[Change] = []
    is_listened_to = bool(plan.batches) and await snapshots.lock_kinds(conn, plan.batches)
    for batch in plan.batches:
        new, verdicts, unchanged = await _write_batch(conn, batch, outcomes)
        inserted.update((batch.kind, key) for key in new)
        refused.update(((batch.kind, key), verdict) for key, verdict in verdicts.items())
        wishes += _doubts(batch, verdicts)
        wishes += await _add_and_delete(conn, batch)
        if is_listened_to:
            changes += changes_of(batch, unchanged)
    if changes:
        await domain_events.add_changes(conn, changes)
    for merge in plan.merges:
        orders = await snapshots.merge(conn, merge)
        wishes += [batches.refetch("order", key, "customers/merge") for key in orders]
    for shop in plan.shops.values():
        await snapshots.save_shop(conn, shop)
    written = Written(
        plan=plan,
        outcomes=outcomes,
        refused=refused,
        inserted=frozenset(inserted),
        shops=_shops(plan),
    )
    if ledgers:
        # First, so that a wish with a reason of its own replaces it.
        wishes = [*_ledgers(written), *wishes]
    if wishes:
        await refetches.ask(conn, batches.wishes(wishes))
    return written


def _ledgers(written: Written) -> list[Refetch]:
    return [
        batches.refetch("order_details", key, "follows")
        for batch in written.plan.batches
        if batch.kind == "order"
        for key, snapshot in batch.snapshots.items()
        if not written.is_stale(snapshot)
    ]


async def _write_batch(
    conn: Connection, batch: Batch, outcomes: Counter[tuple[str, str]]
) -> tuple[set[tuple[int, ...]], dict[ObjectKey, str], set[ObjectKey]]:
    """Return the new objects, why others were refused, and which are as they were."""
    new: set[tuple[int, ...]] = set()
    if batch.snapshots:
        written = await snapshots.load(conn, batch)
        outcomes[(batch.kind, "inserted")] += len(written)
        new = {(shop_id, *ids) for _, shop_id, ids in written}
        batch = batch.without(written)
    if batch.snapshots or batch.added:
        await snapshots.prepare_staging(conn, [batch])
        await snapshots.stage(conn, batch)
    if not batch.snapshots:
        return new, {}, set()
    await snapshots.lift(conn, batch)
    inserted, updated = await snapshots.upsert(conn, batch)
    accepted = len(inserted) + updated
    verdicts: dict[ObjectKey, str] = {}
    if accepted < len(batch.snapshots):
        verdicts = await snapshots.refused(conn, batch)
        if batch.is_bulk:
            await snapshots.mark_seen(conn, batch)
    changed = bool(verdicts) and await snapshots.changed_children(conn, batch)
    if accepted or changed:
        await snapshots.replace_children(conn, batch, trim=updated > 0 or changed)
    outcomes.update({(batch.kind, "inserted"): len(inserted), (batch.kind, "updated"): updated})
    new |= inserted
    outcomes.update((batch.kind, verdict) for verdict in verdicts.values())
    # Which of the refused ones got other children is not known: the equal ones may have.
    spared = {"equal", "conflict"} if changed else set()
    return new, verdicts, {key for key, why in verdicts.items() if why not in spared}


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
        if batch.kind in COUNTED
        for held in (batch.snapshots, batch.deletions)
        for tenant_id, shop_id, _ in held
    } | {
        (key[0], int(key[1]))
        for batch in plan.batches
        if batch.kind in COUNTED
        for rows in batch.added.values()
        for key in rows
    }
    return frozenset(Owner(tenant_id=tenant, shop_id=shop) for tenant, shop in keys)
