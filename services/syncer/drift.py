"""The nightly sample: a few objects of each resource, read by id and compared with ours."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import structlog

from services.syncer import metrics, reading
from services.syncer.context import Context
from services.syncer.domain.jobs import Job
from services.syncer.domain.polls import still_changing, updated_between
from services.syncer.domain.verify import night_began
from services.syncer.looking import Run
from services.syncer.store import verify as store
from services.syncer.verify import begin, finish, look_besides
from shared.background import pause
from shared.errors import Unavailable
from shared.postgres import translated
from shared.shopify.resources import RESOURCES

log = structlog.get_logger()

_NEWEST = 50
_LATELY = timedelta(hours=1)
_TICK_SECONDS = 60.0


class _Named(msgspec.Struct):
    id: str


async def sample(context: Context, job: Job) -> None:
    """Compare random objects of ours, and the newest that Shopify has, with Shopify's answer."""
    run = await begin(context, job)
    async with context.pool.acquire() as conn:
        ids = await store.some(conn, run.resource.kind, owner=job.owner, limit=context.sample_size)
    ids = sorted({*ids, *await _newest(run)})
    if ids:
        await look_besides(run, ids)
    await finish(run)


async def _newest(run: Run) -> list[int]:
    """Return ids of what changed last at Shopify, of that which the polls should have brought.

    A sorted resource comes oldest change first, so only the last hour before that is asked for.
    """
    until = run.begun.settled_until
    search = {
        "sorted": updated_between(until - _LATELY, until),
        "spans": updated_between(until - _LATELY, until),
        "newest": "",
        "recent": still_changing(run.resource, until),
    }[run.resource.polling]
    page = await reading.page(
        run.client, run.resource, first=min(_NEWEST, run.resource.page), search=search
    )
    gids = [msgspec.json.decode(raw, type=_Named).id for raw in page.nodes]
    return [int(gid.partition("?")[0].rpartition("/")[2]) for gid in gids]


async def keep_nightly(context: Context, stop: asyncio.Event, *, hour: int) -> None:
    """Queue each night's samples and show what the last ones found, until *stop*."""
    while True:
        try:
            await _tick(context, hour=hour)
        except Unavailable as exc:
            log.warning("samples wait", error=str(exc))
        if not await pause(stop, _TICK_SECONDS):
            return


async def _tick(context: Context, *, hour: int) -> None:
    with translated():
        async with context.pool.acquire() as conn:
            if context.sample_size:
                at = context.clock()
                nights = {z: night_began(z, at, hour=hour) for z in await store.zones(conn)}
                await store.schedule_samples(conn, list(RESOURCES), nights=nights)
            found = await store.drift(conn)
    for name in RESOURCES:
        metrics.RECONCILE_DRIFT.labels(name).set(found.get(name, 0))
