"""Full sync: windows of bulk operations, newest first, each resumed where it was cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog

from services.syncer import planning
from services.syncer.context import Also, Context, save
from services.syncer.copying import Incomplete, copy
from services.syncer.domain.jobs import Job
from services.syncer.domain.operations import Operation, Planned, how_it_ended, next_step
from services.syncer.exporting import Run, ended, note, start
from services.syncer.poll import read_everything
from services.syncer.store import jobs, operations
from services.syncer.sweep import sweep
from shared.errors import Forbidden, NotFound, Unavailable
from shared.postgres import Connection, translated
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Fact

log = structlog.get_logger()

# Halving ten times leaves a thousandth of a window.
_TRIES_PER_WINDOW = 12
# Then it is not the window that is at fault.
_FAILURES_IN_A_ROW = 10
_DENIED = "access denied"


async def backfill(context: Context, job: Job) -> None:
    """Copy every object of *job*'s kind; resumable at every point.

    Raises Unavailable when a window failed too often, after the others are done; Forbidden when
    the app may not read what it asked for; and what the client raises.
    """
    client = await context.shops.client(job.owner)

    async def keep(facts: Sequence[Fact], also: Also) -> None:
        await save(context, facts, also=also)

    if RESOURCES[job.kind].bulk:
        await export(Run(context=context, job=job, client=client, keep=keep))
    else:
        await read_everything(context, job, client)
    await sweep(context, job, client)


async def export(run: Run) -> None:
    """Give ``run.keep`` every object of a resource, each once however often the job is resumed.

    Facts that are no snapshots wish for objects that could not be mapped.
    """
    await _work_through(run, await _windows(run))
    short = await _short(run)
    await _work_through(run, short)
    await _tell_shortfall(run, again=bool(short))


async def _windows(run: Run) -> list[Planned]:
    async with run.context.pool.acquire() as conn:
        known = await operations.windows(conn, run.job)
    if known:
        return known
    pieces, total = await planning.pieces(run.client, run.job, target=run.context.roots_per_window)
    with translated():
        async with run.context.pool.acquire() as conn, conn.transaction():
            await operations.plan(conn, run.job, pieces)
            if total is not None:
                await jobs.expect(conn, run.job, total)
            return await operations.windows(conn, run.job)


async def _work_through(run: Run, windows: Sequence[Planned]) -> None:
    """Read what Shopify has begun, and have it begin the others, newest first."""
    waiting = [window for window in windows if not window.done]
    try:
        async with asyncio.TaskGroup() as group:
            for window in waiting:
                if window.gid:
                    group.create_task(_window(run, window, tries=_TRIES_PER_WINDOW))
            for window in waiting:
                if not window.gid:
                    begun = replace(window, gid=await start(run, window), roots_done=0)
                    group.create_task(_window(run, begun, tries=_TRIES_PER_WINDOW))
    except BaseExceptionGroup as exc:
        raise _first(exc) from exc
    if run.given_up:
        raise Unavailable("; ".join(run.given_up), code="bulk_failed")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


async def _window(run: Run, window: Planned, *, tries: int) -> None:
    """Have one window's objects in the tables, or give it up after *tries* operations."""
    why = window.error or ""
    for _ in range(tries):
        tries -= 1
        gid = window.gid or await start(run, window)
        window = replace(window, gid=gid)
        operation = await ended(run, window, gid)
        step = next_step(operation)
        if step == "read" and operation is not None:
            why = await _copied(run, window, operation)
            if not why:
                run.failed_in_a_row = 0
                return
        elif step == "denied":
            why = _denied(window, operation)
        elif step == "cut" and await _in_parts(run, window, tries, why=how_it_ended(operation)):
            return
        else:
            why = how_it_ended(operation)
        _check_outage(run, why)
        log.warning("window starts again", kind=run.job.kind, window=window.number, why=why)
        window = replace(window, gid=None, roots_done=0, error=why)
        await note(run, window, None, error=why)
    run.given_up.append(f"window {window.number} failed too often: {why}")


async def _copied(run: Run, window: Planned, operation: Operation) -> str:
    """Copy a result; return why it must be exported again, or nothing."""
    try:
        try:
            await copy(run, window, operation, skip=window.roots_done)
        except NotFound:
            # The address had expired. Shopify may sign another for the same result.
            renewed = await ended(run, window, operation.id)
            if renewed is None or next_step(renewed) != "read":
                return how_it_ended(renewed)
            await copy(run, window, renewed, skip=window.roots_done)
    except (Incomplete, NotFound) as exc:
        return str(exc)
    return ""


def _check_outage(run: Run, why: str) -> None:
    """Count a failure; raise Unavailable when nothing seems to work at all."""
    run.failed_in_a_row += 1
    if run.failed_in_a_row >= _FAILURES_IN_A_ROW:
        raise Unavailable(f"Shopify fails on every window: {why}", code="bulk_failed")


def _denied(window: Planned, operation: Operation | None) -> str:
    """Allow one more try, with the token of the day: the first may have ended during the work."""
    if window.error == _DENIED:
        message = f"the app may not read everything it asked for: {how_it_ended(operation)}"
        raise Forbidden(message, code="access_denied")
    return _DENIED


async def _in_parts(run: Run, window: Planned, tries: int, *, why: str) -> bool:
    """Do a window on which Shopify failed in smaller ones; return whether there are such."""
    pieces = await planning.smaller(run.client, run.job, window)
    if not pieces or not tries:
        return False
    _check_outage(run, why)
    log.warning("window is cut", kind=run.job.kind, window=window.number, why=why)
    parts: list[Planned] = []

    async def splitting(conn: Connection) -> None:
        await jobs.renew(conn, run.job)
        parts.extend(await operations.split(conn, run.job, window.number, pieces, why=why))
        await jobs.recount(conn, run.job)

    await save(run.context, (), also=splitting)
    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(_window(run, part, tries=tries))
    return True


async def _short(run: Run) -> list[Planned]:
    """Return the windows whose results held less than Shopify counts in them, to run once more."""
    if not await _shortfall(run):
        return []
    async with run.context.pool.acquire() as conn:
        windows = await operations.windows(conn, run.job)
    short = []
    for window in windows:
        counted = await planning.count_now(run.client, run.job, window)
        if counted is not None and counted > window.roots:
            why = f"{window.roots} arrived, Shopify counts {counted}"
            short.append(replace(window, gid=None, roots_done=0, done=False, error=why))
    for window in short:
        async with run.context.pool.acquire() as conn:
            await operations.reopen(conn, run.job, window.number, why=window.error or "")
    return short


async def _shortfall(run: Run) -> int:
    """Return how many objects are missing that Shopify counted before and counts now."""
    counted = await planning.count_now(run.client, run.job)
    async with run.context.pool.acquire() as conn:
        expected = await jobs.expected(conn, run.job)
        roots = sum(window.roots for window in await operations.windows(conn, run.job))
    if counted is None or expected is None:
        return 0
    return max(0, min(counted, expected) - roots)


async def _tell_shortfall(run: Run, *, again: bool) -> None:
    missing = await _shortfall(run) if again else 0
    warning = f"{missing} objects that Shopify counts were in no export" if missing else None
    if warning:
        log.error("export falls short", kind=run.job.kind, missing=missing)
    with translated():
        async with run.context.pool.acquire() as conn:
            await jobs.warn(conn, run.job, warning)
