"""What one transaction writes: facts sorted into batches, one state per object, in lock order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeAlias

from shared.shopify.snapshots import (
    ChildRows,
    CustomerMerged,
    Deletion,
    Fact,
    Kind,
    Owner,
    Refetch,
    ShopFacts,
    Snapshot,
)
from shared.tables import KEYS, TABLES

ObjectKey: TypeAlias = tuple[str, int, tuple[int, ...]]

_RANK = MappingProxyType({"webhook": 1, "bulk": 2, "poll": 3, "refetch": 4})
_KINDS: tuple[Kind, ...] = (
    "location",
    "product",
    "customer",
    "inventory_item",
    "inventory_level",
    "collection",
    "discount",
    "gift_card",
    "order",
    "order_details",
    "fulfillment_order",
    "draft_order",
    "abandoned_checkout",
    "payout",
    "dispute",
    "balance_transaction",
)
_KIND_OF_CHILD: Mapping[str, Kind] = MappingProxyType(
    {child: kind for kind in _KINDS for child in TABLES[kind][1]}
)


@dataclass(slots=True, kw_only=True)
class Batch:
    """Everything one transaction says about one kind of object.

    *snapshots* holds one state per object; what lost against a newer one is gone, and what tied
    with different content is named in *doubtful*. *added* are child rows that join a stored set.
    """

    kind: Kind
    snapshots: dict[ObjectKey, Snapshot] = field(default_factory=dict)
    doubtful: set[ObjectKey] = field(default_factory=set)
    deletions: dict[ObjectKey, Deletion] = field(default_factory=dict)
    added: dict[str, dict[tuple[str, ...], str]] = field(default_factory=dict)

    def take(self, fact: Snapshot | Deletion | ChildRows) -> None:
        if isinstance(fact, Snapshot):
            self._take_snapshot(fact)
        elif isinstance(fact, Deletion):
            known = self.deletions.get(key_of(fact))
            if known is None or fact.at < known.at:
                self.deletions[key_of(fact)] = fact
        else:
            width = 2 + len(KEYS[fact.table])
            rows = self.added.setdefault(fact.table, {})
            rows.update((tuple(row.split("\t", width)[:width]), row) for row in fact.rows)

    def _take_snapshot(self, new: Snapshot) -> None:
        key = key_of(new)
        old = self.snapshots.get(key)
        if old is None:
            self.snapshots[key] = new
            return
        if old.updated_at == new.updated_at and _content(old) != _content(new):
            self.doubtful.add(key)
        if (old.updated_at, _rank(old)) <= (new.updated_at, _rank(new)):
            self.snapshots[key] = new

    def in_lock_order(self) -> list[Snapshot]:
        """Return the snapshots by key, so that two writers never wait for each other."""
        return [self.snapshots[key] for key in sorted(self.snapshots)]

    @property
    def is_bulk(self) -> bool:
        return any(_rank(snapshot) == _RANK["bulk"] for snapshot in self.snapshots.values())

    @property
    def read_again(self) -> Sequence[ObjectKey]:
        """The objects that were read by id, in lock order."""
        rank = _RANK["refetch"]
        return sorted(key for key, one in self.snapshots.items() if _rank(one) == rank)

    def without(self, written: Collection[ObjectKey]) -> Batch:
        """Return what is left when the snapshots of *written* are."""
        left = {key: one for key, one in self.snapshots.items() if key not in written}
        return replace(self, snapshots=left)

    def rows(self, keys: Iterable[ObjectKey]) -> Iterator[tuple[str, bytes]]:
        """Yield table and text COPY lines of some snapshots; empty tables are left out."""
        table, children = TABLES[self.kind]
        ordered = [self.snapshots[key] for key in keys]
        yield table, _lines(snapshot.row for snapshot in ordered)
        for child in children:
            rows = [row for snapshot in ordered for row in snapshot.children.get(child, ())]
            if rows:
                yield child, _lines(rows)

    @property
    def copies(self) -> Iterator[tuple[str, bytes]]:
        """Yield staging table and text COPY lines; empty tables are left out."""
        table, children = TABLES[self.kind]
        ordered = self.in_lock_order()
        if ordered:
            yield table, _lines(_parent_line(snapshot, children) for snapshot in ordered)
        for child in children:
            rows = [f"{r}\tf" for snapshot in ordered for r in snapshot.children.get(child, ())]
            extra = self.added.get(child, {})
            rows += [f"{extra[key]}\tt" for key in sorted(extra, key=_numeric)]
            if rows:
                yield child, _lines(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The work of one transaction, kinds in a fixed order."""

    batches: Sequence[Batch]
    refetches: Sequence[Refetch]
    shops: Mapping[ObjectKey, ShopFacts]
    merges: Sequence[CustomerMerged] = ()

    def is_outdated(self, snapshot: Snapshot) -> bool:
        """Return whether another snapshot of this plan is newer."""
        batch = next(batch for batch in self.batches if batch.kind == snapshot.kind)
        winner = batch.snapshots.get(key_of(snapshot))
        return winner is None or winner.updated_at > snapshot.updated_at


