"""Objects read again by id until two readings agree how they differ, and mended when asked to."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from services.syncer.context import Also, Context, save
from services.syncer.deletions import deleted_within
from services.syncer.domain.jobs import Job
from services.syncer.domain.polls import Span
from services.syncer.domain.verify import Difference, judged
from services.syncer.reading import unreadable
from services.syncer.refetch import Answer, reread
from services.syncer.store import jobs
from services.syncer.store import verify as store
from services.syncer.store.verify import Begun
from shared.errors import Rejected
from shared.postgres import Connection, translated
from shared.shopify.client import ShopClient
from shared.shopify.resources import BY_KIND, Resource
from shared.shopify.snapshots import Deletion, Fact, Refetch, Snapshot

log = structlog.get_logger()

# A deletion webhook that is on its way when we find the object missing.
GRACE_SECONDS = 60.0
_READINGS = 5
# What Shopify says of one object that cannot be read, however few are asked for with it.
_UNREADABLE = frozenset({"max_cost_exceeded", "protected_customer_data"})
# Kinds that Shopify deletes with their order, and tells of it as of the order's deletion.
_OF_ORDERS = frozenset({"order_details", "fulfillment_order"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One verification at work."""

    context: Context
    job: Job
    client: ShopClient
    resource: Resource
    begun: Begun

    async def commit(self, within: Also) -> None:
        """Do *within* in a transaction, unless the lease went to somebody else."""
        with translated():
            async with self.context.pool.acquire() as conn, conn.transaction():
                await jobs.renew(conn, self.job)
                await within(conn)


async def look_again(run: Run, ids: Iterable[int]) -> None:
    """Read *ids* until two readings agree on how each differs; keep and repair what does."""
    waiting = sorted(set(ids))
    before: dict[int, Difference] = {}
    for _ in range(_READINGS):
        now: dict[int, Difference] = {}
        for start in range(0, len(waiting), run.resource.ids):
            part = waiting[start : start + run.resource.ids]
            reading, found = await _judged(run, part)
            sure = [one for one in found if before.get(one.object_id) == one]
            now |= {one.object_id: one for one in found if one not in sure}
            await _keep(run, reading, sure)
        waiting, before = sorted(now), now
        if not waiting:
            return
    log.info("objects change while they are compared", resource=run.job.kind, ids=len(waiting))


async def _judged(run: Run, ids: Sequence[int]) -> tuple[Answer, list[Difference]]:
    kind, owner = run.resource.kind, run.job.owner
    answer = await _read(run, ids)
    told = [one for one in answer.facts if isinstance(one, Snapshot)]
    unreadable = {one.key[0] for one in answer.facts if isinstance(one, Refetch)}
    # What is neither told nor missing, Shopify hides from us.
    known = {one.key[0] for one in told} | set(answer.missing)
    not_shown = sorted(set(ids) - {one.key[0] for one in told} - unreadable)
    found: list[Difference] = [Difference(object_id=i, what="unreadable") for i in unreadable]

    async def compare(conn: Connection) -> None:
        await store.seen(conn, run.job, not_shown, absent=True)
        await store.stage(conn, kind, told)
        unlike = await store.unlike(conn, kind, owner=owner)
        suspects = (unlike | set(answer.missing)) & known
        both = await store.sides(conn, kind, owner=owner, ids=suspects)
        for object_id, (ours, theirs) in both.items():
            verdict = judged(object_id, ours, theirs, settled_until=run.begun.settled_until)
            if verdict is not None:
                found.append(verdict)

    await run.commit(compare)
    return answer, found


async def _read(run: Run, ids: Sequence[int]) -> Answer:
    """Read *ids*; objects of which none can be read are unreadable, not the whole resource."""
    kind, owner = run.resource.kind, run.job.owner
    try:
        return await reread(run.context, run.client, kind, owner=owner, ids=ids)
    except Rejected as exc:
        if exc.code not in _UNREADABLE:
            raise
        facts = [unreadable(kind, one, exc, owner=owner) for one in ids]
        return Answer(facts=facts, missing=(), at=run.context.clock())


async def _keep(run: Run, answer: Answer, found: Sequence[Difference]) -> None:
    """Record differences, and write what Shopify answered when asked to repair.

    What Shopify lacks is not deleted here yet: one null is no proof.
    """
    if not found:
        return
    await run.commit(lambda conn: store.record(conn, run.job, found))
    ids = {one.object_id for one in found if one.what not in ("missing_there", "unreadable")}
    if run.begun.repair and ids:
        await _repair(run, [one for one in answer.facts if _concerns(one, ids)])


def _concerns(fact: Fact, ids: Collection[int]) -> bool:
    return isinstance(fact, Snapshot | Deletion) and fact.key[0] in ids


async def _repair(run: Run, facts: Sequence[Fact]) -> None:
    """Write *facts*, then compare: repaired is what is the same now."""
    kind, owner = run.resource.kind, run.job.owner
    told = [one for one in facts if isinstance(one, Snapshot)]

    async def give_way(conn: Connection) -> None:
        await jobs.renew(conn, run.job)
        await store.give_way(conn, kind, told, owner=owner)

    await save(run.context, facts, before=give_way)

    async def check(conn: Connection) -> None:
        await store.stage(conn, kind, told)
        written = {one.key[0] for one in told if one.kind == kind}
        await store.repaired(conn, run.job, written - await store.unlike(conn, kind, owner=owner))

    await run.commit(check)


async def confirm_absent(run: Run) -> None:
    """Ask again, after a while, for what Shopify answered with null; the second null counts."""
    async with run.context.pool.acquire() as conn:
        absent, age = await store.absent(conn, run.job)
    if absent and age < GRACE_SECONDS:
        await asyncio.sleep(GRACE_SECONDS - age)
    for start in range(0, len(absent), run.resource.ids):
        ids = absent[start : start + run.resource.ids]
        answer, found = await _judged(run, ids)
        still = [one for one in found if one.what == "missing_there"]
        await _bury(run, still, found_not=set(ids) - {one.object_id for one in still}, at=answer.at)


async def _bury(
    run: Run, absent: Sequence[Difference], *, found_not: Collection[int], at: datetime
) -> None:
    """Forget the differences *found_not*; delete what is *absent* here when asked to repair."""
    kind, repair = run.resource.kind, run.begun.repair
    ids = [one.object_id for one in absent]
    lately = await _deleted_lately(run, ids)
    gone = [
        Deletion(owner=run.job.owner, kind=kind, key=(one,), at=at, reason="verify") for one in ids
    ]

    async def settle(conn: Connection) -> None:
        await jobs.renew(conn, run.job)
        await store.withdraw(conn, run.job, found_not)
        pending = [replace(one, what="pending") for one in absent if one.object_id in lately]
        await store.record(conn, run.job, pending)
        if repair:
            await store.repaired(conn, run.job, ids)

    await save(run.context, gone if repair else (), also=settle)


async def _deleted_lately(run: Run, ids: Sequence[int]) -> set[int]:
    """Return which of *ids* Shopify deleted after what the polls had read: they are to tell it."""
    kind = run.resource.kind
    subject = BY_KIND["order"].subject if kind in _OF_ORDERS else run.resource.subject
    if not ids or not subject:
        return set()
    span = Span(start=run.begun.settled_until, end=run.context.clock())
    gone = await deleted_within(run.client, subject, span)
    async with run.context.pool.acquire() as conn:
        subjects = await store.subjects(conn, kind, ids, owner=run.job.owner)
    return {object_id for object_id in ids if subjects.get(object_id) in gone}
