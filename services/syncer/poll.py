"""Incremental sync: what changed since the cursor, by updated_at, moved only after the commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from services.syncer import reading
from services.syncer.context import Also, Context, save
from services.syncer.domain.jobs import OBJECT, Job
from services.syncer.domain.polls import PAGE_SIZES, SORTED, since, updated_between
from services.syncer.reading import Page
from services.syncer.store import jobs, objects
from shared.errors import Rejected
from shared.postgres import Connection
from shared.shopify.client import ShopClient
from shared.shopify.snapshots import Fact, Kind, Snapshot

ReadPage = Callable[[int, str | None], Awaitable[Page]]


async def poll(context: Context, job: Job) -> None:
    """Bring *job*'s kind up to the present, less a small lag; resumable after every page."""
    client = await context.shops.client(job.owner)
    until = context.clock() - context.lag
    async with context.pool.acquire() as conn:
        cursor, _ = await jobs.cursor(conn, job, job.kind)
        locations = await objects.location_ids(conn, job.owner)
    search = updated_between(since(cursor, context.overlap), until)
    kind = OBJECT[job.kind]
    await _poll_pages(context, job, kind, client=client, read=_pages(client, kind, search))
    if job.kind == "inventory":
        for location in locations:
            read = _level_pages(client, location, search)
            await _poll_pages(context, job, "inventory_level", client=client, read=read)
    await save(context, (), also=_progress(job, 0, until, None))


async def _poll_pages(
    context: Context, job: Job, kind: Kind, *, client: ShopClient, read: ReadPage
) -> None:
    first, after = PAGE_SIZES[kind], None
    while True:
        try:
            page = await read(first, after)
        except Rejected as exc:
            if exc.code != "max_cost_exceeded" or first == 1:
                raise
            first //= 2
            continue
        facts = [
            fact
            for raw in page.nodes
            for fact in await reading.facts(client, kind, raw, owner=job.owner, source="poll")
        ]
        moment, object_id = _last(facts) if kind in SORTED else (None, None)
        await save(context, facts, also=_progress(job, len(page.nodes), moment, object_id))
        after = page.after
        if after is None:
            return


def _pages(client: ShopClient, kind: Kind, search: str) -> ReadPage:
    async def read(first: int, after: str | None) -> Page:
        return await reading.page(client, kind, first=first, after=after, search=search)

    return read


def _level_pages(client: ShopClient, location_id: int, search: str) -> ReadPage:
    async def read(first: int, after: str | None) -> Page:
        return await reading.levels_page(
            client, location_id, first=first, after=after, search=search
        )

    return read


def _last(facts: list[Fact]) -> tuple[datetime | None, int | None]:
    seen = [(fact.updated_at, fact.key[0]) for fact in facts if isinstance(fact, Snapshot)]
    return max(seen, default=(None, None))


def _progress(job: Job, rows: int, moment: datetime | None, object_id: int | None) -> Also:
    async def progress(conn: Connection) -> None:
        await jobs.progress(conn, job, rows)
        if moment is not None:
            await jobs.move_cursor(conn, job, job.kind, to=moment, object_id=object_id)

    return progress
