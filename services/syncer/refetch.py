"""Objects read again by id: what webhooks told only in part, and what a sweep did not find."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import MappingProxyType

import structlog

from services.syncer import metrics, reading
from services.syncer.context import Context, save
from services.syncer.domain.jobs import wait_seconds
from services.syncer.store import refetches
from services.syncer.store.refetches import Group
from shared.background import pause
from shared.errors import Rejected, Unavailable
from shared.postgres import Connection, translated
from shared.shopify.client import ShopClient
from shared.shopify.snapshots import Deletion, Fact, Kind, Owner, Source

log = structlog.get_logger()

IDS_PER_QUERY = MappingProxyType(
    {"order": 8, "product": 25, "customer": 50, "inventory_item": 25, "location": 250}
)
_GROUPS_AT_ONCE = 4
_IDLE_SECONDS = 1.0
_FORBIDDEN_SECONDS = 3600.0


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
    with translated():
        async with context.pool.acquire() as conn, conn.transaction():
            groups = await refetches.claim(conn, limits=IDS_PER_QUERY, groups=_GROUPS_AT_ONCE)
        await asyncio.gather(*(_answer(context, group) for group in groups))
    return sum(len(group.ids) for group in groups)


async def reread(
    context: Context,
    client: ShopClient,
    kind: Kind,
    *,
    owner: Owner,
    ids: Sequence[int],
    reason: str,
) -> list[Fact]:
    """Read objects by id; one that Shopify no longer has becomes a Deletion with *reason*.

    Raises what the client raises, and Rejected when an object cannot be mapped.
    """
    if kind == "location":
        return await read_locations(client, owner, "refetch")
    found: list[Fact] = []
    raws = await reading.by_ids(client, kind, ids)
    for object_id, raw in raws.items():
        if raw is None:
            gone = Deletion(
                owner=owner, kind=kind, key=(object_id,), at=context.clock(), reason=reason
            )
            found.append(gone)
        else:
            found += await reading.facts(client, kind, raw, owner=owner, source="refetch")
        metrics.REFETCHES_TOTAL.labels(kind, "gone" if raw is None else "found").inc()
    return found


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


async def _answer(context: Context, group: Group) -> None:
    try:
        client = await context.shops.client(group.owner)
        facts = await reread(
            context, client, group.kind, owner=group.owner, ids=group.ids, reason="refetch"
        )
    except (Rejected, Unavailable) as exc:
        await _postpone(context, group, exc)
        return

    async def settle(conn: Connection) -> None:
        await refetches.settle(conn, group)

    await save(context, facts, also=settle)


async def _postpone(context: Context, group: Group, exc: Rejected | Unavailable) -> None:
    log.warning("refetch failed", kind=group.kind, ids=len(group.ids), code=exc.code)
    if isinstance(exc, Unavailable):
        seconds = max(exc.retry_after or 0, wait_seconds(group.attempts))
    else:
        seconds = min(_FORBIDDEN_SECONDS, 60 * 2**group.attempts)
    with translated():
        async with context.pool.acquire() as conn:
            await refetches.postpone(conn, group, seconds)
