"""Bulk operations: validated, made in a thread, announced by webhook."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from graphql import FieldNode, OperationDefinitionNode, get_named_type, parse, print_ast

from tests.simulator import moments, projector, roots, search
from tests.simulator.bulk_rules import complaints
from tests.simulator.ids import gid
from tests.simulator.results import Going, Rendered, Written, family
from tests.simulator.schema import admin_schema
from tests.simulator.store import Operation, Store
from tests.simulator.templates import Templates

_FAILURES = {
    "internal_error": "INTERNAL_SERVER_ERROR",
    "timeout": "TIMEOUT",
    "access_denied": "ACCESS_DENIED",
}
Result = Written | Rendered
SHELVES = {
    "collections": "collections",
    "discountNodes": "discounts",
    "giftCards": "gift_cards",
    "orders": "orders",
    "customers": "customers",
    "products": "products",
    "inventoryItems": "items",
    "draftOrders": "draft_orders",
    "abandonedCheckouts": "checkouts",
}


class BulkRunner:
    """Runs bulk operations; ``seconds`` is how long each takes at least."""

    def __init__(self, platform: Any, folder: Path, *, seconds: float = 0.5) -> None:
        self._platform, self.folder, self.seconds = platform, folder, seconds
        self.complaints = complaints
        self.results: dict[str, Result] = {}
        # When the address of a result stops working (monotonic seconds).
        self.deadlines: dict[str, float] = {}
        self._templates: dict[tuple[str, str], Templates] = {}

    def start(self, store: Store, operation: Operation) -> None:
        operation.task = asyncio.create_task(self._run(store, operation), name="bulk operation")

    async def _run(self, store: Store, operation: Operation) -> None:
        began = time.monotonic()
        faults = dict(self._platform.faults.bulk())
        operation.status = "RUNNING"
        path = self.folder / f"bulk-{operation.id}-{secrets.token_hex(8)}.jsonl"
        failure = next((name for name in _FAILURES if faults.get(name)), None)
        if failure is not None:
            operation.status, operation.error_code = "FAILED", _FAILURES[failure]
        else:
            await self._work(store, operation, path, faults)
        rest = self.seconds - (time.monotonic() - began)
        while rest > 0 and operation.status == "RUNNING":
            await asyncio.sleep(min(rest, 0.05))
            rest = self.seconds - (time.monotonic() - began)
        if faults.get("cancel") and operation.status == "RUNNING":
            operation.status = "CANCELING"
        self.finish(store, operation, path, faults)

    async def _work(
        self, store: Store, operation: Operation, path: Path, faults: dict[str, Any]
    ) -> None:
        """Make the result in a thread; a crash of it is the operation's failure."""
        limit = faults.get("fail_after")

        def going(roots: int) -> bool:
            return operation.status == "RUNNING" and (limit is None or roots < limit)

        try:
            await asyncio.to_thread(self._make, store, operation, path, going)
        except Exception as error:  # noqa: BLE001 a crash is told by the operation itself
            self._platform.note_crash(error)
            operation.status, operation.error_code = "FAILED", "INTERNAL_SERVER_ERROR"
            return
        if limit is not None and operation.roots >= limit and operation.status == "RUNNING":
            operation.status, operation.error_code = "FAILED", "INTERNAL_SERVER_ERROR"

    def _make(self, store: Store, operation: Operation, path: Path, going: Going) -> None:
        faults, short = self._platform.faults, self._platform.faults.short_files()
        asked = Asked(store, operation)
        omit = faults.omits() and "sortKey" in asked.arguments
        world = store.world
        if asked.name == "orders" and hasattr(world.book, "key"):
            rendered = Rendered(path, world, short=short)
            self.results[path.name] = rendered
            numbers = _thinned(asked.numbers(), omit=omit)
            places = (world.ids.sequence("Order", number) for number in numbers)
            templates = self._known(store, asked)
            templates.renew()
            rendered.prepare(operation, asked.shape, places, going, templates)
            return
        written = Written(path, short=short)
        self.results[path.name] = written
        written.prepare(operation, asked.shape, _thinned(asked.things(), omit=omit), going)

    def _known(self, store: Store, asked: Asked) -> Templates:
        """The templates of a selection: learnt once, whatever the search."""
        key = store.world.recipe.domain, asked.selection
        if key not in self._templates:
            world, shape = store.world, asked.shape

            def render(place: int) -> bytes:
                return b"\n".join(family(shape, world.book.order(place))) + b"\n"

            self._templates[key] = Templates(world, render)
        return self._templates[key]

    def finish(
        self, store: Store, operation: Operation, path: Path, faults: dict[str, Any]
    ) -> None:
        """Give the result its address and tell of it."""
        url = f"{operation.base_url}/files/{path.name}"
        operation.completed = moments.now()
        if operation.status == "CANCELING":
            operation.status = "CANCELED"
        if operation.status == "RUNNING":
            operation.status = "EXPIRED" if faults.get("expire") else "COMPLETED"
            if operation.size and operation.status == "COMPLETED":
                operation.url = url
        elif operation.size:
            operation.partial_url = url
        lasts = faults.get("url_expires")
        self.deadlines[path.name] = time.monotonic() + float(lasts) if lasts else math.inf
        if not faults.get("silent"):
            self._announce(store, operation)

    def _announce(self, store: Store, operation: Operation) -> None:
        zone = store.world.shop.timezone
        body = {
            "admin_graphql_api_id": gid("BulkOperation", operation.id),
            "completed_at": moments.local(operation.completed, zone),
            "created_at": moments.local(operation.created, zone),
            "error_code": operation.error_code.lower() if operation.error_code else None,
            "status": operation.status.lower(),
            "type": operation.kind.lower(),
        }
        self._platform.courier.announce(store, "bulk_operations/finish", body)

    async def close(self, stores: list[Store]) -> None:
        tasks = [one.task for store in stores for one in store.operations.values() if one.task]
        for store in stores:
            for one in store.operations.values():
                if one.status in ("CREATED", "RUNNING"):
                    one.status = "CANCELING"
        await asyncio.gather(
            *(asyncio.wait_for(task, 0.8) for task in tasks), return_exceptions=True
        )


