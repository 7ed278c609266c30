"""Which events a write leaves behind, and that they reach the exchange."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator

import aio_pika
import asyncpg
import orjson
import pytest
from aio_pika.abc import AbstractQueue

from services.syncer.domain.jobs import Job
from services.syncer.outgoing import announce_once, relay_once
from services.syncer.store import domain_events
from services.syncer.writing import write
from shared.bus.announcing import Announcer
from shared.errors import Unavailable
from shared.postgres import Pool
from shared.shopify.snapshots import Deletion
from tests.integration.outgoing.conftest import save, taken
from tests.integration.syncer.objects import NOON, OWNER, a_customer, a_level, an_order, at


def a_deletion(order_id: int, second: int) -> Deletion:
    return Deletion(owner=OWNER, kind="order", key=(order_id,), at=at(second), reason="webhook")


async def test_what_was_written_is_told_with_its_version(pool: Pool) -> None:
    await save(pool, an_order(1, 5), a_customer(2, 6), a_level(7, available=3))

    events = {one.type: orjson.loads(one.body) for one in await taken(pool)}

    assert {name: (e["object_id"], e["deleted"]) for name, e in events.items()} == {
        "order.changed": (1, False),
        "customer.changed": (2, False),
        "inventory.changed": (5, False),
    }
    assert events["inventory.changed"]["location_id"] == 6
    assert events["order.changed"]["updated_at"] == "2026-01-02T12:00:05Z"
    assert events["order.changed"]["gid"] == "gid://shopify/Order/1"
    assert events["order.changed"]["shop_domain"] == "tea.myshopify.com"


async def test_what_is_stale_or_the_same_is_not_told(pool: Pool) -> None:
    await save(pool, an_order(1, 5))
    await taken(pool)

    await save(pool, an_order(1, 4, total="9.00"))
    await save(pool, an_order(1, 5))

    assert await taken(pool) == []


async def test_what_changed_before_the_store_was_connected_is_not_told(pool: Pool) -> None:
    await save(pool, an_order(1, -3600, source="bulk"), an_order(2, 1, source="bulk"))

    assert [one.object_id for one in await taken(pool)] == [2]


async def test_nothing_is_written_when_nobody_listens(quiet_pool: Pool, db) -> None:
    await save(quiet_pool, an_order(1, 5))

    assert await db.fetchval("SELECT count(*) FROM commerce.domain_events") == 0


async def add_endpoint(db: asyncpg.Connection) -> None:
    await db.execute(
        "INSERT INTO accounts.webhook_endpoints (tenant_id, endpoint_id, url, secret_enc)"
        " VALUES ($1, gen_random_uuid(), 'https://example.com', '')",
        OWNER.tenant_id,
    )


async def test_an_endpoint_of_the_tenant_is_somebody(quiet_pool: Pool, db) -> None:
    await add_endpoint(db)

    await save(quiet_pool, an_order(1, 5))

    assert [one.object_id for one in await taken(quiet_pool)] == [1]


async def test_events_go_with_a_transaction_that_fails(pool: Pool, db) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with pool.acquire() as conn, conn.transaction():
            await write(conn, [an_order(1, 5)])
            raise ZeroDivisionError

    assert await db.fetchval("SELECT count(*) FROM commerce.domain_events") == 0


async def test_changes_that_wait_become_one_event(pool: Pool) -> None:
    for second in (1, 2, 3):
        await save(pool, an_order(1, second, total=f"{second}.00"))

    (event,) = await taken(pool)

    assert event.updated_at == at(3)


async def test_a_full_sync_that_is_complete_is_told(pool: Pool) -> None:
    job = Job(
        owner=OWNER, job_id=uuid.uuid4(), lease_id=uuid.uuid4(), kind="orders", mode="full",
        attempts=1, started_at=NOON,
    )  # fmt: skip
    async with pool.acquire() as conn:
        await domain_events.add_sync_completed(conn, job)

    (event,) = await taken(pool)

    said = orjson.loads(event.body)
    assert (said["type"], said["resource"], said["job_id"]) == (
        "sync.completed", "orders", str(job.job_id),
    )  # fmt: skip


async def test_a_deletion_is_told(pool: Pool) -> None:
    await save(pool, an_order(1, 1))
    await save(pool, a_deletion(1, 2))

    (event,) = await taken(pool)

    assert event.deleted


async def test_a_later_event_of_an_object_waits_for_the_earlier(pool: Pool) -> None:
    await save(pool, an_order(1, 1))
    first = await taken(pool)
    await save(pool, an_order(1, 2, total="2.00"), an_order(2, 2))

    assert [one.object_id for one in await taken(pool)] == [2]

    async with pool.acquire() as conn:
        await domain_events.handed_on(conn, first)
    assert [(one.object_id, one.updated_at) for one in await taken(pool)] == [(1, at(2))]


async def test_two_relays_never_take_the_same_event(pool: Pool) -> None:
    await save(pool, *(an_order(number, 1) for number in range(50)))

    batches = await asyncio.gather(*(taken(pool) for _ in range(4)))

    ids = [one.event_id for batch in batches for one in batch]
    assert len(ids) == len(set(ids)) == 50


@pytest.fixture
async def announcer(rabbit_url: str) -> AsyncIterator[Announcer]:
    opened = Announcer(rabbit_url)
    yield opened
    await opened.close()


@pytest.fixture
async def bound(
    amqp_url: str, rabbit_url: str, announcer: Announcer
) -> AsyncIterator[AbstractQueue]:
    """A queue of somebody else's on our exchange, for orders only."""
    prefix = rabbit_url.partition("prefix=")[2]
    await announcer.announce([])
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(f"{prefix}tillstream.events", "order.*")
        yield queue
        await channel.exchange_delete(f"{prefix}tillstream.events")


