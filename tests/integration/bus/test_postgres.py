"""What is the Postgres bus's alone: leases, fencing, waking, reasons kept in a table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import asyncpg
import pytest

from shared.bus import postgres_consumer
from shared.bus.jitter import Spread
from shared.bus.postgres_bus import PostgresBus
from shared.bus.postgres_lease import Lease
from shared.bus.protocol import Bury, Done, Message, Outcome, Retry
from shared.bus.topology import DELIVERY_LIMIT
from shared.errors import Unavailable
from shared.postgres import Pool, load_queries, open_pool
from tests.chaos_proxy import proxied
from tests.integration.bus.conftest import BINDINGS, DELAYS
from tests.integration.bus.test_conformance import Recorder, consumed, until

SQL = load_queries("shared.bus")
SHORT = timedelta(seconds=0.3)


@pytest.fixture
async def bus(pool: Pool) -> AsyncIterator[PostgresBus]:
    bus = PostgresBus(pool, bindings=BINDINGS, delays=DELAYS, lease=SHORT)
    yield bus
    await bus.close()


def a_lease(pool: Pool, *, length: timedelta = SHORT) -> Lease:
    return Lease(pool, queue="ledger.v1", size=10, length=length, spread=Spread(DELAYS))


async def test_an_expired_lease_returns_the_message_and_its_zombie_cannot_settle(
    bus: PostgresBus, pool: Pool, db: asyncpg.Connection
):
    await bus.publish("fruit.sold", b"pear")
    zombie, heir = a_lease(pool), a_lease(pool, length=timedelta(seconds=30))
    [held] = await zombie.claim()
    assert await heir.claim() == []

    await asyncio.sleep(0.4)
    [inherited] = await heir.claim()
    await zombie.settle([held], [Done()])
    await zombie.settle([held], [Bury("zombie")])
    left = await db.fetchval("SELECT count(*) FROM bus.messages")
    await heir.settle([inherited], [Done()])

    assert inherited.message.body == b"pear"
    assert left == 1
    assert await db.fetchval("SELECT count(*) FROM bus.messages") == 0
    assert await db.fetchval("SELECT count(*) FROM bus.dead") == 0


async def test_a_server_that_became_a_replica_is_unavailable(dsn: str, db: asyncpg.Connection):
    replica = {"default_transaction_read_only": "on"}
    async with asyncpg.create_pool(dsn, min_size=1, server_settings=replica) as pool:
        bus = PostgresBus(pool, bindings=BINDINGS)

        with pytest.raises(Unavailable):
            await bus.publish("fruit.sold", b"pear")
        with pytest.raises(Unavailable):
            await a_lease(pool).claim()
        await bus.close()


async def test_a_handler_slower_than_the_lease_keeps_its_messages(bus: PostgresBus, pool: Pool):
    await bus.publish("fruit.sold", b"pear")
    handler, rival = Recorder(), Recorder()

    async def slow(messages: Sequence[Message]) -> Sequence[Outcome]:
        await asyncio.sleep(1)
        return await handler(messages)

    async with consumed(bus, slow), consumed(bus, rival):
        await until(lambda: bool(handler.messages or rival.messages))

    assert len(handler.messages) + len(rival.messages) == 1


async def test_what_kills_its_consumer_every_time_is_buried(
    bus: PostgresBus, db: asyncpg.Connection
):
    await bus.publish("fruit.sold", b"bomb")
    await db.execute("UPDATE bus.messages SET deliveries = $1", DELIVERY_LIMIT)
    handler = Recorder()

    async with consumed(bus, handler):
        await until(lambda: _one_dead(bus))

    assert handler.messages == []
    assert await db.fetchval("SELECT reason FROM bus.dead") == "delivery limit reached"


async def _one_dead(bus: PostgresBus) -> bool:
    return await bus.dead("ledger.v1") == 1


async def test_the_dead_keep_body_topic_and_reason(bus: PostgresBus, db: asyncpg.Connection):
    await bus.publish("fruit.sold", b"worm", headers={"trace": "abc"})

    async with consumed(bus, Recorder(lambda _: Bury("rotten"))):
        await until(lambda: _one_dead(bus))

    row = await db.fetchrow("SELECT queue, topic, body, headers->>'trace', reason FROM bus.dead")
    assert tuple(row) == ("ledger.v1", "fruit.sold", b"worm", "abc", "rotten")


async def test_publishing_wakes_a_waiting_consumer_before_it_polls(
    bus: PostgresBus, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(postgres_consumer, "_POLL_SECONDS", 30)
    handler = Recorder()

    async with consumed(bus, handler):
        await asyncio.sleep(0.3)
        started = time.monotonic()
        await bus.publish("fruit.sold", b"pear")
        await until(lambda: len(handler.messages) == 1)

    assert time.monotonic() - started < 1


async def test_many_publishers_share_inserts(bus: PostgresBus, db: asyncpg.Connection):
    await asyncio.gather(*(bus.publish("fruit.picked", b"%d" % n) for n in range(500)))

    rows, transactions = await db.fetchrow(
        "SELECT count(*), count(DISTINCT xmin::text) FROM bus.messages"
    )
    assert rows == 1000
    assert transactions <= 20


async def test_an_unreachable_database_is_unavailable_and_heals(dsn: str, db: asyncpg.Connection):
    async with proxied(dsn, 5432) as proxy:
        pool = await open_pool(proxy.through(dsn), role="tillstream_syncer")
        bus = PostgresBus(pool, bindings=BINDINGS, delays=DELAYS)
        handler = Recorder()
        async with consumed(bus, handler):
            await bus.publish("fruit.sold", b"before")
            await proxy.set("refuse")
            with pytest.raises(Unavailable):
                await bus.publish("fruit.sold", b"during")
            await proxy.set("ok")
            await bus.publish("fruit.sold", b"after")
            await until(lambda: {b"before", b"after"} <= set(handler.bodies))
        await bus.close()
        await asyncio.wait_for(pool.close(), 5)


async def test_retries_of_one_instant_wait_for_different_lengths(
    pool: Pool, db: asyncpg.Connection
):
    bus = PostgresBus(pool, bindings=BINDINGS, delays=(60,))
    await asyncio.gather(*(bus.publish("fruit.sold", b"%d" % n) for n in range(50)))
    async with consumed(bus, Recorder(lambda _: Retry("not ripe"))):
        await until(lambda: _waiting(bus, 50))
    await bus.close()

    row = await db.fetchrow(
        "SELECT count(DISTINCT available_at) AS moments, min(available_at - now()) AS first,"
        " max(available_at - now()) AS last FROM bus.messages"
    )
    assert row["moments"] == 50
    assert timedelta(seconds=30) < row["first"] < row["last"] <= timedelta(seconds=60)


async def _waiting(bus: PostgresBus, expected: int) -> bool:
    return (await bus.state("ledger.v1")).waiting == expected


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ("claim", "('ledger.v1', 200, '30s', gen_random_uuid())"),
        ("renew", "('{1,2}', gen_random_uuid(), '30s')"),
        ("acknowledge", "('{1,2}', gen_random_uuid())"),
        ("retry", "('{1,2}', gen_random_uuid(), '{5s,5s}', '{x,x}')"),
        ("bury", "('{1,2}', gen_random_uuid(), '{a,b}', '{x,x}')"),
    ],
)
async def test_statistics_of_an_empty_table_do_not_make_it_walk_the_whole_queue(
    db: asyncpg.Connection, query: str, arguments: str
):
    # Without the room that earlier tests left, the one message that stays is on the last page.
    await db.execute("TRUNCATE bus.messages")
    await db.execute(
        "INSERT INTO bus.messages (queue, topic, body)"
        " SELECT 'ledger.v1', 't', '' FROM generate_series(1, 5000)"
    )
    await db.execute("UPDATE bus.messages SET available_at = available_at + interval '1s'")
    await db.execute(
        "DELETE FROM bus.messages WHERE message_id < (SELECT max(message_id) FROM bus.messages)"
    )
    await db.execute("VACUUM bus.messages")
    await db.execute(f"PREPARE asked AS {SQL[query]}")

    plan = [row[0] for row in await db.fetch(f"EXPLAIN EXECUTE asked{arguments}")]

    await db.execute("DEALLOCATE asked")
    reached = [line.strip() for line in plan if "message_id = ANY" in line]
    assert len(reached) == 1
    assert reached[0].startswith("Index Cond")


async def test_claiming_uses_its_index(db: asyncpg.Connection):
    await db.execute(
        "INSERT INTO bus.messages (queue, topic, body, available_at)"
        " SELECT 'q' || n % 5, 't', '', now() - make_interval(secs => n)"
        " FROM generate_series(1, 5000) AS n"
    )
    await db.execute("ANALYZE bus.messages")

    plan = await db.fetch(
        "EXPLAIN SELECT message_id FROM bus.messages WHERE queue = 'q1' AND available_at <= now()"
        " ORDER BY available_at, message_id LIMIT 50 FOR UPDATE SKIP LOCKED"
    )

    text = "\n".join(row[0] for row in plan)
    assert "messages_ready" in text
    assert "Sort" not in text
