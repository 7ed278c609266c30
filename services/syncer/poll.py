"""Incremental sync: what changed since the cursor, which moves only with the rows it speaks of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.syncer import reading
from services.syncer.context import Also, Context, save
from services.syncer.deletions import read_deletions
from services.syncer.domain.jobs import Job
from services.syncer.domain.polls import (
    PAGING_LIMIT,
    Reached,
    Span,
    further,
    further_by_id,
    left,
    rest,
    rest_by_id,
    search,
    since,
    still_changing,
)
from services.syncer.reading import Page
from services.syncer.store import capabilities, jobs, refetches, stalls
from shared.errors import Rejected
from shared.postgres import Connection
from shared.shopify.client import ShopClient
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Fact, Kind, Snapshot, Source

_LEVELS_PER_PAGE = 100
_NEWS = ("inserted", "updated")
# Changes that webhooks tell, unless they have stopped.
_TOLD = frozenset({"orders", "products", "customers", "inventory"})


@dataclass(slots=True, kw_only=True)
class _Poll:
    """One kind of object at one place; *read* takes a search, a page size and a page's cursor.

    *in_order*: pages come sorted by updated_at, so a cursor within them is worth keeping. *news*
    counts the objects that were not as we had them.
    """

    context: Context
    job: Job
    client: ShopClient
    kind: Kind
    first: int
    read: Callable[[str, int, str | None], Awaitable[Page]]
    in_order: bool = False
    id_field: str = "id"
    source: Source = "poll"
    news: int = 0
    withheld: bool = False


@dataclass(slots=True, kw_only=True)
class _Walk:
    """The pages of one search, one after the other; *first* shrinks when a page costs too much.

    *rows* is what the last page held, *seen* what all of them did.
    """

    poll: _Poll
    search: str
    first: int
    reached: Reached
    after: str | None = None
    rows: int = 0
    seen: int = 0
    ended: bool = False

    async def next_page(self, until: datetime) -> list[Fact]:
        """Return the facts of the next page and note how far they reach."""
        page = await self._page()
        await _note_withheld(self.poll, page)
        facts = await _facts(self.poll, page)
        self.rows, self.after, self.ended = len(page.nodes), page.after, page.after is None
        self.seen += self.rows
        marks = [(one.updated_at, one.key[0]) for one in _snapshots(facts, self.poll.kind)]
        if self.poll.in_order:
            self.reached = further(self.reached, marks, until)
        else:
            self.reached = further_by_id(self.reached, marks)
        return facts

    async def _page(self) -> Page:
        while True:
            try:
                return await self.poll.read(self.search, self.first, self.after)
            except Rejected as exc:
                if exc.code != "max_cost_exceeded" or self.first == 1:
                    raise
                self.first //= 2

    def check_end(self) -> None:
        """Raise Rejected ``paging_limit`` when Shopify may have ended before the search did."""
        if self.seen >= PAGING_LIMIT:
            raise Rejected("more objects than Shopify lets us page through", code="paging_limit")


async def poll(context: Context, job: Job) -> None:
    """Bring *job*'s resource up to the present, less a small lag; resumable after every page."""
    client = await context.shops.client(job.owner)
    until = context.clock() - context.lag
    async with context.pool.acquire() as conn:
        cursor, _ = await jobs.cursor(conn, job, job.kind)
        levels = await jobs.level_cursors(conn, job) if job.kind == "inventory" else {}
    if cursor is not None and RESOURCES[job.kind].subject:
        # Before the objects, whose pages move the cursor.
        span = Span(start=since(cursor, context.overlap), end=until)
        await read_deletions(context, job, client, span)
    await _resource(context, job, client, cursor=cursor, until=until)
    for location_id, level_cursor in levels.items():
        span = Span(start=since(level_cursor, context.overlap), end=until)
        await _read_all(_levels(context, job, client, location_id), [span])
        await save(context, (), also=_level_progress(job, location_id, until))
    await save(context, (), also=_done(job, until))


async def read_everything(context: Context, job: Job, client: ShopClient) -> None:
    """Read a whole resource by pages, as a full sync of what no bulk operation carries.

    Like a bulk export it proves of each object that it exists.
    """
    objects = replace(_objects(context, job, client), source="bulk")
    await _walk(objects, "", until=context.clock())


async def _resource(
    context: Context, job: Job, client: ShopClient, *, cursor: datetime | None, until: datetime
) -> None:
    objects, resource = _objects(context, job, client), RESOURCES[job.kind]
    start = since(cursor, context.overlap)
    if resource.polling == "recent":
        asked = "" if start is None else still_changing(resource, until)
        await _walk(objects, asked, until=until)
    elif resource.polling == "newest":
        await _walk(objects, "", until=until, back_to=start)
    else:
        async with context.pool.acquire() as conn:
            place = await jobs.place(conn, job)
        spans = left(*place, until) if place else [Span(start=start, end=until)]
        await _read_all(objects, spans)
        if objects.news and start is not None and job.kind in _TOLD:
            async with context.pool.acquire() as conn:
                await stalls.note_untold(conn, job.owner, job.kind)


