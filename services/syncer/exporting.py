"""Bulk operations at Shopify: begun when a slot is free, and waited for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

import structlog

from services.syncer.context import Also, Context, save
from services.syncer.domain import operations as decide
from services.syncer.domain.jobs import Job
from services.syncer.domain.operations import Operation, Planned
from services.syncer.store import jobs, operations
from shared.postgres import Connection, translated
from shared.shopify.client import ShopClient
from shared.shopify.documents import bulk_document, document
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Fact

log = structlog.get_logger()

# Keeps facts, and in the same transaction what says that they are kept.
Keep: TypeAlias = Callable[[Sequence[Fact], Also], Awaitable[None]]

_LOOK_SECONDS = 0.5


@dataclass(slots=True, kw_only=True)
class Run:
    """One run of a job that reads everything; *keep* takes what was read.

    *written* counts its objects; *freed* is set when a slot may be free; *given_up* says why of
    windows on which Shopify failed too often; *failed_in_a_row* counts operations of any window.
    """

    context: Context
    job: Job
    client: ShopClient
    keep: Keep
    written: int = 0
    freed: asyncio.Event = field(default_factory=asyncio.Event)
    given_up: list[str] = field(default_factory=list)
    failed_in_a_row: int = 0


async def start(run: Run, window: Planned) -> str:
    """Have Shopify begin *window*'s operation once a slot of the shop is free; return its gid.

    A slot that somebody else's operations hold is waited for as long as it takes.
    """
    documents = RESOURCES[run.job.kind].documents
    query = bulk_document(documents, window.search, run.client.namespaces, run.client.lacking)
    for tried in count():
        if await _claimed(run, window):
            answer = await run.client.execute(document("bulk_run"), {"query": query})
            operation = decide.started(answer)
            await note(run, window, operation, error=window.error)
            if operation is not None:
                return operation.id
        run.freed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(run.freed.wait(), decide.busy_seconds(tried))
    raise AssertionError  # pragma: no cover - count() does not end


async def ended(run: Run, window: Planned, gid: str) -> Operation | None:
    """Wait until an operation ended, whichever way; None when Shopify has forgotten it.

    Shopify's webhook ends the wait, whichever replica took it; without it Shopify is asked, ever
    more rarely.
    """
    told, before = False, None
    for asked in count():
        answer = await run.client.execute(document("bulk_operation"), {"id": gid})
        operation = decide.state_of(answer)
        if operation is not None and operation != before:
            await note(run, window, operation, error=window.error)
        if decide.next_step(operation) != "wait":
            run.freed.set()
            return operation
        before = operation
        told = await _told(run, window, gid, seconds=decide.pause_seconds(asked), again=told)
    raise AssertionError  # pragma: no cover - count() does not end


async def note(
    run: Run, window: Planned, operation: Operation | None, *, error: str | None = None
) -> None:
    """Remember where a window stands; None: it starts anew."""

    async def noting(conn: Connection) -> None:
        await jobs.renew(conn, run.job)
        await operations.note(conn, run.job, window.number, operation=operation, error=error)
        await jobs.recount(conn, run.job)

    await save(run.context, (), also=noting)


async def _claimed(run: Run, window: Planned) -> bool:
    with translated():
        async with run.context.pool.acquire() as conn, conn.transaction():
            await jobs.renew(conn, run.job)
            return await operations.claim_slot(conn, run.job, window.number)


async def _told(run: Run, window: Planned, gid: str, *, seconds: float, again: bool) -> bool:
    """Wait *seconds*, or until Shopify's webhook told the end; say whether it ever did.

    What it told *again* ends no wait: Shopify's API was asked since, and said otherwise.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while (left := deadline - clock()) > 0:
        await asyncio.sleep(min(left, _LOOK_SECONDS))
        if again:
            continue
        with translated():
            async with run.context.pool.acquire() as conn:
                if await operations.was_told(conn, run.job, window.number, gid):
                    log.debug("told that the operation ended", window=window.number)
                    return True
    return again
