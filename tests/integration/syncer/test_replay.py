"""Deliveries applied again: what died lives, what is newer stays, and a kill changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import orjson
import pytest

from services.syncer.context import Context
from services.syncer.domain.jobs import LeaseLost
from services.syncer.handlers.deliveries import consumer
from services.syncer.handlers.jobs import run
from services.syncer.replay import replay
from services.syncer.store import jobs, replays
from shared.errors import Conflict
from shared.event_log import Log, Search
from shared.shopify.snapshots import Owner
from tests.integration.syncer.conftest import save_all
from tests.integration.syncer.objects import an_order
from tests.integration.syncer.shopify import connect_store, new_keys
from tests.integration.syncer.test_deliveries import (
    RecordingBus,
    a_delivery,
    a_message,
    an_item_delivery,
    costs,
    states,
)
from tests.integration.syncer.test_killed import environment_for, process, until

DEAD = Search(states=["dead"])
ANY = Search()
NOT_FOUR = "CONSTRAINT not_four CHECK (inventory_item_id <> 4) NOT VALID"


@pytest.fixture
async def owner(db) -> Owner:
    return await connect_store(db, "token", new_keys())


@pytest.fixture
def context(pool) -> Context:
    return Context(pool=pool, bus=RecordingBus(), shops=None)


@pytest.fixture
def deliver(pool, owner):
    """Hand deliveries to the consumer as the store's."""

    async def delivered(*deliveries):
        mine = [
            type(one)(**{f: getattr(one, f) for f in one.__struct_fields__}
                      | {"shop_id": owner.shop_id})
            for one in deliveries
        ]  # fmt: skip
        await consumer(pool, RecordingBus())([a_message(*mine)])

    return delivered


async def ask(pool, owner: Owner, search: Search, *, rate: float = 1000.0):
    async with pool.acquire() as conn, conn.transaction():
        log = Log(conn=conn, tenant_id=owner.tenant_id, shop_id=owner.shop_id)
        return await log.ask_replay(search, rate=rate, by="test")


async def claimed(pool):
    async with pool.acquire() as conn:
        return await jobs.claim(conn)


async def replayed(context: Context, owner: Owner, search: Search):
    job_id = await ask(context.pool, owner, search)
    await run(context, await claimed(context.pool))
    async with context.pool.acquire() as conn:
        log = Log(conn=conn, tenant_id=owner.tenant_id, shop_id=owner.shop_id)
        return (await log.replays(job_id))[0]


async def break_all(db, *, but: str = "") -> None:
    """As if an older release had not understood them."""
    await db.execute(
        "UPDATE commerce.webhook_events SET state = 'dead', error = 'bug', outcome = NULL"
        " WHERE webhook_id <> $1",
        but,
    )
    await db.execute("DELETE FROM commerce.inventory_items")


async def test_what_died_of_a_bug_lives_when_the_bug_is_gone(context, owner, deliver, db):
    await deliver(*(an_item_delivery(f"w{n}", n, cost=f"{n}.00") for n in range(1, 6)))
    await break_all(db, but="w5")

    done = await replayed(context, owner, DEAD)

    assert (done["status"], done["deliveries"], done["replayed"]) == ("succeeded", 4, 4)
    assert (done["applied"], done["dead"], done["percent"]) == (4, 0, 100)
    assert await costs(db) == {n: f"{n}.00" for n in range(1, 5)}
    rows = await db.fetch(
        "SELECT error, outcome, replays FROM commerce.webhook_events WHERE replayed_at IS NOT NULL"
    )
    assert {(r["error"], r["outcome"].partition(":")[2][1:], r["replays"]) for r in rows} == {
        (None, ":inserted", 1)
    }
    assert set((await states(db)).values()) == {"applied"}


async def test_one_that_is_ended_keeps_what_it_did_and_does_no_more(context, owner, deliver, db):
    await deliver(*(an_item_delivery(f"w{n}", n) for n in range(1, 5)))
    await break_all(db)
    job_id = await ask(context.pool, owner, DEAD, rate=1.0)
    running = asyncio.create_task(run(context, await claimed(context.pool)))
    await until(db, "SELECT count(*) FROM commerce.inventory_items", 1, seconds=5)

    async with context.pool.acquire() as conn:
        log = Log(conn=conn, tenant_id=owner.tenant_id, shop_id=owner.shop_id)
        assert await log.end_replay(job_id, by="test")
        assert not await log.end_replay(job_id, by="test")
    await asyncio.wait_for(running, 5)

    async with context.pool.acquire() as conn:
        (ended,) = await replace(log, conn=conn).replays(job_id)
    assert (ended["status"], ended["error"]) == ("cancelled", "ended by test")
    assert ended["replayed"] == len(await costs(db)) == 1
    assert await claimed(context.pool) is None


async def test_an_older_body_never_overwrites_a_newer_row(context, owner, deliver, db):
    await deliver(an_item_delivery("old", second=1, cost="1.00"))
    await deliver(an_item_delivery("new", second=9, cost="9.00"))

    done = await replayed(context, owner, Search(webhook_id="old"))

    assert await costs(db) == {5: "9.00"}
    assert (done["stale"], await states(db)) == (1, {"old": "applied", "new": "applied"})


async def test_replaying_everything_changes_no_row(context, owner, deliver, db, contents):
    items = [an_item_delivery(f"w{n}", n % 7, second=n % 50, cost=f"{n}.00") for n in range(60)]
    await deliver(*items)
    gone = a_delivery("gone", "inventory_items/delete", b'{"id": 3}')
    await deliver(gone, a_delivery("theme", "themes/update", b'{"id": 1}'))
    before = await contents("inventory_items", "tombstones"), await states(db)

    for _ in range(2):
        done = await replayed(context, owner, ANY)

    assert (await contents("inventory_items", "tombstones"), await states(db)) == before
    assert (done["replayed"], done["ignored"]) == (62, 1)


