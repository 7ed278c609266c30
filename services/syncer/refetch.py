"""Objects read again by id: what webhooks told only in part, and what a sweep did not find."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
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
from shared.errors import Rejected, Unavailable
from shared.postgres import PASSING, Connection, translated
from shared.shopify.client import ShopClient
from shared.shopify.resources import BY_KIND
from shared.shopify.snapshots import (
    Deletion,
    Fact,
    Kind,
    Owner,
    Refetch,
    Snapshot,
)

log = structlog.get_logger()

IDS_PER_QUERY: MappingProxyType[str, int] = MappingProxyType(
    {kind: resource.ids for kind, resource in BY_KIND.items()} | {"location": 50}
)
# What a wish's reason begins with once a reading came back empty.
GONE = "gone: "
# Most of them wait for their shop's points; who writes takes a connection of the pool for moments.
_GROUPS_AT_ONCE = 16
_IDLE_SECONDS = 1.0
# A claim lasts a minute; where points are few, a reading takes longer.
_HOLD_SECONDS = 20.0
_FORBIDDEN_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a reading by id found, and which objects Shopify did not have *at* that time."""

    facts: Sequence[Fact]
    missing: Sequence[int]
    at: datetime


class _Readers:
    """The groups that this process is reading; each has a task until it is answered.

    No group waits for another, so a shop whose points are spent keeps up nobody else.
    """

    def __init__(self, context: Context, tasks: asyncio.TaskGroup) -> None:
        self._context = context
        self._tasks = tasks
        self._running: dict[asyncio.Task[None], Group] = {}
        self._held_at = time.monotonic()

    async def take(self) -> int:
        """Begin what is due, as far as there is room; return how many objects that are."""
        with translated():
            async with self._context.pool.acquire() as conn:
                await self._hold(conn)
                async with conn.transaction():
                    groups = await refetches.claim(
                        conn,
                        limits=IDS_PER_QUERY,
                        groups=_GROUPS_AT_ONCE - len(self._running),
                        busy=self._busy(),
                    )
        for group in groups:
            task = self._tasks.create_task(_answer(self._context, group))
            task.add_done_callback(self._running.pop)
            self._running[task] = group
        return sum(len(group.ids) for group in groups)

    async def rest(self, stop: asyncio.Event) -> None:
        """Wait until somebody is done, for a second at most."""
        stopped = asyncio.ensure_future(stop.wait())
        waited = [stopped, *self._running]
        await asyncio.wait(waited, timeout=_IDLE_SECONDS, return_when="FIRST_COMPLETED")
        stopped.cancel()

    def _busy(self) -> dict[int, int]:
        resting = dict.fromkeys(self._context.shops.resting(), refetches.OF_A_SHOP)
        return {**Counter(group.owner.shop_id for group in self._running.values()), **resting}

    async def _hold(self, conn: Connection) -> None:
        if time.monotonic() - self._held_at < _HOLD_SECONDS:
            return
        self._held_at = time.monotonic()
        for group in list(self._running.values()):
            await refetches.hold(conn, group)


async def run(context: Context, stop: asyncio.Event) -> None:
    """Drain commerce.refetches until *stop*."""
    async with asyncio.TaskGroup() as tasks:
        readers = _Readers(context, tasks)
        while not stop.is_set():
            try:
                await readers.take()
            except Unavailable as exc:
                log.warning("refetches pause", error=str(exc))
            await readers.rest(stop)


async def drain_once(context: Context) -> int:
    """Read what is due, in groups of one shop and kind; return how many objects that were."""
    async with asyncio.TaskGroup() as tasks:
        return await _Readers(context, tasks).take()


async def reread(
    context: Context, client: ShopClient, kind: Kind, *, owner: Owner, ids: Sequence[int]
) -> Answer:
    """Read objects by id; what cannot be read, although its neighbours can, is wished for again.

    Raises what the client raises, and the refusal when none of the objects can be read.
    """
    at = context.clock()
    raws = await reading.by_ids(client, kind, ids)
    refused = {one: why for one, why in raws.items() if isinstance(why, Rejected)}
    if len(refused) == len(raws):
        raise refused[ids[0]]
    found: list[Fact] = [
        reading.unreadable(kind, one, why, owner=owner) for one, why in refused.items()
    ]
    for raw in raws.values():
        if isinstance(raw, bytes):
            found += await reading.facts(client, kind, raw, owner=owner, source="refetch")
    missing = [object_id for object_id, raw in raws.items() if raw is None]
    metrics.REFETCHES_TOTAL.labels(kind, "found").inc(len(ids) - len(missing))
    metrics.REFETCHES_TOTAL.labels(kind, "missing").inc(len(missing))
    if kind == "inventory_item":
        found += await _vanished_levels(context, owner, found, at)
    if missing:
        async with context.pool.acquire() as conn:
            hidden = await objects.hidden(conn, kind, owner, missing)
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


class Overtaken(Exception):
    """Another reader, who read later, has answered already; this answer must not replace his."""


async def _answer(context: Context, group: Group) -> None:
    """Read and write a group; whatever is wrong with it, the others go on."""
    try:
        with translated():
            await _read_and_keep(context, group)
    except Unavailable as exc:
        # Its lease ends by itself.
        log.warning("refetch left to its lease", kind=group.kind, error=str(exc))


async def _read_and_keep(context: Context, group: Group) -> None:
    # As a value: whatever is wrong with one object, the others of the group are read.
    (error,) = await asyncio.gather(_read_once(context, group), return_exceptions=True)
    if isinstance(error, Rejected | Unavailable):
        await _postpone(context, group, error)
    elif isinstance(error, Exception) and not isinstance(error, PASSING):
        await _split(context, group, error)
    elif error is not None:
        raise error


async def _read_once(context: Context, group: Group) -> None:
    client = await context.shops.client(group.owner)
    answer = await reread(context, client, group.kind, owner=group.owner, ids=group.ids)
    with contextlib.suppress(Overtaken):
        await keep(context, group, answer)


async def _split(context: Context, group: Group, error: Exception) -> None:
    """Find the object that hits a bug, or whose values the database refuses, and bury it."""
    log.error("refetch hit a bug", kind=group.kind, ids=len(group.ids), exc_info=error)
    if len(group.ids) > 1:
        for half in group.halves():
            await _read_and_keep(context, half)
        return
    why = Rejected("it cannot be written", code=type(error).__name__)
    await save(context, [reading.unreadable(group.kind, group.ids[0], why, owner=group.owner)])


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
        # What was not even asked for says nothing of these objects.
        own = 0 if exc.code == "circuit_open" else wait_seconds(group.attempts)
        seconds = max(exc.retry_after or 0, own)
    else:
        seconds = min(_FORBIDDEN_SECONDS, 60 * 2**group.attempts)
    with translated():
        async with context.pool.acquire() as conn:
            await refetches.postpone(conn, group, seconds)
