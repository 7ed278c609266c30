"""More objects of one second than a search can page through: polls get on, and lose nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from services.syncer.context import Context
from services.syncer.handlers import jobs as handler
from services.syncer.store import jobs
from tests.integration.syncer.shopify import (
    Simulator,
    ask_for,
    connect_store,
    new_keys,
    shops_of,
    simulating,
)
from tests.integration.syncer.test_deliveries import RecordingBus

CROWD = 10_000


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    arguments = ("--orders", "0", "--products", "40", "--customers", "10", "--plan", "plus")
    async with simulating(*arguments) as running:
        yield running


@pytest.fixture
async def owner(db, simulator):
    keys = new_keys()
    return await connect_store(db, await simulator.token(), keys), keys


@pytest.fixture
def context(pool, simulator, owner) -> Context:
    return Context(
        pool=pool,
        bus=RecordingBus(),
        shops=shops_of(pool, simulator, owner[1]),
        lag=timedelta(seconds=-5),
        search_depth=2500,  # as if Shopify ended every search soon after
    )


async def claimed(context: Context):
    async with context.pool.acquire() as conn:
        job = await jobs.claim(conn)
    assert job is not None
    return job


@pytest.mark.timeout(240)
async def test_ten_thousand_objects_of_one_second_are_read_once_although_the_poll_is_stopped(
    context, db, owner, simulator
):
    """Pains 8 and 14: a cursor of time alone would begin the crowded second again and again."""
    moment = int(time.time()) - 3600
    await simulator.act("create_customer", CROWD, at=moment)
    job_id = await ask_for(db, owner[0], "customers", "incremental")
    rows = "SELECT count(*) FROM commerce.customers"

    for stop_at in (3000, 7000):
        running = asyncio.create_task(handler.run(context, await claimed(context)))
        while await db.fetchval(rows) < stop_at:
            assert not running.done()
            await asyncio.sleep(0.02)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await handler.run(context, await claimed(context))

    assert await db.fetchval(rows) == CROWD + 10
    row = await db.fetchrow("SELECT status, rows_done FROM commerce.sync_jobs")
    assert row["status"] == "succeeded", job_id
    assert row["rows_done"] == CROWD + 10  # nothing was read twice


async def test_an_unsorted_second_is_read_on_by_its_ids(context, db, owner, simulator):
    moment = int(time.time()) - 3600
    await simulator.act("create_product", 60, at=moment)
    shallow = replace(context, search_depth=50)
    for kind in ("shop", "inventory"):
        await ask_for(db, owner[0], kind, "full" if kind == "shop" else "incremental")
        await handler.run(shallow, await claimed(shallow))

    truth = len(await simulator.truth("inventory_items"))
    assert await db.fetchval("SELECT count(*) FROM commerce.inventory_items") == truth
    levels = len(await simulator.truth("inventory_levels"))
    assert await db.fetchval("SELECT count(*) FROM commerce.inventory_levels") == levels