async def test_what_carries_no_time_is_asked_of_shopify_again(context, owner, deliver, db):
    payment = {"id": 8, "order_id": 77, "kind": "sale", "status": "pending", "amount": "1.00",
               "gateway": "g", "currency": "GBP", "test": False,
               "created_at": "2026-01-01T00:00:00Z"}  # fmt: skip
    await deliver(a_delivery("w1", "order_transactions/create", orjson.dumps(payment)))
    await db.execute("UPDATE commerce.transactions SET status = 'SUCCESS'")

    await replayed(context, owner, ANY)

    assert await db.fetchval("SELECT status FROM commerce.transactions") == "SUCCESS"
    wished = await db.fetch("SELECT kind, id, reason FROM commerce.refetches")
    assert ("order", 77, "replayed") in [tuple(row) for row in wished]


async def test_a_delivery_that_dies_again_says_why_and_harms_no_other(context, owner, deliver, db):
    await deliver(an_item_delivery("w1", 1), an_item_delivery("w3", 3))
    await deliver(a_delivery("w2", "inventory_items/update", b'{"id": "five"}'))
    await deliver(an_item_delivery("w4", 4))
    await break_all(db)
    await db.execute(f"ALTER TABLE commerce.inventory_items ADD {NOT_FOUR}")
    try:
        done = await replayed(context, owner, DEAD)
    finally:
        await db.execute("ALTER TABLE commerce.inventory_items DROP CONSTRAINT not_four")

    assert (done["status"], done["applied"], done["dead"]) == ("succeeded", 2, 2)
    found = await states(db)
    assert found == {"w1": "applied", "w2": "dead", "w3": "applied", "w4": "dead"}
    errors = dict(await db.fetch("SELECT webhook_id, error FROM commerce.webhook_events"))
    assert "bad_payload" in errors["w2"]
    place = "commerce.inventory_items not_four"
    assert errors["w4"] == f"refused by the database: CheckViolationError 23514 in {place}"


async def test_bodies_that_shrink_well_are_not_all_in_hand_at_once(
    context, owner, deliver, db, monkeypatch
):
    body = orjson.dumps({"id": 1, "text": "x" * (3 * 2**20)})
    await deliver(*(a_delivery(f"w{n}", "themes/update", body) for n in range(5)))
    held = []
    next_events = replays.next_events

    async def noting(conn, wanted, *, limit):
        events = await next_events(conn, wanted, limit=limit)
        held.append(len(events))
        return events

    monkeypatch.setattr(replays, "next_events", noting)

    done = await replayed(context, owner, ANY)

    assert (done["status"], done["replayed"]) == ("succeeded", 5)
    assert held == [2, 2, 1, 0]


async def test_a_time_range_a_topic_and_an_order_are_replayed_alone(context, owner, deliver, db):
    order = an_order(77, owner=owner, name="#1001")
    noon = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
    for hour in range(4):
        at = (noon + timedelta(hours=hour)).isoformat()
        body = an_item_delivery("", hour).body
        await deliver(a_delivery(f"w{hour}", "inventory_items/update", body, received_at=at))
    await deliver(a_delivery("r", "refunds/create", b'{"id": 1, "order_id": 77}'))
    await save_all(context.pool, [order])
    searches = (
        Search(received_from=noon + timedelta(hours=1), received_to=noon + timedelta(hours=3)),
        Search(topic="refunds/create"),
        Search(order_name="1001"),
        Search(order_name="#1001", topic="inventory_items/update"),
    )
    counts = [(await replayed(context, owner, search))["replayed"] for search in searches]

    assert counts == [2, 1, 1, 0]


async def test_one_replay_of_a_store_at_a_time(pool, owner):
    first = await ask(pool, owner, DEAD)

    assert await ask(pool, owner, DEAD) == first
    with pytest.raises(Conflict):
        await ask(pool, owner, ANY)


async def test_a_replay_that_lost_its_lease_writes_nothing(context, owner, deliver, db):
    await deliver(an_item_delivery("w1", 1))
    await break_all(db)
    await ask(context.pool, owner, DEAD)
    job = await claimed(context.pool)
    await db.execute("UPDATE commerce.sync_jobs SET lease_id = gen_random_uuid()")

    with pytest.raises(LeaseLost):
        await replay(context, job)

    assert await states(db) == {"w1": "dead"}


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_a_killed_replay_goes_on_where_it_was(pool, owner, deliver, dsn, db):
    await deliver(*(an_item_delivery(f"w{n:03}", n) for n in range(400)))
    await break_all(db)
    await ask(pool, owner, DEAD, rate=150)
    done = "SELECT count(*) FROM commerce.webhook_events WHERE replays > 0"
    environment = environment_for(dsn)

    async with process("services.syncer", **environment):
        await until(db, f"SELECT ({done}) >= 100", wanted=True, seconds=30)
    # As if the dead process's lease had run out; waiting would take thirty seconds.
    await db.execute("UPDATE commerce.sync_jobs SET lease_until = now()")
    async with process("services.syncer", **environment):
        ended = "SELECT status FROM commerce.sync_jobs WHERE mode = 'replay'"
        await until(db, ended, "succeeded", seconds=30)

    assert await db.fetchval("SELECT replayed FROM commerce.replays") == 400
    assert await db.fetchval("SELECT max(replays) FROM commerce.webhook_events") == 1
    assert set((await states(db)).values()) == {"applied"}
    assert len(await costs(db)) == 400
