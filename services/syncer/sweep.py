"""Objects that a full sync did not meet: read by id, and buried when Shopify has them no more."""

from __future__ import annotations

from services.syncer.context import Also, Context, save
from services.syncer.domain.jobs import OBJECT, Job
from services.syncer.refetch import IDS_PER_QUERY, reread
from services.syncer.store import jobs, objects
from shared.postgres import Connection
from shared.shopify.client import ShopClient


async def sweep(context: Context, job: Job, client: ShopClient) -> None:
    """Leave a tombstone, reason ``sweep``, for what vanished without a webhook."""
    kind, last = OBJECT[job.kind], 0
    while True:
        async with context.pool.acquire() as conn:
            ids = await objects.unseen(conn, job, after=last, limit=IDS_PER_QUERY[kind])
        if not ids:
            return
        facts = await reread(context, client, kind, owner=job.owner, ids=ids, reason="sweep")
        await save(context, facts, also=_renewed(job))
        last = ids[-1]


def _renewed(job: Job) -> Also:
    async def renew(conn: Connection) -> None:
        await jobs.renew(conn, job)

    return renew
