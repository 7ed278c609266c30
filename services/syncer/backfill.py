"""Full sync: windows of bulk operations, streamed into the writer, newest first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice

import structlog

from services.syncer import planning
from services.syncer.context import Also, Context, save
from services.syncer.domain import operations as decide
from services.syncer.domain.jobs import OBJECT, Job
from services.syncer.domain.operations import Operation, Planned
from services.syncer.reading import unreadable
from services.syncer.store import jobs, operations
from services.syncer.sweep import sweep
from shared.errors import NotFound, Rejected, Unavailable
from shared.postgres import Connection, translated
from shared.shopify.bulk import BulkAssembler
from shared.shopify.client import ShopClient
from shared.shopify.documents import bulk_document, document
from shared.shopify.snapshots import Snapshot

log = structlog.get_logger()

# More would not fit the eight megabytes of temp_buffers that PostgreSQL gives a session.
SNAPSHOTS_PER_TRANSACTION = 750
_MAPPED_AT_ONCE = 50
_OPERATIONS_AT_ONCE = 5
_TRIES_PER_WINDOW = 5
_SLOT_WAIT_SECONDS = 2.0
_POLL_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a full job: at most five operations at Shopify."""

    context: Context
    job: Job
    client: ShopClient
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_OPERATIONS_AT_ONCE))


class Incomplete(Exception):
    """A result does not hold what Shopify counted; the window must run again."""


async def backfill(context: Context, job: Job) -> None:
    """Copy every object of *job*'s kind; resumable at every point.

    Raises Unavailable when a window failed too often, and what the client raises.
    """
    client = await context.shops.client(job.owner)
    run = Run(context=context, job=job, client=client)
    windows = await _windows(run)
    try:
        async with asyncio.TaskGroup() as group:
            for window in windows:
                if not window.done:
                    group.create_task(_window(run, window), name=f"window {window.number}")
    except BaseExceptionGroup as exc:
        raise exc.exceptions[0] from exc
    await sweep(context, job, client)


async def _windows(run: Run) -> list[Planned]:
    async with run.context.pool.acquire() as conn:
        known = await operations.windows(conn, run.job)
    if known:
        return known
    searches, total = await planning.searches(
        run.client, run.job, target=run.context.roots_per_window
    )
    with translated():
        async with run.context.pool.acquire() as conn, conn.transaction():
            await operations.plan(conn, run.job, searches)
            if total is not None:
                await jobs.expect(conn, run.job, total)
            return await operations.windows(conn, run.job)


async def _window(run: Run, window: Planned) -> None:
    gid = window.gid
    async with run.slots:
        for _ in range(_TRIES_PER_WINDOW):
            gid = gid or await _start(run, window)
            try:
                operation = await _completed(run, window, gid)
                if operation is not None:
                    async with run.context.room.held(int(operation.file_size or 0)):
                        await _copy(run, window, operation)
                    return
                reason = "Shopify ended the operation"
            except (Incomplete, NotFound) as exc:
                reason = str(exc)
            await _note(run, window, None, error=reason)
            gid = None
    raise Unavailable(f"window {window.number} failed too often: {reason}", code="bulk_failed")


async def _start(run: Run, window: Planned) -> str:
    query = bulk_document(run.job.kind, window.search)
    while True:
        operation = decide.started(await run.client.execute(document("bulk_run"), {"query": query}))
        if operation is not None:
            await _note(run, window, operation)
            return operation.id
        await asyncio.sleep(_SLOT_WAIT_SECONDS)


async def _completed(run: Run, window: Planned, gid: str) -> Operation | None:
    """Wait for the operation's result; None when it must be started again."""
    for attempt in count():
        operation = decide.state_of(
            await run.client.execute(document("bulk_operation"), {"id": gid})
        )
        step = decide.next_step(operation)
        if step == "read":
            await _note(run, window, operation)
            return operation
        if step == "again":
            code = operation.error_code if operation else "forgotten"
            log.warning("bulk operation did not complete", window=window.number, code=code)
            return None
        await asyncio.sleep(_POLL_SECONDS[min(attempt, len(_POLL_SECONDS) - 1)])
    raise AssertionError  # pragma: no cover - count() does not end


async def _copy(run: Run, window: Planned, operation: Operation) -> None:
    kind = OBJECT[run.job.kind]
    assembler = BulkAssembler(kind, run.job.owner)
    snapshots = await _assembled(run, assembler, operation)
    while part := await _taken(snapshots):
        roots = sum(1 for one in part if one.kind == kind)
        await save(run.context, part, also=_progress(run.job, window, roots))
    wishes = [
        unreadable(kind, object_id, why, owner=run.job.owner)
        for object_id, why in assembler.rejected.items()
    ]
    await save(run.context, wishes, also=_done(run.job, window, len(wishes)))


async def _taken(snapshots: Iterator[Snapshot]) -> list[Snapshot]:
    """Map the next transaction's worth, letting the other windows' writes go on meanwhile."""
    taken: list[Snapshot] = []
    while len(taken) < SNAPSHOTS_PER_TRANSACTION:
        some = list(islice(snapshots, _MAPPED_AT_ONCE))
        if not some:
            break
        taken += some
        await asyncio.sleep(0)
    return taken


async def _assembled(
    run: Run, assembler: BulkAssembler, operation: Operation
) -> Iterator[Snapshot]:
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
    return assembler.finish()


def _progress(job: Job, window: Planned, roots: int) -> Also:
    async def progress(conn: Connection) -> None:
        await operations.count(conn, job, window.number, roots)
        await jobs.progress(conn, job, roots)

    return progress


def _done(job: Job, window: Planned, unreadable_roots: int) -> Also:
    async def done(conn: Connection) -> None:
        await operations.count(conn, job, window.number, unreadable_roots)
        await jobs.progress(conn, job, unreadable_roots)
        await operations.done(conn, job, window.number)

    return done


async def _note(
    run: Run, window: Planned, operation: Operation | None, *, error: str | None = None
) -> None:
    async def note(conn: Connection) -> None:
        await jobs.renew(conn, run.job)
        await operations.note(conn, run.job, window.number, operation=operation, error=error)
        await jobs.recount(conn, run.job)

    await save(run.context, (), also=note)
