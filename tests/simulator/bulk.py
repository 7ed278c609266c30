"""Bulk operations: validated, rendered to a file in a thread, announced by webhook."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from graphql import FieldNode, OperationDefinitionNode, get_named_type, parse

from tests.simulator import moments, projector, search
from tests.simulator.bulk_rules import complaints
from tests.simulator.ids import gid
from tests.simulator.schema import admin_schema
from tests.simulator.store import Operation, Store

_BATCH = 7
_CHUNK = 1 << 18
_SHELVES = {
    "orders": "orders",
    "customers": "customers",
    "products": "products",
    "inventoryItems": "items",
}


class BulkRunner:
    """Runs bulk operations; ``seconds`` is how long each takes at least."""

    def __init__(self, platform: Any, folder: Path, *, seconds: float = 0.5) -> None:
        self._platform, self.folder, self.seconds = platform, folder, seconds
        self.complaints = complaints

    def start(self, store: Store, operation: Operation) -> None:
        operation.task = asyncio.create_task(self._run(store, operation), name="bulk operation")

    async def _run(self, store: Store, operation: Operation) -> None:
        began = time.monotonic()
        faults = self._platform.faults.bulk()
        operation.status = "RUNNING"
        path = self.folder / f"bulk-{operation.id}-{secrets.token_hex(8)}.jsonl"
        stop = threading.Event()
        if faults.get("internal_error"):
            operation.status, operation.error_code = "FAILED", "INTERNAL_SERVER_ERROR"
        else:
            limit = faults.get("fail_after")
            work = asyncio.to_thread(self._render, store, operation, path, stop=stop, limit=limit)
            await self._watch(operation, asyncio.ensure_future(work), stop)
        rest = self.seconds - (time.monotonic() - began)
        while rest > 0 and operation.status == "RUNNING":
            await asyncio.sleep(min(rest, 0.05))
            rest = self.seconds - (time.monotonic() - began)
        self._finish(store, operation, path, faults)

    async def _watch(
        self, operation: Operation, work: asyncio.Future[bool], stop: threading.Event
    ) -> None:
        while not work.done():
            if operation.status == "CANCELING":
                stop.set()
            await asyncio.wait([work], timeout=0.05)
        if not work.result() and operation.status == "RUNNING":
            operation.status, operation.error_code = "FAILED", "INTERNAL_SERVER_ERROR"

    def _render(
        self,
        store: Store,
        operation: Operation,
        path: Path,
        *,
        stop: threading.Event,
        limit: int | None,
    ) -> bool:
        """Write the result; whether it is complete."""
        buffer = bytearray()
        with path.open("wb") as file:
            for lines, at_root in _groups(store, operation, omit=self._platform.faults.omits()):
                for line in lines:
                    buffer += orjson.dumps(line).replace(b"/", b"\\/") + b"\n"
                operation.objects += len(lines)
                operation.roots += at_root
                if len(buffer) > _CHUNK:
                    file.write(buffer)
                    operation.size += len(buffer)
                    buffer.clear()
                    time.sleep(0)
                if stop.is_set() or (limit is not None and operation.roots >= limit):
                    break
            file.write(buffer)
            operation.size += len(buffer)
        return limit is None or operation.roots < limit

    def _finish(
        self, store: Store, operation: Operation, path: Path, faults: dict[str, Any]
    ) -> None:
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
            "type": "query",
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


def _groups(
    store: Store, operation: Operation, *, omit: bool = False
) -> Iterator[tuple[list[Any], int]]:
    """Lines with the number of roots among them.

    Ungrouped, the children of a few roots follow together, mixed, as Shopify's own output does.
    """
    shape, things = _compiled(store, operation, omit=omit)
    if operation.grouped:
        for thing in things:
            line, below = projector.lines_of(shape, thing, None)
            yield [line, *below], 1
        return
    batch: list[Any] = []
    children: list[list[Any]] = []
    for thing in things:
        line, below = projector.lines_of(shape, thing, None)
        batch.append(line)
        children.append(below)
        if len(batch) == _BATCH:
            yield batch + _mixed(children), _BATCH
            batch, children = [], []
    if batch:
        yield batch + _mixed(children), len(batch)


def _mixed(children: list[list[Any]]) -> list[Any]:
    """Interleave the children of neighbours, keeping each family's order."""
    out: list[Any] = []
    for place in range(max(map(len, children), default=0)):
        out.extend(family[place] for family in reversed(children) if place < len(family))
    return out


def _compiled(store: Store, operation: Operation, *, omit: bool) -> tuple[projector.Shape, Any]:
    schema = admin_schema()
    assert schema.query_type is not None
    document = parse(operation.query)
    definition = document.definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    root = definition.selection_set.selections[0]
    assert isinstance(root, FieldNode)
    kind = get_named_type(schema.query_type.fields[root.name.value].type)
    compiler = projector.Compiler(schema, store.world)
    edges = next(x for x in root.selection_set.selections if x.name.value == "edges")
    below = next(x for x in edges.selection_set.selections if x.name.value == "node")
    edge = get_named_type(kind.fields["edges"].type)
    shape = compiler.node(below.selection_set, get_named_type(edge.fields["node"].type))
    arguments = compiler.arguments(root)
    things = _things(store, operation, root.name.value, arguments)
    if omit and "sortKey" in arguments:
        things = (thing for place, thing in enumerate(things) if place % 100 != 99)
    return shape, things


def _things(
    store: Store, operation: Operation, name: str, arguments: dict[str, Any]
) -> Iterator[Any]:
    world = store.world
    if name == "locations":
        yield from world.locations.values()
        return
    if name == "productVariants":
        yield from (variant for product in world.products for variant in product.variants)
        return
    query = search.parse(arguments.get("query"), name)
    floor = store.floor(operation.scopes) if name == "orders" else None
    if floor is not None:
        for terms in query:
            terms.append(search.Term("created", low=floor))
    shelf = getattr(world, _SHELVES[name])
    for _, number in list(shelf.scan(query, "id")):
        found = shelf.get(number)
        if found is not None:
            yield found
