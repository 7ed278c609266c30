"""What our tables say of a store beside what the simulator says, object by object, by hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

import asyncpg
import orjson

from services.syncer.handlers.deliveries import apply
from services.syncer.store.statements import UNDATED
from shared.postgres import Pool
from shared.shopify.resources import BY_KIND
from shared.shopify.snapshots import Owner
from shared.tables import COLUMNS, KEYS, TABLES
from tests.integration.stores import NAMESPACE, Place
from tests.integration.syncer.shopify import truth_deliveries
from tests.integration.syncer.test_deliveries import RecordingBus
from tests.simulator.control import TRUTHS
from tests.simulator.store import Store

Row: TypeAlias = dict[str, Any]
# Of one object: table -> key of the row -> row.
Thing: TypeAlias = dict[str, dict[tuple[int, ...], Row]]
Things: TypeAlias = dict[tuple[int, ...], Thing]

OURS = frozenset({"tenant_id", "shop_id", "raw", "source"})
# Kinds that a webhook body tells whole, or nearly; the truth's own mapping is that of bodies, ours
# nearly always that of queries.
TOLD = {
    "orders": "order",
    "products": "product",
    "inventory_items": "inventory_item",
    "locations": "location",
}
WHOLE = {"customer": "customers_whole", "inventory_level": "inventory_levels_whole"}
METAFIELDS = {
    "Product": ("product", "product_metafields"),
    "ProductVariant": ("product", "variant_metafields"),
    "Customer": ("customer", "customer_metafields"),
    "Order": ("order", "order_metafields"),
    "Collection": ("collection", "collection_metafields"),
}


def canonical(value: Any) -> Any:
    """Return a stored value as the simulator writes it: amounts are texts, times are UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
    return value