def plan(facts: Iterable[Fact]) -> Plan:
    """Sort *facts*: the newest state per object, the earliest deletion, the last shop facts."""
    batches = {kind: Batch(kind=kind) for kind in _KINDS}
    refetches: list[Refetch] = []
    shops: dict[ObjectKey, ShopFacts] = {}
    merges: list[CustomerMerged] = []
    # What tells of the app or of bulk operations is not written here.
    for fact in facts:
        match fact:
            case Snapshot() | Deletion():
                batches[fact.kind].take(fact)
            case ChildRows():
                batches[_KIND_OF_CHILD[fact.table]].take(fact)
            case Refetch():
                refetches.append(fact)
            case ShopFacts():
                shops[(fact.owner.tenant_id, fact.owner.shop_id, ())] = fact
            case CustomerMerged():
                merges.append(fact)
    used = [b for b in batches.values() if b.snapshots or b.deletions or b.added]
    for batch in used:
        _drop_deleted(batch)
    shops = dict(sorted(shops.items()))
    return Plan(batches=used, refetches=refetches, shops=shops, merges=merges)


def key_of(fact: Snapshot | Deletion | Refetch) -> ObjectKey:
    """Return what identifies the object of *fact* among those of its kind."""
    return (fact.owner.tenant_id, fact.owner.shop_id, fact.key)


def refetch(kind: Kind, key: ObjectKey, reason: str) -> Refetch:
    """Return the wish to read one object again."""
    tenant_id, shop_id, ids = key
    owner = Owner(tenant_id=tenant_id, shop_id=shop_id)
    return Refetch(owner=owner, kind=kind, key=ids, reason=reason)


def wishes(refetches: Iterable[Refetch]) -> dict[tuple[str, int, str, int], str]:
    """Return ``(tenant, shop, kind, id) -> reason`` in lock order; a level is read by its item."""
    found: dict[tuple[str, int, str, int], str] = {}
    for wish in refetches:
        kind = "inventory_item" if wish.kind == "inventory_level" else wish.kind
        found[(wish.owner.tenant_id, wish.owner.shop_id, kind, wish.key[0])] = wish.reason
    return dict(sorted(found.items()))


def _drop_deleted(batch: Batch) -> None:
    if batch.kind == "inventory_level":
        return
    for key in batch.deletions:
        batch.snapshots.pop(key, None)


def _rank(snapshot: Snapshot) -> int:
    return _RANK[snapshot.row[snapshot.row.rfind("\t") + 1 :]]


def _content(snapshot: Snapshot) -> tuple[object, ...]:
    unlike = 1 if snapshot.kind == "inventory_level" else 2  # source; raw and source
    return (snapshot.row.rsplit("\t", unlike)[0], dict(snapshot.children))


def _parent_line(snapshot: Snapshot, children: Sequence[str]) -> str:
    present = sum(1 << bit for bit, child in enumerate(children) if child in snapshot.children)
    return f"{snapshot.row}\t{'t' if snapshot.incomplete else 'f'}\t{present}"


def _numeric(key: tuple[str, ...]) -> tuple[str, tuple[int, ...]]:
    return (key[0], tuple(map(int, key[1:])))


def _lines(rows: Iterable[str]) -> bytes:
    return ("\n".join(rows) + "\n").encode()
