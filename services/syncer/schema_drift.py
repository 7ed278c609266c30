"""Unknown versions, words and fields: noticed while rows are written, reported beside it.

Nothing here may stop a row: looking is cheap and raises nothing, saving happens in its own time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import islice

import structlog

from services.syncer import metrics
from services.syncer.domain.batches import Batch
from services.syncer.store import schema_drift as store
from shared.background import pause
from shared.deliveries import Delivery
from shared.errors import Unavailable
from shared.postgres import Pool, translated
from shared.shopify.schema_drift import Sightings
from shared.shopify.snapshots import Owner
from shared.tables import TABLES

log = structlog.get_logger()

# What this process saw and has not yet saved.
SEEN = Sightings()

_SECONDS = 30.0
# So many objects of a bulk batch speak for the rest.
_LOOKED_AT = 50


def look_at_batches(batches: Iterable[Batch]) -> None:
    """Look for unknown words in what is about to be written."""
    for batch in batches:
        table, children = TABLES[batch.kind]
        some = list(islice(batch.snapshots.values(), _LOOKED_AT if batch.is_bulk else None))
        SEEN.look_at_rows(table, (one.row for one in some))
        for child in children:
            SEEN.look_at_rows(child, (row for one in some for row in one.children.get(child, ())))
        for child, added in batch.added.items():
            SEEN.look_at_rows(child, added.values())


def look_at_delivery(delivery: Delivery) -> None:
    """Look for unknown fields in some of the webhooks' bodies."""
    owner = Owner(tenant_id=delivery.tenant_id, shop_id=delivery.shop_id)
    SEEN.look_at_body(owner, delivery.topic, delivery.body)


def other_version(owner: Owner, served: str) -> None:
    """Shopify answered by another API version than the one asked for."""
    SEEN.note(owner, "version", f"answered by {served}", served)


async def run(pool: Pool, stop: asyncio.Event, *, every_seconds: float = _SECONDS) -> None:
    """Save what was seen now and then, and once more at the end."""
    going_on = True
    while going_on:
        going_on = await pause(stop, every_seconds)
        try:
            await report(pool)
        except Unavailable as exc:
            log.warning("schema drift not saved", error=str(exc))


async def report(pool: Pool) -> None:
    """Log, count and save what was seen since; what cannot be saved is only logged."""
    seen = SEEN.taken()
    for (owner, kind, what), sighting in seen.items():
        metrics.SCHEMA_DRIFT_TOTAL.labels(kind).inc(sighting.count)
        log.warning("schema drift", kind=kind, what=what, shop_id=owner.shop_id)
    if seen:
        with translated():
            async with pool.acquire() as conn:
                await store.save(conn, seen)
