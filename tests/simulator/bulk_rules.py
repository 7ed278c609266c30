"""What Shopify refuses in a bulk query, in its own words (recorded from a live shop)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    parse,
    validate,
)

from tests.simulator.schema import admin_schema

_LARGEST = 65_535
_NODES = (
    "All connection fields in a bulk query must select their contents using 'edges' > 'node', "
    "e.g: 'products {{ edges {{ node {{'. Selecting via 'nodes' is not supported. "
    "Invalid connection fields: '{names}'."
)
_LIST = "Queries that contain a connection field within a list field are not currently supported."
_ID = (
    "The parent 'node' field for a nested connection must select the 'id' field without an alias "
    "and must be of 'ID' return type. Connection fields without 'id': {names}."
)


def complaints(text: str) -> list[str]:
    """Everything wrong with the bulk query *text*; nothing when it may run."""
    size = len(text.encode())
    if size > _LARGEST:
        return [f"Query is too large ({size} bytes; maximum is {_LARGEST} bytes)"]
    try:
        document = parse(text)
    except GraphQLError as error:
        found = error.message.removeprefix("Syntax Error: ")
        if "<EOF>" in found:
            found = "syntax error, unexpected end of file"
        return [f"Invalid bulk query: {found}"]
    definition = document.definitions[0]
    if not isinstance(definition, OperationDefinitionNode):
        return ["Invalid bulk query: no operation"]
    if definition.operation is not OperationType.QUERY:
        return ["Invalid operation type. Only `query` operations are supported."]
    invalid = validate(admin_schema(), document)
    if invalid:
        return [f"Invalid bulk query: {invalid[0].message}"]
    return list(_shape(definition))


def connections(definition: OperationDefinitionNode, kind: Any) -> list[str]:
    """The names of all connections of an operation."""
    found: list[dict[str, Any]] = []
    _walk(definition.selection_set, kind, found, depth=0, in_list=False)
    return [one["name"] for one in found]


def _shape(definition: OperationDefinitionNode) -> Iterator[str]:
    found: list[dict[str, Any]] = []
    _walk(definition.selection_set, admin_schema().query_type, found, depth=0, in_list=False)
    if any(
        isinstance(node, FieldNode) and node.name.value in ("node", "nodes")
        for node in definition.selection_set.selections
    ):
        yield "Bulk queries cannot contain a top level `node` field."
    if not found:
        yield "Bulk queries must contain at least one connection."
    if len(found) > 5:
        yield "Bulk queries cannot contain more than 5 connections."
    if any(one["depth"] > 2 for one in found):
        yield "Bulk queries cannot contain connections with a nesting depth greater than 2."
    if any(one["in_list"] for one in found):
        yield _LIST
    wrong = [one["name"] for one in found if one["nodes"]]
    if wrong:
        yield _NODES.format(names="', '".join(wrong))
    nameless = [one["name"] for one in found if one["parent"] and not one["id"]]
    if nameless:
        yield _ID.format(names=", ".join(nameless))


def _walk(
    selected: Any, kind: Any, found: list[dict[str, Any]], *, depth: int, in_list: bool
) -> None:
    for node in selected.selections:
        if isinstance(node, InlineFragmentNode):
            named = node.type_condition
            inner = admin_schema().type_map[named.name.value] if named else kind
            _walk(node.selection_set, inner, found, depth=depth, in_list=in_list)
            continue
        if not isinstance(node, FieldNode) or node.selection_set is None:
            continue
        wanted = kind.fields[node.name.value].type
        inner = get_named_type(wanted)
        listed = in_list or (is_list_type(get_nullable_type(wanted)) and not _edge(inner))
        below = depth
        if inner.name.endswith("Connection"):
            found.append(_connection(node, depth, in_list))
            below = depth + 1
        _walk(node.selection_set, inner, found, depth=below, in_list=listed)


def _edge(kind: Any) -> bool:
    return bool(kind.name.endswith("Edge"))


def _connection(node: FieldNode, depth: int, in_list: bool) -> dict[str, Any]:
    parts = {x.name.value: x for x in node.selection_set.selections if isinstance(x, FieldNode)}
    below = parts["edges"].selection_set.selections if "edges" in parts else ()
    inner = next((x for x in below if x.name.value == "node"), None)
    chosen = inner.selection_set.selections if inner is not None else ()
    plain = [x for x in chosen if isinstance(x, FieldNode)]
    return {
        "name": node.name.value,
        "depth": depth,
        "in_list": in_list,
        "nodes": "nodes" in parts,
        "parent": any(x.selection_set and _has_edges(x) for x in plain),
        "id": any(x.name.value == "id" and x.alias is None for x in plain),
    }


def _has_edges(node: FieldNode) -> bool:
    assert node.selection_set is not None
    names = {x.name.value for x in node.selection_set.selections if isinstance(x, FieldNode)}
    return bool(names & {"edges", "nodes"})
