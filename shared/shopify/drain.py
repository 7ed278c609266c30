"""Nested connections of one node, read to their end.

A page of orders carries the first lines of each order; the rest is asked for by id::

    node = opened("order", raw)
    while request := next_page(node):
        data = await client.execute(document(request.document), request.variables)
        absorb(node, request, data)
    facts = facts(node, owner, source="poll")

Everything here is pure: the caller does the asking. A connection that has ended is asked for again
by a document that serves several connections, and ``absorb`` ignores what comes back for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from shared.shopify.connections import CONNECTIONS, DECODERS, Drainable, Part, answered, parts
from shared.shopify.documents import Namespaces
from shared.shopify.mapping import decoded, node_facts
from shared.shopify.snapshots import Fact, Kind, Owner, Source


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One query to send: a name of ``documents.document`` and its variables."""

    document: str
    variables: Mapping[str, str | None]


def opened(kind: Kind, raw: bytes) -> Drainable:
    """Return the node in *raw*; raise Rejected, code ``bad_payload``, when it is none."""
    node: Drainable = decoded(raw, DECODERS[kind])
    return node


def next_page(node: Drainable) -> PageRequest | None:
    """Return what to ask next so that *node* becomes whole, None when it is."""
    for part in parts(node):
        request = _request(part)
        if request is not None:
            return request
    return None


def absorb(node: Drainable, request: PageRequest, data: bytes) -> None:
    """Add the answer to *request*; raise NotFound when the object has gone meanwhile."""
    part = next(one for one in parts(node) if _is_asked(one, request))
    answer = answered(part, data)
    for name in CONNECTIONS[type(part.node)].cursors:
        page = getattr(part.node, name)
        if page.page_info.has_next_page:
            more = getattr(answer, name)
            page.edges.extend(more.edges)
            page.page_info = more.page_info


def facts(
    node: Drainable, owner: Owner, *, source: Source, namespaces: Namespaces = ()
) -> list[Fact]:
    """Return a drained node's facts; the archive keeps the node as it was put together."""
    return node_facts(
        node, msgspec.json.encode(node), owner=owner, source=source, namespaces=namespaces
    )


def _is_asked(part: Part, request: PageRequest) -> bool:
    return (
        CONNECTIONS[type(part.node)].document == request.document
        and part.variables.items() <= request.variables.items()
    )


def _request(part: Part) -> PageRequest | None:
    connections = CONNECTIONS[type(part.node)]
    pages = {name: getattr(part.node, name).page_info for name in connections.cursors}
    if not any(info.has_next_page for info in pages.values()):
        return None
    cursors = {connections.cursors[name]: info.end_cursor for name, info in pages.items()}
    return PageRequest(connections.document, {**part.variables, **cursors})
