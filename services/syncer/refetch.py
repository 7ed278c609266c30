"""Objects read again by id: what webhooks told only in part, and what a sweep did not find."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import structlog

from services.syncer import metrics, reading
from services.syncer.context import Context, save
from services.syncer.domain.jobs import wait_seconds
from services.syncer.store import objects, refetches
from services.syncer.store.refetches import Group
from shared.background import pause
from shared.errors import Rejected, Unavailable
from shared.postgres import Connection, translated
from shared.shopify.client import ShopClient
from shared.shopify.snapshots import (
    Deletion,
    Fact,
    Kind,
    Owner,
    Refetch,
    Snapshot,
    Source,
)

log = structlog.get_logger()

IDS_PER_QUERY = MappingProxyType(
    {"order": 8, "product": 25, "customer": 50, "inventory_item": 25, "location": 250}
)
# What a wish's reason begins with once a reading came back empty.
GONE = "gone: "
_GROUPS_PER_CLAIM = 16
# Each answer is written on a connection of its own; the cost bucket of a shop paces its queries.
_GROUPS_AT_ONCE = 4
_IDLE_SECONDS = 1.0
_FORBIDDEN_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a reading by id found, and which objects Shopify did not have *at* that time."""

    facts: Sequence[Fact]
    missing: Sequence[int]
    at: datetime


async def run(context: Context, stop: asyncio.Event) -> None:
    """Drain commerce.refetches until *stop*."""
    while True:
        try:
            found = await drain_once(context)
        except Unavailable as exc:
            log.warning("refetches pause", error=str(exc))
            found = 0
        if not await pause(stop, 0 if found else _IDLE_SECONDS):
            return


async def drain_once(context: Context) -> int:
    """Read what is due, in groups of one shop and kind; return how many objects that were."""
    places = asyncio.Semaphore(_GROUPS_AT_ONCE)

    async def answer(group: Group) -> None:
        async with places:
            await _answer(context, group)

    with translated():
        async with context.pool.acquire() as conn, conn.transaction():
            groups = await refetches.claim(conn, limits=IDS_PER_QUERY, groups=_GROUPS_PER_CLAIM)
        await asyncio.gather(*map(answer, groups))
    return sum(len(group.ids) for group in groups)


async def reread(
    context: Context, client: ShopClient, kind: Kind, *, owner: Owner, ids: Sequence[int]
) -> Answer:
    """Read objects by id.

    Raises what the client raises, and Rejected when an object cannot be mapped.
    """
    at = context.clock()
    if kind == "location":
        return Answer(facts=await read_locations(client, owner, "refetch"), missing=(), at=at)
    found: list[Fact] = []
    raws = await reading.by_ids(client, kind, ids)
    for raw in raws.values():
        if raw is not None:
            found += await reading.facts(client, kind, raw, owner=owner, source="refetch")
    missing = [object_id for object_id, raw in raws.items() if raw is None]
    metrics.REFETCHES_TOTAL.labels(kind, "found").inc(len(ids) - len(missing))
    metrics.REFETCHES_TOTAL.labels(kind, "missing").inc(len(missing))
    if kind == "inventory_item":
        found += await _vanished_levels(context, owner, found, at)
    if kind == "order" and missing:
        async with context.pool.acquire() as conn:
            hidden = await objects.hidden_orders(conn, owner, missing)
        missing = [object_id for object_id in missing if object_id not in hidden]
    return Answer(facts=found, missing=missing, at=at)


async def _vanished_levels(
    context: Context, owner: Owner, found: Sequence[Fact], at: datetime
) -> list[Fact]:
    """Return deletions of the levels that we have and that complete items came without."""
    keys = {(fact.kind, fact.key) for fact in found if isinstance(fact, Snapshot)}
    items = [key[0] for kind, key in keys if kind == "inventory_item"]
    async with context.pool.acquire() as conn:
        ours = await objects.level_keys(conn, owner, items)
    return [
        Deletion(owner=owner, kind="inventory_level", key=key, at=at, reason="refetch")
        for key in ours
        if ("inventory_level", key) not in keys
    ]


async def read_locations(client: ShopClient, owner: Owner, source: Source) -> list[Fact]:
    """Read all locations of a shop; there are few."""
    found: list[Fact] = []
    after: str | None = None
    while True:
        page = await reading.page(client, "location", first=50, after=after)
        for raw in page.nodes:
            found += await reading.facts(client, "location", raw, owner=owner, source=source)
        after = page.after
        if after is None:
            return found


class Overtaken(Exception):
    """Another reader, who read later, has answered already; this answer must not replace his."""


async def _answer(context: Context, group: Group) -> None:
    try:
        client = await context.shops.client(group.owner)
        answer = await reread(context, client, group.kind, owner=group.owner, ids=group.ids)
    except (Rejected, Unavailable) as exc:
        await _postpone(context, group, exc)
        return
    with contextlib.suppress(Overtaken):
        await keep(context, group, answer)


async def keep(context: Context, group: Group, answer: Answer) -> None:
    """Write an answer and settle its wishes; raise Overtaken with nothing written.

    What is still wished for is then claimed again when its lease ends.
    """

    async def settle(conn: Connection) -> None:
        # After the rows are locked by the write: whoever answered first has committed by now.
        if await refetches.overtaken(conn, group):
            raise Overtaken
        await refetches.settle(conn, group)

    gone = [_gone(group, object_id, answer.at) for object_id in answer.missing]
    await save(context, [*answer.facts, *gone], also=settle)


def _gone(group: Group, object_id: int, at: datetime) -> Fact:
    """Return a deletion for the second null in a row; the first one only raises the question."""
    first_seen_by = group.reasons[object_id]
    owner, kind, key = group.owner, group.kind, (object_id,)
    if not first_seen_by.startswith(GONE):
        return Refetch(owner=owner, kind=kind, key=key, reason=f"{GONE}refetch")
    reason = first_seen_by.removeprefix(GONE)
    return Deletion(owner=owner, kind=kind, key=key, at=at, reason=reason)


async def _postpone(context: Context, group: Group, exc: Rejected | Unavailable) -> None:
    log.warning("refetch failed", kind=group.kind, ids=len(group.ids), code=exc.code)
    if isinstance(exc, Unavailable):
        seconds = max(exc.retry_after or 0, wait_seconds(group.attempts))
    else:
        seconds = min(_FORBIDDEN_SECONDS, 60 * 2**group.attempts)
    with translated():
        async with context.pool.acquire() as conn:
            await refetches.postpone(conn, group, seconds)
