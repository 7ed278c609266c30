"""Sync jobs: claimed while there is room, kept alive by a heartbeat, ended or put back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import structlog

from services.syncer import metrics, notices
from services.syncer.backfill import backfill
from services.syncer.context import Context
from services.syncer.domain.jobs import (
    HEARTBEAT_SECONDS,
    Fail,
    Fate,
    Job,
    LeaseLost,
    Refused,
    Skip,
    TurnEnded,
    Wait,
    fate_of,
)
from services.syncer.drift import sample
from services.syncer.poll import poll
from services.syncer.replay import replay
from services.syncer.shop import sync_shop
from services.syncer.store import capabilities, domain_events, jobs
from services.syncer.verify import verify
from shared.bus.protocol import BatchHandler, Done, Message, Outcome
from shared.errors import Rejected, Unavailable
from shared.postgres import said, translated

log = structlog.get_logger()

_SAID: Mapping[type, str] = MappingProxyType(
    {Wait: "job waits", Fail: "job gave up", Skip: "job skipped"}
)
_IDLE_SECONDS = 1.0
_RUNS: MappingProxyType[str, Callable[[Context, Job], Awaitable[None]]] = MappingProxyType(
    {"full": backfill, "incremental": poll, "verify": verify, "sample": sample, "replay": replay}
)


def waker(wake: asyncio.Event) -> BatchHandler:
    """Return the handler of the jobs queue: the row is the job, the message only wakes."""

    async def on_sync_requested(messages: Sequence[Message]) -> Sequence[Outcome]:
        wake.set()
        return [Done() for _ in messages]

    return on_sync_requested


async def work(context: Context, stop: asyncio.Event, *, wake: asyncio.Event, at_once: int) -> None:
    """Run jobs, *at_once* in parallel, until *stop*; then give back what is not finished.

    Full syncs take hours: they leave a quarter of the places to polls.
    """
    running: dict[asyncio.Task[None], Job] = {}
    full_at_once = max(1, at_once - max(1, at_once // 4))
    while not stop.is_set():
        wake.clear()
        full = sum(1 for job in running.values() if job.is_long)
        room = len(running) < at_once
        job = await _next(context, may_be_full=full < full_at_once) if room else None
        if job is not None:
            name = f"{job.mode} {job.kind}"
            running[asyncio.create_task(run(context, job), name=name)] = job
            continue
        await _rest(wake, stop, running)
        for task in [task for task in running if task.done()]:
            del running[task]
            task.result()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def run(context: Context, job: Job) -> None:
    """Run one claimed job to its end, or put it back with the reason."""
    log.info("job started", kind=job.kind, mode=job.mode, attempts=job.attempts)
    try:
        # As a value: a bug in one job must not stop the others.
        (error,) = await asyncio.gather(_with_heartbeat(context, job), return_exceptions=True)
    except asyncio.CancelledError:
        await _put_back(context, job, seconds=0, error=None)
        raise
    outcome = "succeeded" if error is None else "lost"
    if isinstance(error, Exception):
        outcome = await _end(context, job, error)
    metrics.JOBS_TOTAL.labels(job.kind, job.mode, outcome).inc()
    log.info("job ended", kind=job.kind, mode=job.mode, outcome=outcome)


async def _sync_resource(context: Context, job: Job) -> None:
    async with context.pool.acquire() as conn:
        reason = await capabilities.refusal(conn, job.owner, job.kind)
    if reason:
        raise Refused(reason)
    await _RUNS[job.mode](context, job)


async def _with_heartbeat(context: Context, job: Job) -> None:
    steps = sync_shop if job.kind == "shop" else _sync_resource
    task = asyncio.ensure_future(steps(context, job))
    beat = asyncio.create_task(_beat(context, job, task))
    try:
        with translated():
            await task
    except asyncio.CancelledError:
        if beat.done() and not beat.cancelled() and beat.exception() is None:
            raise LeaseLost from None
        raise
    finally:
        task.cancel()
        beat.cancel()
        await asyncio.gather(task, beat, return_exceptions=True)
    with translated():
        async with context.pool.acquire() as conn, conn.transaction():
            await jobs.finish(conn, job, error=None)
            if job.writes:
                await capabilities.works(conn, job.owner, job.kind)
            if job.mode == "full":
                await domain_events.add_sync_completed(conn, job)


async def _beat(context: Context, job: Job, task: asyncio.Future[None]) -> None:
    """Renew the lease until it is lost; then end the work."""
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        try:
            with translated():
                async with context.pool.acquire() as conn:
                    await jobs.renew(conn, job)
        except LeaseLost:
            task.cancel()
            return
        except Unavailable as exc:
            log.warning("heartbeat missed", kind=job.kind, error=str(exc))


async def _end(context: Context, job: Job, error: Exception) -> str:
    if isinstance(error, LeaseLost):
        return "lost"
    if isinstance(error, TurnEnded):
        await _put_back(context, job, seconds=0, error=None)
        return "waiting"
    if not isinstance(error, Rejected | Unavailable):
        log.error("job hit a bug", kind=job.kind, mode=job.mode, exc_info=error)
    try:
        attempts = await _attempts(context, job)
        fate = fate_of(error, attempts, kind=job.kind, said=said(error))
        return await _settle(context, job, fate)
    except (LeaseLost, Unavailable) as exc:
        log.warning("job left to its lease", kind=job.kind, error=str(exc))
        return "lost"


async def _settle(context: Context, job: Job, fate: Fate) -> str:
    """Do what was decided about a job that did not succeed; return the outcome's name."""
    log.warning(_SAID[type(fate)], kind=job.kind, mode=job.mode, error=fate.error)
    if isinstance(fate, Wait):
        await _put_back(context, job, seconds=fate.seconds, error=fate.error)
        if fate.token_is_dead:
            await notices.store_left(
                context.bus,
                job.owner,
                status="reauth_required",
                reason=fate.error,
                at=context.clock(),
            )
        return "waiting"
    outcome: Literal["failed", "skipped"] = "failed" if isinstance(fate, Fail) else "skipped"
    with translated():
        async with context.pool.acquire() as conn, conn.transaction():
            await jobs.finish(conn, job, error=fate.error, outcome=outcome)
            if isinstance(fate, Skip) and fate.refusal is not None:
                await capabilities.refuse(conn, job.owner, fate.refusal)
            elif isinstance(fate, Fail) and job.writes:
                await capabilities.note(
                    conn, job.owner, job.kind, state="failing", reason=fate.error
                )
    return outcome


async def _attempts(context: Context, job: Job) -> int:
    with translated():
        async with context.pool.acquire() as conn:
            return await jobs.attempts(conn, job)


async def _put_back(context: Context, job: Job, *, seconds: float, error: str | None) -> None:
    with contextlib.suppress(*(() if error else (Unavailable,))), translated():
        async with context.pool.acquire() as conn:
            await jobs.put_back(conn, job, seconds=seconds, error=error)


async def _next(context: Context, *, may_be_full: bool) -> Job | None:
    try:
        with translated():
            async with context.pool.acquire() as conn:
                return await jobs.claim(conn, may_be_full=may_be_full)
    except Unavailable as exc:
        log.warning("jobs pause", error=str(exc))
        return None


async def _rest(
    wake: asyncio.Event, stop: asyncio.Event, running: Iterable[asyncio.Task[None]]
) -> None:
    waits = [asyncio.ensure_future(wake.wait()), asyncio.ensure_future(stop.wait())]
    await asyncio.wait([*waits, *running], timeout=_IDLE_SECONDS, return_when="FIRST_COMPLETED")
    for wait in waits:
        wait.cancel()
