"""Proof that our copy of a resource equals Shopify's, object by object, and its repair.

Everything is exported and compared in Postgres. What is not the same is read again by id until two
readings agree about it: a shop changes while it is looked at, and that is no difference.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from services.syncer import exporting, reading
from services.syncer.backfill import export
from services.syncer.context import Also, Context
from services.syncer.domain.jobs import Job
from services.syncer.exporting import Keep
from services.syncer.looking import Run, confirm_absent, look_again
from services.syncer.store import jobs, objects
from services.syncer.store import verify as store
from shared.errors import Rejected
from shared.postgres import Connection, translated
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Fact, Refetch, Snapshot

log = structlog.get_logger()

# What we have and the export does not: asked of Postgres, and looked at together.
_UNMET_AT_ONCE = 50_000
_LOOKED_AT_ONCE = 1000


async def begin(context: Context, job: Job) -> Run:
    """Begin or go on; raise Rejected ``never_synced`` when there is nothing to compare."""
    client = await context.shops.client(job.owner)
    with translated():
        async with context.pool.acquire() as conn, conn.transaction():
            await jobs.renew(conn, job)
            begun = await store.begin(conn, job, overlap=context.overlap)
    if begun is None:
        raise Rejected("nothing was copied yet: run a full sync first", code="never_synced")
    resource = RESOURCES[job.kind]
    return Run(context=context, job=job, client=client, resource=resource, begun=begun)


async def verify(context: Context, job: Job) -> None:
    """Compare all of *job*'s resource with Shopify; resumable at every point."""
    run = await begin(context, job)

    async def take(facts: Sequence[Fact], also: Also) -> None:
        await _compare(run, facts, also)

    if run.resource.bulk:
        await export(exporting.Run(context=context, job=job, client=run.client, keep=take))
    else:
        await _pages(run, take)
    hidden = await _look_at_unmet(run)
    await finish(run, hidden=hidden)


async def _pages(run: Run, take: Keep) -> None:
    after: str | None = None
    while True:
        page = await reading.page(run.client, run.resource, first=run.resource.page, after=after)
        facts = [
            fact
            for raw in page.nodes
            for fact in await reading.facts(
                run.client, run.resource.kind, raw, owner=run.job.owner, source="poll"
            )
        ]
        await take(facts, _progress(run.job, len(page.nodes)))
        after = page.after
        if after is None:
            return


def _progress(job: Job, rows: int) -> Also:
    async def progress(conn: Connection) -> None:
        await jobs.progress(conn, job, rows)

    return progress


async def finish(run: Run, *, hidden: int = 0) -> None:
    """Ask once more for what Shopify did not have, and sum up all but what it has *hidden*."""
    await confirm_absent(run)
    found: list[tuple[int, int]] = []

    async def summed(conn: Connection) -> None:
        found.append(await store.finish(conn, run.job, run.resource.kind, hidden=hidden))

    await run.commit(summed)
    differences, repaired = found[-1]
    if differences:
        log.error(
            "our copy differed",
            resource=run.job.kind,
            mode=run.job.mode,
            differences=differences,
            repaired=repaired,
        )


async def _compare(run: Run, facts: Sequence[Fact], also: Also) -> None:
    """Compare one part of the export; look again at what is not the same or was told in part."""
    kind = run.resource.kind
    told = [one for one in facts if isinstance(one, Snapshot)]
    ids = [one.key[0] for one in told if one.kind == kind]
    unreadable = [one.key[0] for one in facts if isinstance(one, Refetch)]
    doubtful = {*unreadable, *(one.key[0] for one in told if one.incomplete)}

    async def compare(conn: Connection) -> None:
        await store.stage(conn, kind, told)
        doubtful.update(await store.unlike(conn, kind, owner=run.job.owner))

    async def count(conn: Connection) -> None:
        await store.seen(conn, run.job, [*ids, *unreadable])
        await also(conn)

    await run.commit(compare)
    await look_again(run, doubtful)
    # Last: whoever goes on after a kill begins behind what is counted.
    await run.commit(count)


async def _look_at_unmet(run: Run) -> int:
    """Look at what we have and the export does not; return how much of it Shopify hides."""
    last = hidden = 0
    while True:
        async with run.context.pool.acquire() as conn:
            ids = await store.unmet(
                conn, run.job, run.resource.kind, after=last, limit=_UNMET_AT_ONCE
            )
        if not ids:
            return hidden
        for start in range(0, len(ids), _LOOKED_AT_ONCE):
            part = ids[start : start + _LOOKED_AT_ONCE]
            shown = await _shown(run, part)
            hidden += len(part) - len(shown)
            await look_besides(run, shown)
        last = ids[-1]


async def _shown(run: Run, ids: Sequence[int]) -> Sequence[int]:
    """Return *ids* without what Shopify hides with old orders: it would answer null."""
    async with run.context.pool.acquire() as conn:
        hidden = await objects.hidden(conn, run.resource.kind, run.job.owner, ids)
    return [object_id for object_id in ids if object_id not in hidden]


async def look_besides(run: Run, ids: Sequence[int]) -> None:
    """Look at objects that no export told of."""
    await look_again(run, ids)

    async def count(conn: Connection) -> None:
        await store.seen(conn, run.job, ids)
        await jobs.progress(conn, run.job, len(ids))

    await run.commit(count)
