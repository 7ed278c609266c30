"""Objects of any resource, each with all that belongs to it, in the columns of their tables."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import orjson
import zstandard

from services.gateway.figures import priced
from services.gateway.models import Store
from services.gateway.resources import ObjectQuery, SyncedObject
from shared.postgres import Connection, load_queries
from shared.shopify.resources import RESOURCES
from shared.tables import KEYS, TABLES

TEMPLATE = "objects.sql"
_TEMPLATES = load_queries("services.gateway.store", TEMPLATE)
# Told by the path, by the parent, or of no use to a reader.
_LEFT_OUT = frozenset({"tenant_id", "shop_id", "deleted_at", "raw", "parent_of"})


@functools.cache
def statements(resource: str) -> Mapping[str, str]:
    """Return the query of a resource's objects and one for each of its child tables."""
    table, children = TABLES[RESOURCES[resource].kind]
    names = {"table": table, "id": KEYS[table][0]}
    found = {table: _TEMPLATES["objects"].format_map(names)}
    for child in children:
        keys = ", ".join(f"t.{key}" for key in KEYS[child])
        below = names | {"child": child, "keys": keys}
        found[child] = _TEMPLATES["children"].format_map(below)
    return found


async def objects(
    conn: Connection,
    store: Store,
    resource: str,
    query: ObjectQuery,
    *,
    object_id: int | None = None,
    after: int | None = None,
) -> list[SyncedObject]:
    """Return a page of objects, newest id first, and one more when there are more.

    Amounts of rows that name no currency are in the shop's.
    """
    table, children = TABLES[RESOURCES[resource].kind]
    queries = statements(resource)
    wanted = (store.shop_id, object_id, query.updated_since, after, query.limit + 1)
    rows = await _rows(conn, queries[table], *wanted)
    ids = [row["id"] for row in rows]
    own = {row["id"]: str(row.get("currency") or store.currency or "") for row in rows}
    below: dict[object, dict[str, list[object]]] = {one: {c: [] for c in children} for one in ids}
    for child in children if ids else ():
        for row in await _rows(conn, queries[child], store.shop_id, ids):
            parent = row["parent_of"]
            below[parent][child].append(_shown(row, own[parent]))
    return [
        SyncedObject.model_validate(
            _shown(row, own[row["id"]])
            | below[row["id"]]
            | {"raw": archived(row["raw"]) if query.include == "raw" else None}
        )
        for row in rows
    ]


def archived(raw: object) -> orjson.Fragment | None:
    """Return the payload that a row came from; an export has a line for each part of the object."""
    if not isinstance(raw, bytes) or not raw:
        return None
    text = zstandard.ZstdDecompressor().decompress(raw)
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        text = b"[" + b",".join(filter(None, text.split(b"\n"))) + b"]"
    return orjson.Fragment(text)


async def _rows(conn: Connection, query: str, *values: object) -> Sequence[dict[str, object]]:
    """Fetch rows with jsonb as JSON instead of text."""
    prepared = await conn.prepare(query)
    documents = {a.name for a in prepared.get_attributes() if a.type.name == "jsonb"}
    return [
        {
            name: orjson.Fragment(value) if name in documents and value is not None else value
            for name, value in row.items()
        }
        for row in await prepared.fetch(*values)
    ]


def _shown(row: Mapping[str, object], currency: str) -> dict[str, object]:
    said = priced(row, str(row.get("currency") or currency) or None)
    return {name: value for name, value in said.items() if name not in _LEFT_OUT}
