"""Objects that a full sync did not meet: read by id, and again later when Shopify lacks them."""

from __future__ import annotations

from services.syncer.context import Also, Context, save
from services.syncer.domain.jobs import OBJECT, Job
from services.syncer.refetch import GONE, IDS_PER_QUERY, reread
from services.syncer.store import jobs, objects
from shared.postgres import Connection
from shared.shopify.client import ShopClient
from shared.shopify.snapshots import Refetch


async def sweep(context: Context, job: Job, client: ShopClient) -> None:
    """Ask once more for what vanished without a webhook; a second null buries it as ``sweep``."""
    kind, last = OBJECT[job.kind], 0
    while True:
        async with context.pool.acquire() as conn:
            ids = await objects.unseen(conn, job, after=last, limit=IDS_PER_QUERY[kind])
        if not ids:
            return
        answer = await reread(context, client, kind, owner=job.owner, ids=ids)
        doubts = [
            Refetch(owner=job.owner, kind=kind, key=(one,), reason=f"{GONE}sweep")
            for one in answer.missing
        ]
        await save(context, [*answer.facts, *doubts], also=_renewed(job))
        last = ids[-1]


def _renewed(job: Job) -> Also:
    async def renew(conn: Connection) -> None:
        await jobs.renew(conn, job)

    return renew
