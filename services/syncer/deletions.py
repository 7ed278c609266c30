"""Deletions as Shopify's event log tells them: for what a lost webhook did not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec
import structlog

from services.syncer.context import Also, Context, save
from services.syncer.domain.jobs import Job
from services.syncer.domain.polls import Span, happened_between
from services.syncer.store import jobs
from shared.errors import Rejected, Unauthorized
from shared.postgres import Connection
from shared.shopify.client import ShopClient
from shared.shopify.documents import document
from shared.shopify.paging import ConnectionPage
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Deletion

log = structlog.get_logger()

_PER_PAGE = 100


class _Event(msgspec.Struct, rename="camel"):
    created_at: datetime
    action: str = ""
    subject_id: str = ""
    subject_type: str = ""


class _Events(msgspec.Struct):
    events: ConnectionPage[_Event]


async def read_deletions(context: Context, job: Job, client: ShopClient, span: Span) -> None:
    """Bury what was deleted within *span*; an app that may not read events goes without."""
    async for events in _destroyed(client, RESOURCES[job.kind].subject, span):
        await save(context, [_deletion(event, job) for event in events], also=_renewed(job))


async def deleted_within(client: ShopClient, subject: str, span: Span) -> set[int]:
    """Return ids of the objects that Shopify says it deleted within *span*."""
    return {_id_of(event) async for events in _destroyed(client, subject, span) for event in events}


async def _destroyed(
    client: ShopClient, subject: str, span: Span
) -> AsyncIterator[Sequence[_Event]]:
    """Give the deletions of *subject* page by page; none to an app that may not read events.

    Shopify keeps events for a year. A search term that it ignores finds other events, so each is
    looked at again here.
    """
    search = f"action:destroy subject_type:{subject} {happened_between(span)}"
    after: str | None = None
    while True:
        try:
            body = await client.execute(
                document("events_page"), {"first": _PER_PAGE, "after": after, "query": search}
            )
        except Unauthorized:
            raise
        except Rejected as exc:
            log.warning("events cannot be read", subject=subject, error=str(exc))
            return
        page = msgspec.json.decode(body, type=_Events).events
        nodes = [edge.node for edge in page.edges]
        yield [one for one in nodes if (one.action, one.subject_type) == ("destroy", subject)]
        if not page.page_info.has_next_page:
            return
        after = page.page_info.end_cursor


def _id_of(event: _Event) -> int:
    return int(event.subject_id.rpartition("/")[2])


def _deletion(event: _Event, job: Job) -> Deletion:
    kind, key = RESOURCES[job.kind].kind, (_id_of(event),)
    return Deletion(owner=job.owner, kind=kind, key=key, at=event.created_at, reason="events")


def _renewed(job: Job) -> Also:
    async def renew(conn: Connection) -> None:
        await jobs.renew(conn, job)

    return renew
