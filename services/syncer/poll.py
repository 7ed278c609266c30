"""Incremental sync: what changed since the cursor, by updated_at, moved only after the commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.syncer import reading
from services.syncer.context import Also, Context, save
from services.syncer.domain.jobs import OBJECT, Job
from services.syncer.domain.polls import (
    PAGE_SIZES,
    PAGING_LIMIT,
    SORTED,
    Span,
    place,
    rest,
    since,
    updated_between,
)
from services.syncer.reading import Page
from services.syncer.store import jobs
from shared.errors import Rejected
from shared.postgres import Connection
from shared.shopify.client import ShopClient
from shared.shopify.snapshots import Fact, Kind, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class _Poll:
    """One kind of object at one place; *read* takes a search, a page size and a page's cursor."""

    context: Context
    job: Job
    client: ShopClient
    kind: Kind
    read: Callable[[str, int, str | None], Awaitable[Page]]


async def poll(context: Context, job: Job) -> None:
    """Bring *job*'s kind up to the present, less a small lag; resumable after every page."""
    client = await context.shops.client(job.owner)
    until = context.clock() - context.lag
    async with context.pool.acquire() as conn:
        cursor, _ = await jobs.cursor(conn, job, job.kind)
        levels = await jobs.level_cursors(conn, job) if job.kind == "inventory" else {}
    span = Span(start=since(cursor, context.overlap), end=until)
    await _read_all(_objects(context, job, client), span)
    for location_id, level_cursor in levels.items():
        span = Span(start=since(level_cursor, context.overlap), end=until)
        await _read_all(_levels(context, job, client, location_id), span)
        await save(context, (), also=_level_progress(job, location_id, until))
    await save(context, (), also=_progress(job, 0, until))


async def _read_all(poll: _Poll, span: Span) -> None:
    """Read *span* in as many searches as it needs, oldest first."""
    spans = [span]
    while spans:
        following = await _read_span(poll, spans[0])
        spans = [*following, *spans[1:]]


async def _read_span(poll: _Poll, span: Span) -> Sequence[Span]:
    """Read *span*; return what remains of it when one search cannot page through it all.

    Raises Rejected ``paging_limit`` when Shopify may have ended before the span did.
    """
    first, after, seen = PAGE_SIZES[poll.kind], None, 0
    reached: datetime | None = None
    while True:
        page, first = await _page(poll, span, first=first, after=after)
        facts = await _facts(poll, page)
        seen, after = seen + len(page.nodes), page.after
        if poll.kind in SORTED:
            reached = place(_moments(facts, poll.kind), span.end) or reached
        await save(poll.context, facts, also=_progress(poll.job, len(page.nodes), reached))
        if after is None and seen >= PAGING_LIMIT:
            raise Rejected("more objects than Shopify lets us page through", code="paging_limit")
        if after is None:
            return ()
        if seen >= poll.context.search_depth and (following := rest(span, reached, kind=poll.kind)):
            return following


async def _page(poll: _Poll, span: Span, *, first: int, after: str | None) -> tuple[Page, int]:
    """Return a page and the page size that Shopify did not find too expensive."""
    search = updated_between(span.start, span.end)
    while True:
        try:
            return await poll.read(search, first, after), first
        except Rejected as exc:
            if exc.code != "max_cost_exceeded" or first == 1:
                raise
            first //= 2


async def _facts(poll: _Poll, page: Page) -> list[Fact]:
    owner = poll.job.owner
    return [
        fact
        for raw in page.nodes
        for fact in await reading.facts(poll.client, poll.kind, raw, owner=owner, source="poll")
    ]


def _objects(context: Context, job: Job, client: ShopClient) -> _Poll:
    kind = OBJECT[job.kind]

    async def read(search: str, first: int, after: str | None) -> Page:
        return await reading.page(client, kind, first=first, after=after, search=search)

    return _Poll(context=context, job=job, client=client, kind=kind, read=read)


def _levels(context: Context, job: Job, client: ShopClient, location_id: int) -> _Poll:
    async def read(search: str, first: int, after: str | None) -> Page:
        return await reading.levels_page(
            client, location_id, first=first, after=after, search=search
        )

    return _Poll(context=context, job=job, client=client, kind="inventory_level", read=read)


def _moments(facts: Sequence[Fact], kind: Kind) -> list[datetime]:
    return [f.updated_at for f in facts if isinstance(f, Snapshot) and f.kind == kind]


def _progress(job: Job, rows: int, moment: datetime | None) -> Also:
    async def progress(conn: Connection) -> None:
        await jobs.progress(conn, job, rows)
        if moment is not None:
            await jobs.move_cursor(conn, job, job.kind, to=moment)

    return progress


def _level_progress(job: Job, location_id: int, until: datetime) -> Also:
    async def progress(conn: Connection) -> None:
        await jobs.renew(conn, job)
        await jobs.move_level_cursor(conn, job, location_id, to=until)

    return progress