async def received(queue: AbstractQueue, count: int) -> list[aio_pika.abc.AbstractIncomingMessage]:
    found = []
    async with asyncio.timeout(20), queue.iterator() as messages:
        async for message in messages:
            await message.ack()
            found.append(message)
            if len(found) == count:
                break
    return found


async def test_the_relay_publishes_by_type_and_forgets(
    pool: Pool, db: asyncpg.Connection, announcer: Announcer, bound: AbstractQueue
) -> None:
    await save(pool, *(an_order(number, 1) for number in range(1, 8)), a_customer(9, 1))

    await relay_once(pool, announced=True)
    assert await announce_once(pool, announcer) == 8
    messages = await received(bound, 7)

    assert {message.routing_key for message in messages} == {"order.changed"}
    bodies = [orjson.loads(message.body) for message in messages]
    assert {body["object_id"] for body in bodies} == set(range(1, 8))
    assert [body["id"] for body in bodies] == [message.message_id for message in messages]
    assert await db.fetchval("SELECT count(*) FROM commerce.domain_events") == 0
    assert await announce_once(pool, announcer) == 0


async def test_events_of_an_object_that_waited_are_published_in_order(
    pool: Pool, announcer: Announcer, bound: AbstractQueue
) -> None:
    for second in range(20):
        await save(pool, an_order(1, second, total=f"{second}.00"))
        await relay_once(pool, announced=True)

    counts = await asyncio.gather(*(announce_once(pool, announcer) for _ in range(3)))

    assert sum(counts) == 20
    versions = [orjson.loads(one.body)["updated_at"] for one in await received(bound, 20)]
    assert versions == sorted(versions)


async def test_an_event_of_a_newer_release_waits_for_it(pool: Pool, db: asyncpg.Connection) -> None:
    await db.execute(
        "INSERT INTO commerce.domain_events (tenant_id, shop_id, type) VALUES ($1, 1, 'moon.rose')",
        OWNER.tenant_id,
    )
    await save(pool, an_order(1, 1))

    assert await relay_once(pool) == 1
    assert await db.fetchval("SELECT type FROM commerce.domain_events") == "moon.rose"


async def statements(pool: Pool, *facts: object) -> int:
    asked: list[str] = []
    async with pool.acquire() as conn:
        with conn.query_logger(lambda record: asked.append(record.query)):
            async with conn.transaction():
                await write(conn, facts)
    return len(asked)


async def test_telling_costs_nothing_unheard_and_one_statement_else(
    pool: Pool, quiet_pool: Pool
) -> None:
    seconds = iter(range(9))
    counted = []
    for each in (quiet_pool, pool):
        # New objects are copied; the first time that others come tables are prepared.
        for second in (next(seconds), next(seconds), next(seconds)):
            orders = [an_order(number, second, total=f"{second}.00") for number in range(500)]
            said = await statements(each, *orders)
        counted.append(said)

    unheard, heard = counted
    assert heard == unheard + 1
    assert unheard / 500 <= 0.2


async def test_endpoints_are_told_while_the_broker_is_away(
    pool: Pool, db: asyncpg.Connection, announcer: Announcer, bound: AbstractQueue
) -> None:
    await add_endpoint(db)
    away = Announcer("amqp://guest:guest@127.0.0.1:9/")

    for number in range(1, 4):
        await save(pool, an_order(number, 1))
        await relay_once(pool, announced=True)
        with pytest.raises(Unavailable):
            await announce_once(pool, away)
    await away.close()

    told = await db.fetch("SELECT event_id::text FROM commerce.outgoing_messages")
    assert await announce_once(pool, announcer) == 3
    announced = [one.message_id for one in await received(bound, 3)]
    assert sorted(announced) == sorted(row["event_id"] for row in told)
    assert await announce_once(pool, announcer) == 0


async def test_what_a_killed_relay_took_is_taken_again_under_its_id(
    pool: Pool, db: asyncpg.Connection
) -> None:
    await save(pool, an_order(1, 1))
    (first,) = await taken(pool)

    assert await taken(pool) == []
    await db.execute("UPDATE commerce.domain_events SET leased_until = $1", NOON)

    assert [one.event_id for one in await taken(pool)] == [first.event_id]
