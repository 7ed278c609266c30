"""Objects that a full sync did not meet: read by id, and again later when Shopify lacks them."""

from __future__ import annotations

from services.syncer.context import Also, Context, save
from services.syncer.domain.jobs import Job
from services.syncer.refetch import GONE, reread
from services.syncer.store import jobs, objects, refetches
from shared.postgres import Connection
from shared.shopify.client import ShopClient
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Refetch


async def sweep(context: Context, job: Job, client: ShopClient) -> None:
    """Ask once more for what vanished without a webhook; a second null buries it as ``sweep``."""
    resource, last = RESOURCES[job.kind], 0
    while True:
        async with context.pool.acquire() as conn:
            ids = await objects.unseen(conn, job, after=last, limit=resource.ids)
        if not ids:
            break
        answer = await reread(context, client, resource.kind, owner=job.owner, ids=ids)
        doubts = [
            Refetch(owner=job.owner, kind=resource.kind, key=(one,), reason=f"{GONE}sweep")
            for one in answer.missing
        ]
        await save(context, [*answer.facts, *doubts], also=_renewed(job))
        last = ids[-1]
    if resource.kind == "collection":
        async with context.pool.acquire() as conn:
            await refetches.ask_for_ruled(conn, job.owner)


def _renewed(job: Job) -> Also:
    async def renew(conn: Connection) -> None:
        await jobs.renew(conn, job)

    return renew
