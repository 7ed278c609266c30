"""The executable schema: Shopify's SDL subset over the tables of ``fields``."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    is_abstract_type,
)

from tests.simulator import fields, idempotency, paging, roots
from tests.simulator.store import Store, Token


@dataclass(slots=True)
class Call:
    """Who asks, of which shop."""

    store: Store
    token: Token
    base_url: str
    platform: Any
    # Alias, root and text of every search, for those who ask how it was understood.
    searches: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def world(self) -> Any:
        return self.store.world


@functools.cache
def admin_schema() -> GraphQLSchema:
    """The SDL in this folder, made executable."""
    files = sorted(Path(__file__).parent.glob("*.graphql"))
    schema = build_schema("\n".join(file.read_text() for file in files))
    for kind in schema.type_map.values():
        if is_abstract_type(kind):
            kind.resolve_type = _resolve_type
    return schema


def _resolve_type(thing: Any, info: GraphQLResolveInfo, kind: GraphQLAbstractType) -> str:
    return fields.typename(thing)


def resolve(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    """graphql-core's way into the tables."""
    kind, name = info.parent_type.name, info.field_name
    call: Call = info.context
    if kind in ("QueryRoot", "Mutation"):
        if arguments.get("query"):
            call.searches.append((str(info.path.key), name, arguments["query"]))
        if kind == "Mutation":
            return idempotency.once(call, info, arguments, roots.FIELDS[name])
        return roots.FIELDS[name](call, arguments)
    if isinstance(source, paging.Page):
        return _of_page(source, name)
    if isinstance(source, dict) and name in source:
        return source[name]
    value = fields.VALUES.get(kind, {}).get(name)
    if value is not None:
        return value(source, call.world)
    argued = fields.ARGUED.get(kind, {}).get(name)
    if argued is not None:
        return argued(source, call.world, arguments)
    roots.check_scope(kind, name, call.token.scopes)
    return paging.page_of(fields.LISTS[kind][name](source, call.world, arguments), arguments)


def _of_page(page: paging.Page, name: str) -> Any:
    if name == "nodes":
        return page.nodes
    if name == "edges":
        return [
            {"node": node, "cursor": cursor}
            for node, cursor in zip(page.nodes, page.cursors, strict=True)
        ]
    return {
        "hasNextPage": page.has_next,
        "hasPreviousPage": page.has_previous,
        "startCursor": page.cursors[0] if page.cursors else None,
        "endCursor": page.cursors[-1] if page.cursors else None,
    }
