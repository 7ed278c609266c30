"""Complete objects from the Admin API: page by page, by id, nested connections drained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias

import msgspec
import structlog

from services.syncer.domain.batches import refetch
from shared.errors import Forbidden, Rejected
from shared.shopify import drain, mapping
from shared.shopify.client import ShopClient
from shared.shopify.documents import document
from shared.shopify.paging import ConnectionPage
from shared.shopify.resources import BY_KIND, Resource
from shared.shopify.snapshots import Fact, Kind, Owner, Refetch, Source

log = structlog.get_logger()

# One object's JSON; None when Shopify no longer has it; or why it alone could not be read.
Found: TypeAlias = bytes | Rejected | None

_WHOLE: MappingProxyType[str, Callable[[bytes, Owner, Source], list[Fact]]] = MappingProxyType(
    {"inventory_level": mapping.level_facts, "location": mapping.location_facts}
)
# How each kind is asked for by id: the beginning of its document's name, and the type in its ids.
_NAMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {kind: (one.documents, one.gid) for kind, one in BY_KIND.items()}
    | {"location": ("locations", "Location")}
)
# What is wrong with one object and says nothing about its neighbours.
_ITS_OWN_FAULT = frozenset({"bad_payload", "object_gone", "max_cost_exceeded"})
# An id of another type than the document selects from gives an empty object.
_NOTHING = (b"null", b"{}")


class _Nodes(msgspec.Struct):
    nodes: list[msgspec.Raw]


class _Named(msgspec.Struct):
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The JSON of some nodes, the cursor of the next page, and the fields that were withheld."""

    nodes: Sequence[bytes]
    after: str | None
    denied: Sequence[str] = ()


async def page(
    client: ShopClient,
    resource: Resource,
    *,
    first: int,
    after: str | None = None,
    search: str = "",
) -> Page:
    """Read one page; fields that Shopify withholds are null, and named.

    Raises Rejected ``max_cost_exceeded`` when *first* is too many, and Forbidden
    ``protected_customer_data`` when whole objects are withheld.
    """
    variables: dict[str, object] = {"first": first, "after": after, "query": search}
    answer = await client.execute_partial(
        document(f"{resource.documents}_page", client.namespaces, client.lacking), variables
    )
    found = replace(_page(answer.data, resource.root), denied=answer.denied)
    if answer.denied and not found.nodes:
        raise _withheld(answer.denied)
    return found


async def locations_page(client: ShopClient, *, first: int, after: str | None) -> Page:
    """Read one page of a shop's locations."""
    body = await client.execute(document("locations_page"), {"first": first, "after": after})
    return _page(body, "locations")


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
    return _page(
        await client.execute(document("levels_page"), variables), "location.inventoryLevels"
    )


async def by_ids(client: ShopClient, kind: Kind, ids: Sequence[int]) -> dict[int, Found]:
    """Read objects by id.

    Fields that Shopify withholds are null. Objects that together cost too much are read in smaller
    groups.
    """
    try:
        found, denied = await _by_ids(client, kind, ids)
    except Rejected as exc:
        if exc.code != "max_cost_exceeded":
            raise
        return {ids[0]: exc} if len(ids) == 1 else await _by_halves(client, kind, ids)
    lost = [one for one, raw in found.items() if raw is None]
    if not denied or not lost:
        return found
    # A field that must not be null takes its object along when it is withheld: such an object is
    # not gone. Which of several it was only asking for fewer can tell.
    if len(ids) == 1:
        return {ids[0]: _withheld(denied)}
    again = by_ids if len(lost) < len(ids) else _by_halves
    return found | await again(client, kind, lost)


async def _by_halves(client: ShopClient, kind: Kind, ids: Sequence[int]) -> dict[int, Found]:
    middle = len(ids) // 2
    found = await by_ids(client, kind, ids[:middle])
    why = found[ids[0]]
    if isinstance(why, Forbidden) and all(isinstance(one, Forbidden) for one in found.values()):
        # It is all alike; to ask for each would cost the more, the less there is to be had.
        return dict.fromkeys(ids, why)
    return found | await by_ids(client, kind, ids[middle:])


async def _by_ids(
    client: ShopClient, kind: Kind, ids: Sequence[int]
) -> tuple[dict[int, Found], Sequence[str]]:
    """Return the nodes that one query found, and what it withheld of them."""
    name, gid = _NAMES[kind]
    gids = [f"gid://shopify/{gid}/{one}" for one in ids]
    answer = await client.execute_partial(
        document(f"{name}_by_ids", client.namespaces, client.lacking), {"ids": gids}
    )
    nodes = msgspec.json.decode(answer.data, type=_Nodes).nodes
    raws: list[Found] = [None if bytes(node) in _NOTHING else bytes(node) for node in nodes]
    return dict(zip(ids, raws, strict=True)), answer.denied


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
        answer = await client.execute_partial(
            document(request.document, client.namespaces, client.lacking), request.variables
        )
        drain.absorb(node, request, answer.data)
    return drain.facts(node, owner, source=source, namespaces=client.namespaces)


def _page(body: bytes, root: str) -> Page:
    """Return the connection at the path *root*; a null on the way is a shop without such things."""
    raw = msgspec.Raw(body)
    for name in root.split("."):
        raw = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])[name]
        if bytes(raw) == b"null":
            return Page(nodes=(), after=None)
    connection = msgspec.json.decode(raw, type=ConnectionPage[msgspec.Raw])
    info = connection.page_info
    return Page(
        nodes=[bytes(edge.node) for edge in connection.edges],
        after=info.end_cursor if info.has_next_page else None,
    )


def _withheld(fields: Sequence[str]) -> Forbidden:
    message = f"Shopify withholds {', '.join(fields)}: the app is not approved to access them"
    return Forbidden(message, code="protected_customer_data")


def _id_of(gid: str) -> int:
    return int(gid.partition("?")[0].rpartition("/")[2])
