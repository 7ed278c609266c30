"""A full sync through everything that can become of a bulk operation: no loss, nothing half."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from services.syncer import backfill, copying
from services.syncer.context import Also, Context, save
from services.syncer.domain import operations as decide
from services.syncer.exporting import Run
from services.syncer.handlers import jobs as handler
from services.syncer.handlers.deliveries import apply
from services.syncer.store import jobs, operations
from shared.keyring import KeyRing
from shared.shopify.snapshots import Owner
from tests.integration.syncer.shopify import (
    SHOP,
    Simulator,
    a_webhook,
    ask_for,
    connect_store,
    new_keys,
    shops_of,
    simulating,
    use_token,
)
from tests.integration.syncer.test_deliveries import RecordingBus
from tests.integration.syncer.test_sync import ORDER_TABLES, differences, settle, tell_truth

ORDERS = 250
EVERYTHING = (
    "read_orders,read_all_orders,read_products,read_customers,read_inventory,read_locations"
)


@pytest.fixture(scope="module")
def keys() -> KeyRing:
    return new_keys()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    arguments = ("--orders", str(ORDERS), "--products", "30", "--customers", "120", "--seed", "5")
    async with simulating(*arguments, "--plan", "plus") as running:
        yield running


@pytest.fixture
async def owner(db, simulator, keys) -> Owner:
    return await connect_store(db, await simulator.token(), keys)


@pytest.fixture
def context(pool, simulator, keys) -> Context:
    return Context(
        pool=pool,
        bus=RecordingBus(),
        shops=shops_of(pool, simulator, keys),
        lag=timedelta(seconds=-5),
        roots_per_window=80,
    )


async def run_once(context: Context, db) -> dict:
    """Run the job that is due; return its row."""
    async with context.pool.acquire() as conn:
        job = await jobs.claim(conn)
    assert job is not None
    await handler.run(context, job)
    return dict(await db.fetchrow("SELECT * FROM commerce.sync_jobs WHERE job_id = $1", job.job_id))


async def again(db) -> None:
    """As if the wait of a job that failed were over."""
    await db.execute("UPDATE commerce.sync_jobs SET not_before = now()")


async def exported(simulator: Simulator) -> int:
    """How many bulk operations were started."""
    return (await simulator.stats())["shops"][SHOP]["bulk_operations"]


async def check(context: Context, db, owner: Owner, simulator: Simulator) -> None:
    """Compare every order with its children, once the refunds have been read."""
    await settle(context)
    await tell_truth(context, simulator)
    assert await differences(db, owner, tables=ORDER_TABLES) == ""
    assert await db.fetchval("SELECT count(*) FROM commerce.orders WHERE tenant_id = $1",
                             owner.tenant_id) == ORDERS  # fmt: skip


@pytest.mark.parametrize(
    "fault",
    [
        {"internal_error": True},
        {"timeout": True},
        {"fail_after": 30},
        {"cancel": True},
        {"expire": True},
        {"access_denied": True},
        {"url_expires": 0.001},
        {"silent": True},
        {"slot_busy": {"slots": 4, "seconds": 2}},
        {"omit_when_sorted": True},
    ],
    ids=lambda fault: next(iter(fault)),
)
async def test_whatever_becomes_of_an_operation_nothing_is_lost_or_half_written(
    context, db, owner, simulator, fault
):
    await simulator.control("faults", {"bulk": {**fault, "times": 2}})
    await ask_for(db, owner, "orders", "full")

    job = await run_once(context, db)

    assert (job["status"], job["attempts"], job["warning"]) == ("succeeded", 0, None)
    # What a failed operation had in its partial file was not written.
    assert (job["rows_done"], job["rows_written"]) == (ORDERS, ORDERS)
    await check(context, db, owner, simulator)


async def test_a_window_on_which_shopify_fails_is_cut_until_it_works(context, db, owner, simulator):
    whole = replace(context, roots_per_window=1000)
    await simulator.control("faults", {"bulk": {"timeout": True, "times": 3}})
    await ask_for(db, owner, "orders", "full")

    job = await run_once(whole, db)

    assert job["status"] == "succeeded"
    found = await db.fetch(
        "SELECT status, count(*)::int AS windows, sum(roots_done)::int AS roots, max(expected)"
        " AS largest FROM commerce.bulk_operations GROUP BY status"
    )
    windows = {row["status"]: row for row in found}
    assert windows["split"]["windows"] == 3
    assert windows["done"]["roots"] == ORDERS
    assert windows["done"]["largest"] <= ORDERS * 2 // 3
    await check(context, db, owner, simulator)


@pytest.mark.parametrize("fault", [{"internal_error": True}, {"short_file": True}])
async def test_an_outage_ends_the_run_soon_and_the_next_one_goes_on(
    context, db, owner, simulator, fault
):
    whole = replace(context, roots_per_window=1000)
    await simulator.control("faults", {"bulk": fault})
    await ask_for(db, owner, "orders", "full")

    job = await run_once(whole, db)

    assert (job["status"], job["attempts"], job["rows_written"]) == ("queued", 1, 0)
    assert "bulk_failed" in job["error"]
    assert await exported(simulator) <= 25
    assert await db.fetchval("SELECT count(*) FROM commerce.orders") == 0

    await simulator.control("faults", {})
    await again(db)
    assert (await run_once(context, db))["status"] == "succeeded"
    await check(context, db, owner, simulator)


async def test_an_app_that_may_not_read_it_all_is_told_so(context, db, owner, simulator):
    await simulator.control("faults", {"bulk": {"access_denied": True}})
    await ask_for(db, owner, "orders", "full")

    job = await run_once(context, db)

    assert job["status"] in ("failed", "skipped")
    assert "access_denied" in job["error"]


async def test_a_token_that_ends_in_the_middle_is_waited_for(context, db, owner, simulator, keys):
    """Operations that have begun are read with the next token, not begun anew."""
    await ask_for(db, owner, "orders", "full")
    slow = {"bulk": {"slot_busy": {"slots": 0, "seconds": 0}}}
    await simulator.control("faults", slow)
    async with context.pool.acquire() as conn:
        job = await jobs.claim(conn)
    running = asyncio.create_task(handler.run(context, job))
    begun = "SELECT count(*) FROM commerce.bulk_operations WHERE gid IS NOT NULL"
    while await db.fetchval(begun) < 3:
        await asyncio.sleep(0.01)
    await simulator.control(f"shops/{SHOP}/revoke", {})
    await running
    row = await db.fetchrow("SELECT status, error FROM commerce.sync_jobs")
    if row["status"] == "succeeded":
        pytest.skip("the job was faster than the revocation")
    assert (row["status"], "unauthorized" in row["error"]) == ("queued", True)
    before = await exported(simulator)
    started = await db.fetchval(begun)

    await use_token(db, owner, await simulator.token(), keys, scope=EVERYTHING)
    await again(db)
    assert (await run_once(context, db))["status"] == "succeeded"

    windows = await db.fetchval("SELECT count(*) FROM commerce.bulk_operations")
    assert await exported(simulator) == before + windows - started
    await check(context, db, owner, simulator)


async def test_an_operation_that_shopify_forgot_is_begun_anew(context, db, owner, simulator):
    await ask_for(db, owner, "orders", "full")
    async with context.pool.acquire() as conn:
        job = await jobs.claim(conn)
    run = Run(context=context, job=job, client=await context.shops.client(owner), keep=_nothing)
    await backfill._windows(run)
    await db.execute(
        "UPDATE commerce.bulk_operations SET gid = 'gid://shopify/BulkOperation/1', roots_done = 9,"
        " status = 'running' WHERE window_no = 1"
    )

    await handler.run(context, job)

    assert await db.fetchval("SELECT status FROM commerce.sync_jobs") == "succeeded"
    await check(context, db, owner, simulator)


async def _nothing(facts, also) -> None:
    raise AssertionError("nothing is to be kept")


async def test_a_window_goes_on_behind_its_last_transaction(context, db, owner, monkeypatch):
    """Every object is kept once, however often the job is cut off, and only once."""
    monkeypatch.setattr(copying, "part_size", lambda written: 7)
    await ask_for(db, owner, "orders", "full")
    async with context.pool.acquire() as conn:
        job = await jobs.claim(conn)
    client, lives, repeated = await context.shops.client(owner), 0, Counter()

    class Killed(Exception):
        pass

    while True:
        lives += 1
        left = 5

        async def keep(facts, also: Also) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            written = await save(context, facts, also=also)
            repeated.update(
                {what: n for (_, what), n in written.outcomes.items() if what != "inserted"}
            )

        try:
            await backfill.export(Run(context=context, job=job, client=client, keep=keep))
        except Killed:
            continue
        break

    assert lives > 5
    assert repeated.total() == 0
    assert await db.fetchval("SELECT count(*) FROM commerce.orders") == ORDERS
    assert await db.fetchval("SELECT rows_written FROM commerce.sync_jobs") == ORDERS


@pytest.mark.parametrize("told", [True, False], ids=["told", "never told"])
async def test_a_webhook_ends_the_wait(db, pool, keys, monkeypatch, told):
    """Shopify is asked once, and then not for ten minutes; without a webhook it is asked again."""
    pauses = (0.0, 600.0) if told else (0.0, 0.5)
    monkeypatch.setattr(decide, "_PAUSES_SECONDS", pauses)
    async with simulating("--orders", "20", "--bulk-seconds", "1.5") as simulator:
        owner = await connect_store(db, await simulator.token(), keys)
        context = Context(pool=pool, bus=RecordingBus(), shops=shops_of(pool, simulator, keys))
        await ask_for(db, owner, "orders", "full")
        running = asyncio.create_task(run_once(context, db))
        gid = None
        while gid is None:
            await asyncio.sleep(0.05)
            gid = await db.fetchval("SELECT gid FROM commerce.bulk_operations")
        await asyncio.sleep(2)
        assert running.done() is not told
        if told:
            body = {"admin_graphql_api_id": gid, "status": "completed", "type": "query"}
            # Another replica may take it.
            finish = a_webhook(owner, "bulk_operations/finish", body)
            await apply([finish], pool=pool, bus=context.bus)
        job = await asyncio.wait_for(running, 20)

    assert job["status"] == "succeeded"
    assert await db.fetchval("SELECT count(*) FROM commerce.orders") == 20


async def test_what_no_export_told_of_is_asked_for_once_more_and_then_reported(context, db, owner):
    await ask_for(db, owner, "orders", "full")
    async with context.pool.acquire() as conn:
        job = await jobs.claim(conn)
    run = Run(context=context, job=job, client=await context.shops.client(owner), keep=_nothing)
    await backfill._windows(run)
    newest = await db.fetchrow(
        "SELECT window_no, expected FROM commerce.bulk_operations ORDER BY created_until DESC"
    )
    # As if Shopify's export left out what its count holds.
    await db.execute(
        "UPDATE commerce.bulk_operations SET search = 'id:1' WHERE window_no = $1", newest[0]
    )

    await handler.run(context, job)

    row = await db.fetchrow("SELECT status, warning FROM commerce.sync_jobs")
    assert row["status"] == "succeeded"
    assert row["warning"] == f"{newest['expected']} objects that Shopify counts were in no export"


async def open_windows(pool, db, owner: Owner, kinds: dict[str, int]) -> dict[str, object]:
    """Claim a job for each kind, with so many windows."""
    claimed = {}
    for kind, windows in kinds.items():
        await ask_for(db, owner, kind, "full")
        async with pool.acquire() as conn:
            job = await jobs.claim(conn)
        claimed[kind] = job
        await db.execute(
            "INSERT INTO commerce.bulk_operations (tenant_id, shop_id, job_id, window_no, search)"
            " SELECT $1, $2, $3, n, '' FROM generate_series(1, $4::int) AS n",
            owner.tenant_id, owner.shop_id, job.job_id, windows,
        )  # fmt: skip
    return claimed


async def claim_slots(pool, job, windows: range) -> list[int]:
    got = []
    for number in windows:
        async with pool.acquire() as conn, conn.transaction():
            if await operations.claim_slot(conn, job, number):
                got.append(number)
    return got


async def test_all_jobs_of_a_shop_share_five_slots(pool, db, owner):
    held = await open_windows(pool, db, owner, {"orders": 9, "products": 9})
    orders, products = held["orders"], held["products"]

    assert await claim_slots(pool, orders, range(1, 10)) == [1, 2, 3]
    assert await claim_slots(pool, products, range(1, 10)) == [1, 2]
    for job in (orders, products):
        assert await claim_slots(pool, job, range(4, 10)) == []

    # One alone takes them all, as soon as the other waits for none.
    await db.execute(
        "UPDATE commerce.bulk_operations SET status = 'completed' WHERE job_id = $1",
        products.job_id,
    )
    assert await claim_slots(pool, orders, range(4, 10)) == [4, 5]


async def test_slots_that_a_dead_process_held_are_free(pool, db, owner):
    held = await open_windows(pool, db, owner, {"orders": 9, "products": 9})
    assert await claim_slots(pool, held["orders"], range(1, 4)) == [1, 2, 3]

    await db.execute(
        "UPDATE commerce.sync_jobs SET lease_until = now() - interval '1 second' WHERE job_id = $1",
        held["orders"].job_id,
    )

    assert await claim_slots(pool, held["products"], range(1, 10)) == [1, 2, 3, 4, 5]


async def progress_of(db, job) -> dict:
    return dict(
        await db.fetchrow("SELECT * FROM commerce.job_progress WHERE job_id = $1", job.job_id)
    )


async def test_the_rate_is_measured_while_somebody_works_and_only_then(pool, db, owner):
    held = await open_windows(pool, db, owner, {"orders": 4})
    job = held["orders"]
    async with pool.acquire() as conn:
        await jobs.expect(conn, job, 10_000)
        await jobs.progress(conn, job, 4_000)
    # As if all that had taken eight seconds, of a job that had waited an hour before.
    await db.execute(
        "UPDATE commerce.sync_jobs SET mark_at = now() - interval '8 seconds',"
        " started_at = now() - interval '1 hour'"
    )
    found = await progress_of(db, job)
    assert (found["rows_done"], found["rows_total"], found["percent"]) == (4_000, 10_000, 40)
    assert 450 < found["rate"] <= 500
    assert 12 <= found["eta"] <= 14
    assert (found["stage"], found["windows"], found["windows_done"]) == ("exporting", 4, 0)

    await db.execute("UPDATE commerce.sync_jobs SET lease_until = now() - interval '1 minute'")
    assert (await progress_of(db, job))["rate"] is None

    async with pool.acquire() as conn:
        job = await jobs.claim(conn)
        await jobs.progress(conn, job, 100)
    await db.execute("UPDATE commerce.sync_jobs SET mark_at = now() - interval '1 second'")
    assert 90 <= (await progress_of(db, job))["rate"] <= 100


async def test_the_stages_of_windows_are_told(context, db, owner):
    await ask_for(db, owner, "orders", "full")
    job = await run_once(context, db)

    windows = await db.fetch(
        "SELECT stage, rows_done, rows_total FROM commerce.job_windows WHERE job_id = $1",
        job["job_id"],
    )
    assert {row["stage"] for row in windows} == {"done"}
    assert sum(row["rows_done"] for row in windows) == ORDERS
    assert all(row["rows_done"] == row["rows_total"] for row in windows)
    found = await db.fetchrow("SELECT * FROM commerce.job_progress")
    assert (found["percent"], found["stage"], found["windows_done"]) == (
        100,
        "succeeded",
        len(windows),
    )
    other = uuid.uuid4()
    async with db.transaction():
        await db.execute("SET LOCAL ROLE tillstream_gateway")
        await db.execute("SELECT set_config('app.tenant_id', $1, true)", str(other))
        assert await db.fetchval("SELECT count(*) FROM commerce.job_progress") == 0


async def test_a_failed_window_does_not_hold_up_the_others(context, db, owner, monkeypatch):
    """The store is usable except for the part on which Shopify fails."""
    monkeypatch.setattr(backfill, "_TRIES_PER_WINDOW", 1)
    real = backfill.ended
    refused = []

    async def ended(run, window, gid):
        operation = await real(run, window, gid)
        if window.number == 1:
            refused.append(gid)
            return decide.Operation(id=gid, status="CANCELED")
        return operation

    monkeypatch.setattr(backfill, "ended", ended)
    await ask_for(db, owner, "orders", "full")

    job = await run_once(context, db)

    assert refused
    assert (job["status"], "window 1 failed too often" in job["error"]) == ("queued", True)
    windows = await db.fetch("SELECT window_no FROM commerce.bulk_operations WHERE done_at IS NULL")
    assert [row[0] for row in windows] == [1]
