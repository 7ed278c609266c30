"""A backfill as most connectors do it: months one after the other, one bulk operation at a time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec

from bench.backfilling.shop import MONTHS, START
from services.syncer.context import Context, save
from services.syncer.domain import operations as decide
from shared.shopify.bulk import BulkAssembler
from shared.shopify.client import ShopClient
from shared.shopify.documents import bulk_document, document
from shared.shopify.snapshots import Owner

_MONTH = timedelta(days=30)
_POLL_SECONDS = 0.5


async def backfill(context: Context, owner: Owner) -> None:
    """Copy the orders of the bench's shop by 30-day windows, with our own mapping and writer."""
    client = await context.shops.client(owner)
    for month in range(MONTHS + 1):
        start = START + month * _MONTH
        search = f"created_at:>='{start:%FT%TZ}' AND created_at:<'{start + _MONTH:%FT%TZ}'"
        await _month(context, client, owner, search)


async def _month(context: Context, client: ShopClient, owner: Owner, search: str) -> None:
    query = bulk_document("orders", search)
    begun = decide.started(await client.execute(document("bulk_run"), {"query": query}))
    assert begun is not None
    while True:
        answer = await client.execute(document("bulk_operation"), {"id": begun.id})
        operation = msgspec.convert(decide.state_of(answer), decide.Operation)
        if operation.status == "COMPLETED":
            break
        await asyncio.sleep(_POLL_SECONDS)
    assembler = BulkAssembler("order", owner)
    async for chunk in client.download(operation.url or ""):
        assembler.feed(chunk)
    found = list(assembler.finish())
    for start in range(0, len(found), decide.MOST_PER_TRANSACTION):
        await save(context, found[start : start + decide.MOST_PER_TRANSACTION])
