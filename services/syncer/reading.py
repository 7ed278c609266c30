"""Complete objects from the Admin API: page by page, by id, nested connections drained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import msgspec
import structlog

from services.syncer.domain.batches import refetch
from shared.errors import Rejected
from shared.shopify import drain, mapping
from shared.shopify.client import ShopClient
from shared.shopify.documents import document
from shared.shopify.snapshots import Fact, Kind, Owner, Refetch, Source

log = structlog.get_logger()

_PAGES = MappingProxyType(
    {
        "order": ("orders_page", "orders"),
        "product": ("products_page", "products"),
        "customer": ("customers_page", "customers"),
        "inventory_item": ("inventory_page", "inventoryItems"),
        "location": ("locations_page", "locations"),
    }
)
_BY_IDS = MappingProxyType(
    {
        "order": ("orders_by_ids", "Order"),
        "product": ("products_by_ids", "Product"),
        "customer": ("customers_by_ids", "Customer"),
        "inventory_item": ("inventory_by_ids", "InventoryItem"),
    }
)
_WHOLE: MappingProxyType[str, Callable[[bytes, Owner, Source], list[Fact]]] = MappingProxyType(
    {"inventory_level": mapping.level_facts, "location": mapping.location_facts}
)
# What is wrong with one object and says nothing about its neighbours.
_ITS_OWN_FAULT = frozenset({"bad_payload", "object_gone"})


class _PageInfo(msgspec.Struct, rename="camel"):
    has_next_page: bool
    end_cursor: str | None = None


class _Edge(msgspec.Struct):
    node: msgspec.Raw


class _Connection(msgspec.Struct, rename="camel"):
    edges: list[_Edge]
    page_info: _PageInfo


class _Location(msgspec.Struct, rename="camel"):
    inventory_levels: _Connection


class _LevelsPage(msgspec.Struct):
    location: _Location | None


class _Nodes(msgspec.Struct):
    nodes: list[msgspec.Raw]


class _Named(msgspec.Struct):
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The JSON of some nodes, and the cursor of the next page."""

    nodes: Sequence[bytes]
    after: str | None


async def page(
    client: ShopClient, kind: Kind, *, first: int, after: str | None = None, search: str = ""
) -> Page:
    """Read one page of *kind*; raise Rejected ``max_cost_exceeded`` when *first* is too many."""
    name, root = _PAGES[kind]
    variables: dict[str, object] = {"first": first, "after": after}
    if kind != "location":
        variables["query"] = search
    body = await client.execute(document(name), variables)
    return _page(msgspec.json.decode(body, type=dict[str, _Connection])[root])


async def levels_page(
    client: ShopClient, location_id: int, *, first: int, after: str | None, search: str
) -> Page:
    """Read one page of a location's levels; a location that is gone has none."""
    variables = {
        "location": f"gid://shopify/Location/{location_id}",
        "first": first,
        "after": after,
        "query": search,
    }
    body = await client.execute(document("levels_page"), variables)
    location = msgspec.json.decode(body, type=_LevelsPage).location
    return Page(nodes=(), after=None) if location is None else _page(location.inventory_levels)


async def by_ids(client: ShopClient, kind: Kind, ids: Sequence[int]) -> dict[int, bytes | None]:
    """Read objects by id; None for those that Shopify no longer has."""
    name, type_name = _BY_IDS[kind]
    gids = [f"gid://shopify/{type_name}/{one}" for one in ids]
    body = await client.execute(document(name), {"ids": gids})
    nodes = msgspec.json.decode(body, type=_Nodes).nodes
    raws = [None if bytes(node) == b"null" else bytes(node) for node in nodes]
    return dict(zip(ids, raws, strict=True))


async def facts(
    client: ShopClient, kind: Kind, raw: bytes, *, owner: Owner, source: Source
) -> list[Fact]:
    """Return what a node says once its connections are drained.

    A node that cannot be mapped does not stop its neighbours: it is asked for again, and stays
    in commerce.refetches, with the reason, until it can be read.
    """
    try:
        return await _facts(client, kind, raw, owner=owner, source=source)
    except Rejected as exc:
        if exc.code not in _ITS_OWN_FAULT:
            raise
        object_id = _id_of(msgspec.json.decode(raw, type=_Named).id)
        return [unreadable(kind, object_id, exc, owner=owner)]


def unreadable(kind: Kind, object_id: int, why: Rejected, *, owner: Owner) -> Refetch:
    """Return the wish to read again what could not be mapped."""
    log.error("object could not be mapped", kind=kind, code=why.code, details=why.details)
    key = (owner.tenant_id, owner.shop_id, (object_id,))
    return refetch(kind, key, f"unreadable: {why.code} {why.details.get('path', '')}".strip())


async def _facts(
    client: ShopClient, kind: Kind, raw: bytes, *, owner: Owner, source: Source
) -> list[Fact]:
    if kind in _WHOLE:
        return _WHOLE[kind](raw, owner, source)
    node = drain.opened(kind, raw)
    while request := drain.next_page(node):
        answer = await client.execute(document(request.document), request.variables)
        drain.absorb(node, request, answer)
    return drain.facts(node, owner, source=source)


def _page(connection: _Connection) -> Page:
    info = connection.page_info
    return Page(
        nodes=[bytes(edge.node) for edge in connection.edges],
        after=info.end_cursor if info.has_next_page else None,
    )


def _id_of(gid: str) -> int:
    return int(gid.partition("?")[0].rpartition("/")[2])
