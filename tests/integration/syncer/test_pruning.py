"""What is forgotten, and what is not."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from services.syncer import pruning
from services.syncer.handlers.deliveries import apply
from services.syncer.settings import Settings
from shared.bus.connect import burying, open_bus
from shared.bus.protocol import Bus
from shared.bus.topology import MARKS, QUEUES
from shared.clock import now
from shared.shopify.snapshots import Owner
from tests.integration.bus.test_conformance import until
from tests.integration.syncer.objects import TENANT
from tests.integration.syncer.privacy import a_store, delivered
from tests.integration.syncer.test_deliveries import RecordingBus
from tests.integration.syncer.test_privacy_letters import Away, buried, rotten

KEPT = timedelta(days=Settings.model_fields["events_kept_days"].default)
UNKNOWN = Owner(tenant_id=TENANT, shop_id=1)


async def prune_once(pool, stop: asyncio.Event) -> None:
    await pruning.prune_once(pool, stop, events_kept=KEPT)


async def add_events(
    db, days: int, ids: range, owner: Owner = UNKNOWN, *, state: str = "applied"
) -> None:
    await db.execute(
        "INSERT INTO commerce.webhook_events (tenant_id, shop_id, topic, webhook_id, received_at,"
        " body_sha256, body, state) SELECT $1, $4, 'orders/create', 'w' || n,"
        " now() - $2 * interval '1 day', '', 'body', $5 FROM unnest($3::int[]) AS n",
        owner.tenant_id,
        days,
        list(ids),
        owner.shop_id,
        state,
    )


async def left(db) -> dict[tuple[int, str], int]:
    rows = await db.fetch(
        "SELECT (now()::date - received_at::date) AS days, state, count(*) AS events"
        " FROM commerce.webhook_events GROUP BY 1, 2"
    )
    return {(row["days"], row["state"]): row["events"] for row in rows}


async def add_job(db, days: int | None) -> None:
    await db.execute(
        "WITH job AS (INSERT INTO commerce.sync_jobs (tenant_id, shop_id, kind, mode, trigger,"
        " status, finished_at) VALUES ($1, 1, 'orders', 'full', 'manual',"
        " CASE WHEN $2::int IS NULL THEN 'running' ELSE 'succeeded' END,"
        " now() - $2::int * interval '1 day') RETURNING tenant_id, shop_id, job_id)"
        " INSERT INTO commerce.bulk_operations (tenant_id, shop_id, job_id, window_no, search)"
        " SELECT tenant_id, shop_id, job_id, 1, '' FROM job",
        TENANT,
        days,
    )


async def test_bodies_go_after_two_weeks_and_what_became_of_them_stays(pool, db):
    await add_events(db, 13, range(3))
    await add_events(db, 15, range(3, 1500))

    await prune_once(pool, asyncio.Event())

    kept = "SELECT count(*), count(body) FROM commerce.webhook_events"
    assert tuple(await db.fetchrow(kept)) == (1500, 3)


async def test_the_log_forgets_what_is_old_and_keeps_longer_what_could_not_be_applied(pool, db):
    owner = await a_store(db)
    await add_events(db, 91, range(2500), owner)
    await add_events(db, 91, range(2500, 2510), owner, state="ignored")
    await add_events(db, 400, range(3000, 3005), owner, state="dead")
    await add_events(db, 350, range(3005, 3008), owner, state="dead")
    await add_events(db, 89, range(4000, 4003), owner)
    await add_events(db, 0, range(5000, 5002), owner)

    await prune_once(pool, asyncio.Event())

    assert await left(db) == {(350, "dead"): 3, (89, "applied"): 3, (0, "applied"): 2}


async def test_a_store_that_fell_silent_keeps_its_last_delivery(pool, db):
    stores = [await a_store(db), await a_store(db, status="disconnected")]
    for owner in stores:
        await add_events(db, 300, range(3), owner)
        await add_events(db, 200, range(3, 4), owner)

    await prune_once(pool, asyncio.Event())

    assert await left(db) == {(200, "applied"): len(stores)}


async def test_two_replicas_share_the_work(pool, db):
    owner = await a_store(db)
    await add_events(db, 91, range(5000), owner)
    await add_events(db, 0, range(5000, 5001), owner)

    await asyncio.gather(*(prune_once(pool, asyncio.Event()) for _ in range(2)))

    assert await left(db) == {(0, "applied"): 1}


@pytest.mark.parametrize(("days", "known"), [(14, True), (89, True), (91, False)])
async def test_a_delivery_is_recognised_for_as_long_as_the_log_knows_it(pool, db, days, known):
    owner = await a_store(db)
    again = delivered(owner, "carts/update", {"id": 1}, "again")
    await apply([again, delivered(owner, "carts/update", {"id": 2})], pool=pool, bus=RecordingBus())
    await db.execute(
        "UPDATE commerce.webhook_events SET processed_at = '2020-01-01',"
        " received_at = now() - $1 * interval '1 day' WHERE webhook_id = 'again'",
        days,
    )
    await prune_once(pool, asyncio.Event())

    await apply([again], pool=pool, bus=RecordingBus())

    rows = await db.fetch(
        "SELECT processed_at > '2021-01-01' AS new FROM commerce.webhook_events"
        " WHERE webhook_id = 'again'"
    )
    assert [row["new"] for row in rows] == [not known]


async def test_letters_that_died_long_ago_go_from_every_queue_of_either_bus(pool, db, rabbit_url):
    buses = burying(await open_bus(rabbit_url, pool), pool)
    before = now() + timedelta(days=1)
    for bus in buses:
        await buried(bus, b"a letter")
        await bus.publish("orders.changed", b"{}")
        async with bus.consuming(MARKS, rotten, batch_max=1, prefetch=1):
            await until(lambda bus=bus: dead(bus, 2))

    await pruning.expire_once(buses, before=now() - timedelta(days=1))
    assert [await dead(bus, 2) for bus in buses] == [True, True]

    with capture_logs() as logs:
        await pruning.expire_once(buses, before=before)
    assert [await dead(bus, 0) for bus in buses] == [True, True]
    assert [line["letters"] for line in logs] == [1] * 4
    for bus in buses:
        await bus.close()


async def dead(bus: Bus, expected: int) -> bool:
    """Whether so many letters lie dead in all queues."""
    return sum([await bus.dead(queue) for queue in QUEUES]) == expected


async def test_a_broker_that_is_away_holds_up_no_row(pool, db):
    await add_job(db, 31)
    stop = asyncio.Event()
    kept = pruning.Kept(events=KEPT, dead_letters=KEPT)

    with capture_logs() as logs:
        task = asyncio.create_task(pruning.run(pool, [Away()], stop, kept=kept))
        await until(lambda: any(line["event"] == "pruning waits" for line in logs))
    stop.set()
    await task

    assert await db.fetchval("SELECT count(*) FROM commerce.sync_jobs") == 0


async def test_finished_jobs_go_after_a_month_with_their_operations(pool, db):
    for days in (None, 29, 31, 400):
        await add_job(db, days)

    await prune_once(pool, asyncio.Event())

    assert await db.fetchval("SELECT count(*) FROM commerce.sync_jobs") == 2
    assert await db.fetchval("SELECT count(*) FROM commerce.bulk_operations") == 2


async def test_what_nobody_publishes_goes_after_a_month(pool, db):
    await db.execute(
        "INSERT INTO commerce.announcements (tenant_id, shop_id, event_id, type, body, queued_at)"
        " SELECT $1, 1, gen_random_uuid(), 'order.changed', '{}', now() - n * interval '1 day'"
        " FROM unnest(ARRAY[1, 29, 31, 400]) AS n",
        TENANT,
    )

    await prune_once(pool, asyncio.Event())

    assert await db.fetchval("SELECT count(*) FROM commerce.announcements") == 2
