"""``python -m services.syncer.datamodel URL``: docs/data-model.md, from the database at URL.

What is read of Shopify comes from ``shared.shopify.resources``, what tables and columns mean from
their comments in the database.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from shared.postgres import Connection, close_pool, load_queries, open_pool
from shared.shopify.resources import RESOURCES, Resource
from shared.shopify.webhooks import TOPICS
from shared.tables import KEYS, TABLES

_SQL = load_queries(f"{__package__}.store", "datamodel.sql")
_AREAS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "Orders": (
            "order",
            "order_details",
            "fulfillment_order",
            "draft_order",
            "abandoned_checkout",
        ),
        "Catalogue": ("product", "collection", "discount"),
        "Customers": ("customer", "gift_card"),
        "Inventory": ("location", "inventory_item", "inventory_level"),
        "Payments": ("payout", "dispute", "balance_transaction"),
    }
)
_ALSO = MappingProxyType({"customer_merges": "Customers", "shops": "Control"})
# A column that names an object of another table.
_REFERENCES = MappingProxyType({KEYS[table][-1]: table for table, _ in TABLES.values()})
# Kinds that are marked as deleted with their order.
_HANGING = frozenset({"order_details", "fulfillment_order"})
# How the topics of a resource begin, where not with its own name.
_TOPICS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "orders": ("orders/", "order_transactions/", "refunds/", "fulfillments/"),
        "order_details": ("returns/", "orders/risk", "orders/edited", "refunds/"),
        "customers": ("customers/", "customer.", "customers_"),
        "inventory": ("inventory_items/", "inventory_levels/"),
        "abandoned_checkouts": ("checkouts/",),
    }
)
# Objects of their own that are read with others.
_OBJECTS_BELOW = MappingProxyType({"inventory_items": ("inventory_levels",)})
_POLLING = MappingProxyType(
    {
        "sorted": "`updated_at`, in that order",
        "spans": "`updated_at`, in spans",
        "newest": "newest change first, until known",
        "recent": "all of the last {days} days",
    }
)
_TYPES = MappingProxyType(
    {"timestamp with time zone": "timestamptz", "character(3)": "char(3)", "bytea": "bytea"}
)
_HEAD = """\
# The data model

Made by `make model` from the migrated database; a test fails when it is out of date. Every table
has `tenant_id, shop_id` first in its key and row level security. Amounts are numeric(18, 4) in the
shop's currency unless they say otherwise; times are instants. What jsonb columns hold is in
[mapping.md](mapping.md), how each resource is read in [syncer.md](syncer.md).

## Resources

A resource is read by polls, by webhooks and by full syncs; each has its own cursor in
`commerce.sync_state`. Whatever a full sync does not meet is read again by id and, if Shopify has it
no more, marked `deleted_at` and remembered in `commerce.tombstones`. Locations are read hourly with
the shop, stock levels with their items and by location. What Shopify answered is kept whole,
compressed, in `raw` of the first table of each row; a level's is in its item's.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column as the catalogue tells it."""

    name: str
    type: str
    required: bool
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table, its key in order, and its columns."""

    schema: str
    name: str
    comment: str
    key: Sequence[str]
    columns: list[Column] = field(default_factory=list)


async def read(conn: Connection) -> list[Table]:
    """Return the tables of the database."""
    found = {
        (row["schema"], row["name"]): Table(
            schema=row["schema"], name=row["name"], comment=row["comment"] or "", key=row["key"]
        )
        for row in await conn.fetch(_SQL["tables"])
    }
    for row in await conn.fetch(_SQL["columns"]):
        column = Column(
            name=row["name"],
            type=_TYPES.get(row["type"], row["type"]),
            required=row["required"],
            comment=row["comment"] or "",
        )
        found[(row["schema"], row["owner"])].columns.append(column)
    return list(found.values())


def written(tables: Sequence[Table]) -> str:
    """Return the page."""
    parts = [_HEAD, *_resources()]
    for area, members in _by_area(tables).items():
        parts += [f"\n## {area}\n", *_diagram(members)]
        for table in members:
            parts += _described(table)
    return "\n".join(parts) + "\n"