async def _walk(
    poll: _Poll,
    asked: str,
    *,
    until: datetime,
    back_to: datetime | None = None,
    above: int | None = None,
) -> None:
    """Read one search to its end, or, newest change first, back to a time.

    What comes in the order of its ids is read by as many searches as it needs.
    """
    begun = asked if above is None else f"{asked} id:>{above}".strip()
    walk = _Walk(poll=poll, search=begun, first=poll.first, reached=Reached(object_id=above))
    while not walk.ended:
        facts = await walk.next_page(until)
        await save(poll.context, facts, also=_progress(poll.job, walk.rows))
        moments = [one.updated_at for one in _snapshots(facts, poll.kind)]
        if back_to is not None and moments and max(moments) < back_to:
            return
        last = walk.reached.object_id
        if walk.seen >= poll.context.search_depth and walk.reached.by_id and not walk.ended:
            await _walk(poll, asked, until=until, back_to=back_to, above=last)
            return
    walk.check_end()


async def _read_all(poll: _Poll, spans: Sequence[Span]) -> None:
    """Read *spans* in as many searches as they need, oldest first."""
    waiting = list(spans)
    while waiting:
        waiting[:1] = await _read_span(poll, waiting[0])


async def _read_span(poll: _Poll, span: Span) -> Sequence[Span]:
    """Read *span*; return what remains of it when one search cannot page through it all."""
    asked = search(span, id_field=poll.id_field)
    begun = Reached(moment=None if span.above is None else span.start, object_id=span.above)
    walk = _Walk(poll=poll, search=asked, first=poll.first, reached=begun)
    while not walk.ended:
        facts = await walk.next_page(span.end)
        progress = _progress(poll.job, walk.rows, walk.reached)
        written = await save(poll.context, facts, also=progress)
        poll.news += sum(written.outcomes.get((poll.kind, one), 0) for one in _NEWS)
        if walk.seen >= poll.context.search_depth and not walk.ended:
            following = (rest if poll.in_order else rest_by_id)(span, walk.reached)
            if following:
                return following
    walk.check_end()
    return ()


async def _note_withheld(poll: _Poll, page: Page) -> None:
    """Say once why columns are null that the shop has filled."""
    if not page.denied or poll.withheld:
        return
    poll.withheld = True
    reason = f"Shopify withholds {', '.join(page.denied)}"
    async with poll.context.pool.acquire() as conn:
        job = poll.job
        await capabilities.note(conn, job.owner, job.kind, state="protected", reason=reason)


async def _facts(poll: _Poll, page: Page) -> list[Fact]:
    owner = poll.job.owner
    return [
        fact
        for raw in page.nodes
        for fact in await reading.facts(
            poll.client, poll.kind, raw, owner=owner, source=poll.source
        )
    ]


def _objects(context: Context, job: Job, client: ShopClient) -> _Poll:
    resource = RESOURCES[job.kind]

    async def read(asked: str, first: int, after: str | None) -> Page:
        return await reading.page(client, resource, first=first, after=after, search=asked)

    return _Poll(
        context=context,
        job=job,
        client=client,
        kind=resource.kind,
        first=resource.page,
        read=read,
        in_order=resource.polling == "sorted",
    )


def _levels(context: Context, job: Job, client: ShopClient, location_id: int) -> _Poll:
    async def read(asked: str, first: int, after: str | None) -> Page:
        return await reading.levels_page(
            client, location_id, first=first, after=after, search=asked
        )

    return _Poll(
        context=context,
        job=job,
        client=client,
        kind="inventory_level",
        first=_LEVELS_PER_PAGE,
        read=read,
        id_field="inventory_item_id",
    )


def _snapshots(facts: Sequence[Fact], kind: Kind) -> list[Snapshot]:
    return [fact for fact in facts if isinstance(fact, Snapshot) and fact.kind == kind]


def _progress(job: Job, rows: int, reached: Reached | None = None) -> Also:
    async def progress(conn: Connection) -> None:
        await jobs.progress(conn, job, rows, forgives=False)
        if reached is not None and reached.moment is not None:
            at, object_id = reached.moment, reached.object_id
            await jobs.remember_place(conn, job, at, object_id or 0)
            await jobs.move_cursor(conn, job, job.kind, to=at, object_id=object_id)

    return progress


def _done(job: Job, until: datetime) -> Also:
    async def done(conn: Connection) -> None:
        await jobs.renew(conn, job)
        await jobs.move_cursor(conn, job, job.kind, to=until)
        if job.kind == "orders":
            await refetches.ask_for_pending(conn, job.owner)

    return done


def _level_progress(job: Job, location_id: int, until: datetime) -> Also:
    async def progress(conn: Connection) -> None:
        await jobs.renew(conn, job)
        await jobs.move_level_cursor(conn, job, location_id, to=until)

    return progress
