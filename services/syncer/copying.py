"""The result of a bulk operation, from its file into the tables."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from itertools import islice

from services.syncer.context import Also, save
from services.syncer.domain.jobs import OBJECT, Job
from services.syncer.domain.operations import MOST_PER_TRANSACTION, Operation, Planned, part_size
from services.syncer.exporting import Run
from services.syncer.reading import unreadable
from services.syncer.store import jobs, operations
from shared.errors import Rejected
from shared.postgres import Connection
from shared.shopify import copytext
from shared.shopify.bulk import BulkAssembler, payload_of
from shared.shopify.snapshots import Fact, Snapshot

_MAPPED_AT_ONCE = 100


class Incomplete(Exception):
    """A result does not hold what Shopify counted; the window must run again."""


@dataclass(slots=True, kw_only=True)
class _Part:
    """What one transaction writes: *facts* of *roots* objects of the file."""

    facts: list[Fact] = field(default_factory=list)
    roots: int = 0


async def copy(run: Run, window: Planned, operation: Operation, *, skip: int) -> None:
    """Write what the result holds, without its first *skip* objects, and end the window.

    How many objects of the file are done is committed with them, so that a copy that was cut off
    goes on behind its last transaction. Raises Incomplete, NotFound once the address has expired,
    with nothing written, and what the client and the database raise.
    """
    assembler = BulkAssembler(OBJECT[run.job.kind], run.job.owner, run.client.namespaces)
    async with run.context.room.held(int(operation.file_size or 0)):
        await _fetch(run, assembler, operation)
        async with contextlib.aclosing(_mapped(assembler, skip=skip)) as families:
            while part := await _part(run, assembler, families):
                await run.keep(part.facts, _progress(run.job, window, part.roots))
                run.written += part.roots
    await save(run.context, (), also=_done(run.job, window))


async def _fetch(run: Run, assembler: BulkAssembler, operation: Operation) -> None:
    """Download a result and check that it is whole; the last line may lack its end."""
    try:
        if operation.url:
            async for chunk in run.client.download(operation.url):
                assembler.feed(chunk)
        assembler.feed(b"\n")
    except Rejected as exc:
        if exc.code != "bad_payload":
            raise
        raise Incomplete(f"the result is broken: {exc}") from exc
    arrived = (assembler.objects, assembler.roots)
    counted = (int(operation.object_count), int(operation.root_object_count))
    if arrived != counted:
        raise Incomplete(f"{arrived} objects and roots arrived, Shopify counted {counted}")


async def _mapped(assembler: BulkAssembler, *, skip: int) -> AsyncGenerator[list[Snapshot]]:
    """Yield what each object of the file says, letting the other windows go on meanwhile.

    The archive is compressed in another thread: it takes an eighth of the time of an order.
    """
    families = assembler.families(skip=skip)
    while some := list(islice(families, _MAPPED_AT_ONCE)):
        frames = await asyncio.to_thread(copytext.frames, [payload_of(one) for one in some])
        for family, frame in zip(some, frames, strict=True):
            yield assembler.snapshots(family, frame)


async def _part(
    run: Run, assembler: BulkAssembler, families: AsyncIterator[list[Snapshot]]
) -> _Part | None:
    """Return the next transaction's worth of objects."""
    part, most = _Part(), part_size(run.written)
    async for snapshots in families:
        part.roots += 1
        part.facts += snapshots
        if part.roots >= most or len(part.facts) >= MOST_PER_TRANSACTION:
            break
    kind = OBJECT[run.job.kind]
    part.facts += [
        unreadable(kind, object_id, why, owner=run.job.owner)
        for object_id, why in assembler.rejected.items()
    ]
    assembler.rejected.clear()
    return part if part.roots else None


def _progress(job: Job, window: Planned, roots: int) -> Also:
    async def progress(conn: Connection) -> None:
        await operations.count(conn, job, window.number, roots)
        await jobs.progress(conn, job, roots)

    return progress


def _done(job: Job, window: Planned) -> Also:
    async def done(conn: Connection) -> None:
        await jobs.renew(conn, job)
        await operations.done(conn, job, window.number)

    return done