def topics_of(resource: Resource) -> list[str]:
    """Return the webhook topics that speak of *resource*."""
    begins = _TOPICS.get(resource.name, (f"{resource.name}/",))
    return sorted(topic for topic in TOPICS if topic.startswith(begins))


def _resources() -> Iterator[str]:
    yield "| resource | tables | key | polled by | full sync | deletions | scopes | webhooks |"
    yield "|---|---|---|---|---|---|---|---|"
    for resource in RESOURCES.values():
        table, children = TABLES[resource.kind]
        topics = topics_of(resource)
        cells = (
            f"**{resource.name}**",
            _listed([table, *children, *_OBJECTS_BELOW.get(table, ())]),
            _listed(KEYS[table]),
            _POLLING[resource.polling].format(days=resource.changes_days),
            _full(resource),
            ", ".join(_deletions(resource, topics)),
            _listed(resource.scopes),
            _listed(topics) or "none",
        )
        yield f"| {' | '.join(cells)} |"


def _full(resource: Resource) -> str:
    if not resource.bulk:
        return "by pages"
    return f"bulk, by `{resource.created}`" if resource.created else "bulk, in one"


def _deletions(resource: Resource, topics: Sequence[str]) -> Iterator[str]:
    if resource.kind in _HANGING:
        yield "with the order"
    # A checkout whose deletion is told has become an order or was never abandoned.
    elif any(topic.endswith("/delete") for topic in topics if topic != "checkouts/delete"):
        yield "webhook"
    if resource.subject:
        yield "events"
    yield "full sync"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _by_area(tables: Sequence[Table]) -> Mapping[str, list[Table]]:
    area_of = {
        table: area
        for area, kinds in _AREAS.items()
        for kind in kinds
        for table in (TABLES[kind][0], *TABLES[kind][1])
    } | dict(_ALSO)
    places = {table: place for place, table in enumerate(area_of)}
    found: dict[str, list[Table]] = {area: [] for area in (*_AREAS, "Control", "Sales")}
    for table in sorted(tables, key=lambda one: places.get(one.name, len(places))):
        area = "Sales" if table.schema == "analytics" else area_of.get(table.name, "Control")
        found[area].append(table)
    return found


def _diagram(tables: Sequence[Table]) -> Iterator[str]:
    yield "```mermaid"
    yield "erDiagram"
    for table in tables:
        yield f"  {table.name} {{"
        for column in table.columns:
            if column.name in table.key or column.name in _REFERENCES:
                mark = " PK" if column.name in table.key else ""
                yield f"    {column.type.replace(' ', '_')} {column.name}{mark}"
        yield "  }"
    names = {table.name for table in tables}
    for table in tables:
        yield from _relations(table, names)
    yield "```"


def _relations(table: Table, names: set[str]) -> Iterator[str]:
    if table.schema != "commerce":
        return
    parent = next((own for own, below in TABLES.values() if table.name in below), "")
    if parent in names:
        yield f"  {parent} ||--o{{ {table.name} : has"
    for column in table.columns:
        other = _REFERENCES.get(column.name, "")
        if other in names and other not in (parent, table.name):
            yield f"  {other} |o--o{{ {table.name} : {column.name}"


def _described(table: Table) -> Iterator[str]:
    yield f"\n### {table.schema}.{table.name}\n"
    if table.comment:
        yield f"{table.comment}\n"
    yield "| column | type | null | meaning |"
    yield "|---|---|---|---|"
    for column in table.columns:
        name = f"**{column.name}**" if column.name in table.key else column.name
        null = "" if column.required else "null"
        meaning = column.comment.replace("|", "\\|")
        yield f"| {name} | {column.type} | {null} | {meaning} |"


async def _page(dsn: str) -> str:
    pool = await open_pool(dsn, role="tillstream_syncer")
    try:
        async with pool.acquire() as conn:
            return written(await read(conn))
    finally:
        await close_pool(pool)


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(_page(sys.argv[1])))
