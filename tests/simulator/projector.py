"""Selection sets compiled to closures: a bulk operation renders thousands of orders a second.

Values come from the same tables as graphql-core's resolvers, so a line of a bulk result and the
node of a page cannot differ.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    value_from_ast_untyped,
)
from graphql.type import GraphQLNonNull

from tests.simulator import fields
from tests.simulator.money import Bag, trimmed

Project = Callable[[Any], Any]


@dataclass(slots=True)
class Nested:
    """A connection below a node: how to list it and how to render each node."""

    name: str
    listed: Callable[[Any], Any]
    node: Shape


@dataclass(slots=True)
class Shape:
    """How to render one node; abstract nodes choose by their type's name."""

    project: Project
    nested: list[Nested] = field(default_factory=list)


class Compiler:
    """Compiles selection sets of *schema* for the things of *world*."""

    def __init__(self, schema: GraphQLSchema, world: Any) -> None:
        self._schema, self._world = schema, world

    def node(self, selected: SelectionSetNode, kind: Any) -> Shape:
        """Compile the selection of a node, its connections apart."""
        nested: list[Nested] = []
        return Shape(self._object(selected, kind, nested), nested)

    def _object(self, selected: SelectionSetNode, kind: Any, nested: list[Nested]) -> Project:
        if is_abstract_type(kind):
            possible = self._schema.get_possible_types(kind)
            by_name = {one.name: self._plain(selected, one, nested) for one in possible}
            typename = fields.typename
            return lambda thing: by_name[typename(thing)](thing)
        return self._plain(selected, kind, nested)

    def _plain(self, selected: SelectionSetNode, kind: Any, nested: list[Nested]) -> Project:
        parts: list[tuple[str, Project]] = []
        for node in _flat(selected, kind, self._schema):
            name = node.name.value
            alias = node.alias.value if node.alias else name
            if name == "__typename":
                parts.append((alias, _constant(kind.name)))
                continue
            definition = kind.fields[name]
            inner = get_named_type(definition.type)
            if inner.name.endswith("Connection"):
                if all(one.name != alias for one in nested):
                    nested.append(self._connection(node, kind, inner, alias))
                continue
            parts.append((alias, self._value(node, kind, definition.type, nested)))

        def project(thing: Any) -> dict[str, Any]:
            return {alias: value(thing) for alias, value in parts}

        return project

    def _connection(self, node: FieldNode, kind: Any, inner: Any, alias: str) -> Nested:
        listed = fields.LISTS[kind.name][node.name.value]
        arguments, world = self.arguments(node), self._world
        edges = next(part for part in _fields(node) if part.name.value == "edges")
        below = next(part for part in _fields(edges) if part.name.value == "node")
        edge = get_named_type(inner.fields["edges"].type)
        assert below.selection_set is not None
        shape = self.node(below.selection_set, get_named_type(edge.fields["node"].type))
        return Nested(alias, lambda thing: listed(thing, world, arguments), shape)

    def _value(self, node: FieldNode, kind: Any, wanted: Any, nested: list[Nested]) -> Project:
        fetch = self._fetch(node, kind)
        if isinstance(wanted, GraphQLNonNull):
            wanted = wanted.of_type
        inner = get_named_type(wanted)
        if is_leaf_type(inner):
            return fetch
        assert node.selection_set is not None
        project = _amounts(node) if inner.name == "MoneyBag" else None
        project = project or self._object(node.selection_set, inner, nested)
        if is_list_type(wanted):
            return lambda thing: [project(one) for one in fetch(thing)]

        def maybe(thing: Any) -> Any:
            found = fetch(thing)
            return None if found is None else project(found)

        return maybe

    def _fetch(self, node: FieldNode, kind: Any) -> Project:
        name, world = node.name.value, self._world
        value = fields.VALUES.get(kind.name, {}).get(name)
        if value is not None:
            attribute = getattr(value, "attribute", None)
            if attribute is not None:
                return operator.attrgetter(attribute)
            return lambda thing: value(thing, world)
        argued = fields.ARGUED[kind.name][name]
        arguments = self.arguments(node)
        return lambda thing: argued(thing, world, arguments)

    def arguments(self, node: FieldNode) -> dict[str, Any]:
        return {one.name.value: value_from_ast_untyped(one.value) for one in node.arguments}


def _amounts(node: FieldNode) -> Project | None:
    """The commonest selection, both amounts of a bag and nothing else, without detours."""
    parts = {one.name.value: one for one in _fields(node)}
    if parts.keys() != {"shopMoney", "presentmentMoney"} or any(
        [(below.name.value, below.alias) for below in _fields(one)] != [("amount", None)]
        or one.alias is not None
        for one in parts.values()
    ):
        return None

    def project(bag: Bag) -> dict[str, Any]:
        shop, presentment, (home, abroad) = bag
        return {
            "shopMoney": {"amount": trimmed(shop, home)},
            "presentmentMoney": {"amount": trimmed(presentment, abroad)},
        }

    return project


def _constant(value: str) -> Project:
    return lambda thing: value


def _fields(node: FieldNode) -> Iterator[FieldNode]:
    assert node.selection_set is not None
    return (one for one in node.selection_set.selections if isinstance(one, FieldNode))


def _flat(selected: SelectionSetNode, kind: Any, schema: GraphQLSchema) -> Iterator[FieldNode]:
    """The fields that apply to *kind*, inline fragments opened; a repeated field comes once."""
    seen: set[str] = set()
    for node in selected.selections:
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            target = schema.type_map[condition.name.value] if condition else kind
            if target is not kind and not (
                is_abstract_type(target) and schema.is_sub_type(target, kind)
            ):
                continue
            inner = list(_flat(node.selection_set, kind, schema))
        else:
            assert isinstance(node, FieldNode)
            inner = [node]
        for one in inner:
            alias = one.alias.value if one.alias else one.name.value
            if alias not in seen:
                seen.add(alias)
                yield one


def lines_of(shape: Shape, thing: Any, parent: str | None) -> tuple[dict[str, Any], list[Any]]:
    """The line of *thing* and the lines of everything below it, parents first."""
    line = shape.project(thing)
    if parent is not None:
        line["__parentId"] = parent
    below: list[dict[str, Any]] = []
    for one in shape.nested:
        for child in one.listed(thing):
            first, rest = lines_of(one.node, child, line.get("id"))
            below.append(first)
            below.extend(rest)
    return line, below
