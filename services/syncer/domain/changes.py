"""What other systems are told of a written batch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from services.syncer.domain.batches import Batch, ObjectKey
from shared.shopify.snapshots import Kind
from shared.tables import KEYS, TABLES

# An object's details and an item's levels are told as changes of the object that has them.
_TYPES: Mapping[Kind, str] = MappingProxyType(
    {
        "order": "order.changed",
        "order_details": "order.changed",
        "product": "product.changed",
        "customer": "customer.changed",
        "inventory_item": "inventory.changed",
        "inventory_level": "inventory.changed",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object that is not what it was; *updated_at* is None where Shopify did not say."""

    type: str
    tenant_id: str
    shop_id: int
    object_id: int
    location_id: int = 0
    updated_at: datetime | None
    deleted: bool = False


def changes_of(batch: Batch, unchanged: Collection[ObjectKey]) -> Iterator[Change]:
    """Yield a change for each object of *batch* that is not among the *unchanged*."""
    told = _TYPES.get(batch.kind)
    if told is None:
        return
    for key, snapshot in batch.snapshots.items():
        if key not in unchanged:
            yield _change(told, key, snapshot.updated_at)
    for key, deletion in batch.deletions.items():
        # A stock level that is gone is a change of its item; other details go with their order.
        gone = batch.kind not in {"order_details", "inventory_level"}
        yield _change(told, key, deletion.at, deleted=gone)
    id_column = KEYS[TABLES[batch.kind][0]][0]
    for child, rows in batch.added.items():
        if KEYS[child][0] == id_column:
            for tenant_id, shop_id, object_id, *_ in rows:
                yield _change(told, (tenant_id, int(shop_id), (int(object_id),)), None)


def _change(
    told: str, key: ObjectKey, updated_at: datetime | None, *, deleted: bool = False
) -> Change:
    tenant_id, shop_id, ids = key
    return Change(
        type=told,
        tenant_id=tenant_id,
        shop_id=shop_id,
        object_id=ids[0],
        location_id=ids[1] if len(ids) > 1 else 0,
        updated_at=updated_at,
        deleted=deleted,
    )
