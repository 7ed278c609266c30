"""kill -9 of the syncer: nothing lost, nothing doubled, and another takes over its job."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.syncer.handlers.deliveries import apply
from shared.bus.connect import open_bus
from shared.deliveries import TOPIC, pack
from shared.keyring import KeyRing, generate_key
from shared.shopify.snapshots import Owner
from tests.integration.histories import whole_orders
from tests.integration.outcomes import rows_of as living
from tests.integration.syncer.objects import OWNER
from tests.integration.syncer.shopify import ask_for, connect_store, simulating
from tests.integration.syncer.test_deliveries import RecordingBus, an_item_delivery

DELIVERIES = 2000
ITEMS = 200
ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def process(*command: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a Python module while the context is open, then kill it with no warning."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", *command),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LOG_LEVEL": "ERROR", **environment},
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGKILL)
        await child.wait()


def environment_for(dsn: str, **more: str) -> dict[str, str]:
    return {
        "DATABASE_URL": dsn,
        "APP_ENV": "test",
        "SHOPIFY_CLIENT_SECRET": "s",
        "SHOPIFY_ENCRYPTION_KEY": generate_key(),
        "SYNCER_PORT": "0",
        **more,
    }


def history() -> list:
    """Every item changes ten times; the deliveries come shuffled."""
    deliveries = [
        an_item_delivery(f"w{n}", n % ITEMS, second=n // ITEMS, cost=f"{n // ITEMS}.00")
        for n in range(DELIVERIES)
    ]
    random.Random(4).shuffle(deliveries)
    return deliveries


async def until(db, statement: str, wanted: object, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (found := await db.fetchval(statement)) != wanted:
        assert time.monotonic() < deadline, f"{found} instead of {wanted}"
        await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_two_thousand_deliveries_survive_being_killed(bus_url, dsn, pool, db):
    environment = environment_for(dsn, AMQP_URL=bus_url)
    deliveries = history()
    bus = await open_bus(bus_url, pool)
    for start in range(0, DELIVERIES, 20):
        await bus.publish(TOPIC, pack(deliveries[start : start + 20]))
    await bus.close()

    kept = "SELECT count(*) FROM commerce.webhook_events"
    for enough in (300, 900, 1500):
        async with process("services.syncer", **environment):
            await until(db, f"SELECT ({kept}) >= {enough}", wanted=True, seconds=30)
        # As if the dead process's leases had run out; waiting would take thirty seconds.
        await db.execute("UPDATE bus.messages SET available_at = now(), lease_id = NULL")
    async with process("services.syncer", **environment):
        await until(db, kept, DELIVERIES, seconds=40)

    found = await db.fetch("SELECT inventory_item_id, unit_cost FROM commerce.inventory_items")
    newest = DELIVERIES // ITEMS - 1
    assert {row[0]: int(row[1]) for row in found} == dict.fromkeys(range(ITEMS), newest)
    states = await db.fetch("SELECT DISTINCT state FROM commerce.webhook_events")
    assert {row["state"] for row in states} <= {"applied", "stale"}


UNTOUCHED = Owner(tenant_id=str(uuid.UUID(int=8)), shop_id=2)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_orders_survive_a_killed_syncer_with_their_children_and_marks(bus_url, dsn, pool, db):
    environment = environment_for(dsn, AMQP_URL=bus_url)
    notices = whole_orders(11)
    killed = [one.to(OWNER) for one in notices if one.shop == 0]
    random.Random(5).shuffle(killed)
    bus = await open_bus(bus_url, pool)
    for start in range(0, len(killed), 10):
        await bus.publish(TOPIC, pack(killed[start : start + 10]))
    await bus.close()

    kept = "SELECT count(*) FROM commerce.webhook_events"
    for part in (0.2, 0.5, 0.8):
        async with process("services.syncer", **environment):
            enough = f"SELECT ({kept}) >= {int(len(killed) * part)}"
            await until(db, enough, wanted=True, seconds=30)
        await db.execute("UPDATE bus.messages SET available_at = now(), lease_id = NULL")
    async with process("services.syncer", **environment):
        await until(db, kept, len(killed), seconds=40)

    told = [one.to(UNTOUCHED) for one in notices if one.shop == 0]
    await apply(told, pool=pool, bus=RecordingBus())
    mine, theirs = await living(db, OWNER), await living(db, UNTOUCHED)
    assert mine == theirs
    assert all(mine[table] for table in ("orders", "order_lines", "refunds", "refund_lines"))
    unmarked = (
        "SELECT count(*) FROM commerce.orders o WHERE NOT EXISTS ("
        " SELECT FROM analytics.order_marks m WHERE m.shop_id = o.shop_id"
        " AND m.order_id = o.order_id)"
    )
    assert await db.fetchval(unmarked) == 0


@pytest.mark.slow
async def test_a_stopped_syncer_gives_its_job_back_at_once(dsn, db):
    key = generate_key()
    async with simulating("--orders", "50", "--bulk-seconds", "60") as simulator:
        owner = await connect_store(db, await simulator.token(), KeyRing.parse(key))
        environment = environment_for(
            dsn, SHOPIFY_ENCRYPTION_KEY=key, SHOPIFY_BASE_URL=simulator.base_url
        )
        await ask_for(db, owner, "orders", "full")
        async with process("services.syncer", **environment) as child:
            running = "SELECT count(*) > 0 FROM commerce.bulk_operations WHERE gid IS NOT NULL"
            await until(db, running, wanted=True, seconds=30)
            child.terminate()
            assert await child.wait() == 0

    job = await db.fetchrow("SELECT status, attempts, lease_id FROM commerce.sync_jobs")
    assert tuple(job) == ("queued", 0, None)