def _thinned(things: Iterable[Any], *, omit: bool) -> Iterator[Any]:
    return (thing for place, thing in enumerate(things) if not omit or place % 100 != 99)


class Asked:
    """A bulk query, read: what it selects of which things."""

    def __init__(self, store: Store, operation: Operation) -> None:
        schema = admin_schema()
        assert schema.query_type is not None
        self._store, self._scopes = store, operation.scopes
        definition = parse(operation.query).definitions[0]
        assert isinstance(definition, OperationDefinitionNode)
        root = definition.selection_set.selections[0]
        assert isinstance(root, FieldNode)
        self.name = root.name.value
        kind: Any = get_named_type(schema.query_type.fields[self.name].type)
        compiler = projector.Compiler(schema, store.world)
        edges = next(x for x in _below(root) if x.name.value == "edges")
        node = next(x for x in _below(edges) if x.name.value == "node")
        edge: Any = get_named_type(kind.fields["edges"].type)
        assert node.selection_set is not None
        self.shape = compiler.node(node.selection_set, get_named_type(edge.fields["node"].type))
        self.selection = print_ast(node)
        self.arguments = compiler.arguments(root)

    def query(self) -> search.Query:
        query = search.parse(self.arguments.get("query"), self.name)
        floor = self._store.floor(self._scopes) if self.name == "orders" else None
        if floor is not None:
            for terms in query:
                terms.append(search.Term("created", low=floor))
        return query

    def numbers(self) -> Iterator[int]:
        """The ids of what matches, in their order."""
        shelf = getattr(self._store.world, SHELVES[self.name])
        return (number for _, number in shelf.scan(self.query()))

    def things(self) -> Iterator[Any]:
        world = self._store.world
        if self.name in SHELVES:
            shelf = getattr(world, SHELVES[self.name])
            found = (shelf.get(number) for number in list(self.numbers()))
            return (one for one in found if one is not None)
        return iter(roots.EVERYTHING[self.name](self._store, self.arguments))


def _below(node: FieldNode) -> list[FieldNode]:
    assert node.selection_set is not None
    return [x for x in node.selection_set.selections if isinstance(x, FieldNode)]