def digest(thing: Thing) -> str:
    """Return the hash of one object with its children."""
    rows = {
        table: [row for _, row in sorted(rows.items())]
        for table, rows in sorted(thing.items())
        if rows
    }
    return hashlib.sha256(orjson.dumps(rows, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def stored(db: asyncpg.Connection, owner: Owner, kind: str) -> Things:
    """Return the living objects of *kind* as our tables have them."""
    table, children = TABLES[kind]
    found: Things = {}
    for name in (table, *children):
        rows = await db.fetch(
            f"SELECT t.* FROM commerce.{name} t JOIN commerce.{table} p"
            f" USING (tenant_id, shop_id, {', '.join(KEYS[table])})"
            " WHERE p.tenant_id = $1 AND p.shop_id = $2 AND p.deleted_at IS NULL",
            owner.tenant_id,
            owner.shop_id,
        )
        columns = [one for one in COLUMNS[name] if one not in _unsaid(kind)]
        for row in rows:
            _put(found, kind, name, {one: canonical(row[one]) for one in columns})
    return found


def _unsaid(kind: str) -> frozenset[str]:
    return OURS | {"updated_at"} if kind in UNDATED else OURS


def _put(found: Things, kind: str, table: str, row: Row) -> None:
    parent = tuple(row[name] for name in KEYS[TABLES[kind][0]])
    rows = found.setdefault(parent, {}).setdefault(table, {})
    rows[tuple(row[name] for name in KEYS[table])] = row


async def truth(db: asyncpg.Connection, pool: Pool, place: Place) -> dict[str, Things]:
    """Return everything that is in the store, by kind."""
    there = Owner(tenant_id=f"{place.owner.tenant_id[:-1]}f", shop_id=place.owner.shop_id + 10**6)
    store = place.store
    await _tell(pool, there, store)
    found = {kind: await stored(db, there, kind) for kind in TOLD.values()}
    await _forget(db, there)
    for kind in TABLES.keys() - found.keys():
        name = WHOLE[kind] if kind in WHOLE else BY_KIND[kind].name
        found[kind] = _told(store, kind, name)
    _complete_payments(found["order"], store)
    for row in _rows(store, "metafields"):
        kind, table = METAFIELDS[row.pop("owner")]
        if row["namespace"] == NAMESPACE:
            _put(found[kind], kind, table, row)
    return found


def _rows(store: Store, name: str) -> Iterator[Row]:
    return (orjson.loads(orjson.dumps(row)) for row in TRUTHS[name](store))


def _told(store: Store, kind: str, name: str) -> Things:
    found: Things = {}
    table = TABLES[kind][0]
    for row in _rows(store, name):
        key = {one: row[one] for one in KEYS[table]}
        for child, below in row.pop("children", {}).items():
            for one in below:
                _put(found, kind, child, key | one)
        _put(found, kind, table, row)
    return found


def _complete_payments(orders: Things, store: Store) -> None:
    """Say what no order body does: transactions and refunds in the shop's currency."""
    for row in _rows(store, "order_payments"):
        order = orders[(row["order_id"],)]
        order.pop("transactions", None)
        for one in row["children"]["transactions"]:
            _put(orders, "order", "transactions", {"order_id": row["order_id"], **one})
        for one in row["children"]["refunds"]:
            order["refunds"][(row["order_id"], one["refund_id"])].update(one)


async def _tell(pool: Pool, there: Owner, store: Store) -> None:
    """Write the store's own state beside ours, mapped from webhook bodies."""
    for name in TOLD:
        lines = [orjson.dumps(row) for row in TRUTHS[name](store)]
        for part in await apply(
            truth_deliveries(there, name, lines), pool=pool, bus=RecordingBus()
        ):
            assert [one.error for one in part.arrivals if one.error] == []


async def _forget(db: asyncpg.Connection, there: Owner) -> None:
    tables = [f"commerce.{name}" for name in COLUMNS]
    for table in (*tables, "commerce.refetches", "commerce.tombstones", "analytics.order_marks"):
        await db.execute(f"DELETE FROM {table} WHERE tenant_id = $1", there.tenant_id)


def unlike(kind: str, ours: Things, theirs: Things) -> Iterator[str]:
    """Name what differs between two sets of objects: kind, id, table, column and both values."""
    for key in sorted(ours.keys() | theirs.keys()):
        if key not in ours or key not in theirs:
            yield f"{kind} {key}: {'missing' if key not in ours else 'too many'}"
        elif digest(ours[key]) != digest(theirs[key]):
            yield from _columns(kind, ours[key], theirs[key])


def _columns(kind: str, ours: Thing, theirs: Thing) -> Iterator[str]:
    for table in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(table, {}), theirs.get(table, {})
        for key in sorted(mine.keys() | other.keys()):
            where = f"{kind} {table} {key}"
            if key not in mine or key not in other:
                yield f"{where}: {'missing' if key not in mine else 'too many'}"
                continue
            for name in sorted(mine[key].keys() | other[key].keys()):
                here, there = mine[key].get(name, "unsaid"), other[key].get(name, "unsaid")
                if here != there:
                    yield f"{where} {name}: {here!r} is {there!r}"


async def differences(db: asyncpg.Connection, pool: Pool, place: Place) -> list[str]:
    """Name whatever of *place* is not as the store has it: rows, tombstones, merges, the shop."""
    expected = await truth(db, pool, place)
    assert expected.keys() == TABLES.keys()
    wrong: list[str] = []
    for kind, theirs in expected.items():
        assert theirs, kind
        wrong += unlike(kind, await stored(db, place.owner, kind), theirs)
    wrong += await _graves(db, place)
    wrong += await _shop(db, place)
    return wrong


# What goes with its order, without a stone of its own.
_WITH_THE_ORDER = frozenset({"order_details", "fulfillment_order"})


async def _graves(db: asyncpg.Connection, place: Place) -> list[str]:
    wrong: list[str] = []
    key = (place.owner.tenant_id, place.owner.shop_id)
    for kind, there in place.there().items():
        gone = place.ever[kind] - there
        table = TABLES[kind][0]
        buried = _ids(
            await db.fetch(
                "SELECT id FROM commerce.tombstones"
                " WHERE tenant_id = $1 AND shop_id = $2 AND kind = $3",
                *key,
                kind,
            )
        )
        had = _ids(
            await db.fetch(
                f"SELECT {KEYS[table][0]} FROM commerce.{table}"
                " WHERE tenant_id = $1 AND shop_id = $2",
                *key,
            )
        )
        wrong += [f"{kind} {one}: a tombstone too many" for one in sorted(buried - gone)]
        if kind not in _WITH_THE_ORDER:
            wrong += [f"{kind} {one}: no tombstone" for one in sorted((gone & had) - buried)]
    merges = await db.fetch(
        "SELECT customer_id, merged_into FROM commerce.customer_merges"
        " WHERE tenant_id = $1 AND shop_id = $2",
        *key,
    )
    wrong += [f"merge {tuple(one)}" for one in merges if place.merged.get(one[0]) != one[1]]
    return wrong


def _ids(rows: Iterable[asyncpg.Record]) -> set[int]:
    return {row[0] for row in rows}


async def _shop(db: asyncpg.Connection, place: Place) -> list[str]:
    shop = place.store.world.shop
    row = await db.fetchrow(
        "SELECT c.shop_domain, a.shop_domain AS account, c.name, c.currency, c.iana_timezone"
        " FROM commerce.shops c JOIN accounts.stores a USING (tenant_id, shop_id)"
        " WHERE c.tenant_id = $1 AND c.shop_id = $2",
        place.owner.tenant_id,
        place.owner.shop_id,
    )
    wanted = (shop.domain, shop.domain, shop.name, shop.currency, shop.timezone)
    return [] if tuple(row) == wanted else [f"shop: {tuple(row)} is {wanted}"]
