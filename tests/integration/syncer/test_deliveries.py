"""What becomes of deliveries: each once, together, and a bad one alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random

import orjson
import pytest
import zstandard

from bench.ingesting.orders import bodies
from services.syncer.handlers.deliveries import apply, consumer
from services.syncer.store import inbox
from shared.bus.protocol import Bury, Done, Message
from shared.clock import now
from shared.deliveries import TOPIC, Delivery, pack
from shared.errors import Unavailable
from shared.postgres import open_pool
from tests.integration.syncer.objects import TENANT, an_order


class RecordingBus:
    """Stands where the bus stands and keeps what is published."""

    def __init__(self, *, away: bool = False) -> None:
        self.published: list[dict[str, object]] = []
        self.away = away

    async def publish(
        self, topic: str, body: bytes, *, headers: Mapping[str, str] | None = None
    ) -> None:
        if self.away:
            raise Unavailable("no broker")
        self.published.append(orjson.loads(body))

    @property
    def topics(self) -> list[str]:
        return [str(event["kind"]) for event in self.published]


def an_item_delivery(
    webhook_id: str,
    item_id: int = 5,
    second: int = 0,
    *,
    cost: str = "1.00",
    topic: str = "inventory_items/update",
    **fields: object,
) -> Delivery:
    """Return the delivery of an inventory item as it is at *second*."""
    body = {
        "id": item_id,
        "sku": "TEA",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": f"2026-01-02T12:00:{second:02}Z",
        "requires_shipping": True,
        "cost": cost,
        "country_code_of_origin": None,
        "province_code_of_origin": None,
        "harmonized_system_code": None,
        "tracked": True,
        "country_harmonized_system_codes": [],
        "admin_graphql_api_id": f"gid://shopify/InventoryItem/{item_id}",
    }
    return a_delivery(webhook_id, topic, orjson.dumps({**body, **fields}))


def a_delivery(webhook_id: str, topic: str, body: bytes, **fields: object) -> Delivery:
    return Delivery(
        **{
            "tenant_id": TENANT,
            "shop_id": 1,
            "shop_domain": "tea.myshopify.com",
            "topic": topic,
            "webhook_id": webhook_id,
            "event_id": "",
            "triggered_at": "2026-01-02T12:00:00.123456789Z",
            "received_at": now().isoformat(),
            "api_version": "2026-10",
            "body": body,
            **fields,
        }
    )


def a_message(*deliveries: Delivery) -> Message:
    return Message(topic=TOPIC, body=pack(deliveries))


@pytest.fixture
def bus() -> RecordingBus:
    return RecordingBus()


@pytest.fixture
def handle(pool, bus):
    """Hand messages to the consumer as the bus would."""
    return consumer(pool, bus)


async def states(db) -> dict[str, str]:
    rows = await db.fetch("SELECT webhook_id, state FROM commerce.webhook_events")
    return {row["webhook_id"]: row["state"] for row in rows}


async def costs(db) -> dict[int, str]:
    rows = await db.fetch("SELECT inventory_item_id, unit_cost FROM commerce.inventory_items")
    return {row[0]: f"{row[1]:.2f}" for row in rows}


async def test_a_delivery_becomes_rows_and_is_kept(handle, db):
    one = an_item_delivery("w1", cost="2.50")

    assert await handle([a_message(one)]) == [Done()]

    assert await costs(db) == {5: "2.50"}
    row = await db.fetchrow("SELECT * FROM commerce.webhook_events")
    assert zstandard.ZstdDecompressor().decompress(row["body"]) == one.body
    assert (row["state"], row["resource_id"]) == ("applied", 5)
    assert row["triggered_at"].isoformat() == "2026-01-02T12:00:00.123456+00:00"


async def test_the_same_message_twice_changes_nothing(handle, db, contents):
    message = a_message(an_item_delivery("w1"), an_item_delivery("w2", 6))
    tables = ("webhook_events", "inventory_items")
    await handle([message])
    before = await contents(*tables)

    await handle([message, message])

    assert await contents(*tables) == before


async def test_the_same_body_under_another_id_is_a_duplicate(handle, db):
    await handle([a_message(an_item_delivery("w1"), an_item_delivery("w2"))])
    await handle([a_message(an_item_delivery("w3"))])

    assert sorted((await states(db)).values()) == ["applied", "duplicate", "duplicate"]


async def test_twins_far_apart_in_one_batch_are_recognised(handle, db):
    others = [an_item_delivery(f"w{n}", n) for n in range(10, 290)]

    await handle([a_message(an_item_delivery("a"), *others, an_item_delivery("z"))])

    found = await states(db)
    assert (found.pop("a"), found.pop("z")) == ("applied", "duplicate")
    assert set(found.values()) == {"applied"}


async def test_a_body_that_died_once_does_not_hide_its_twin(handle, db):
    """The first was recorded as dead, by an older version perhaps; its copy must be applied."""
    await handle([a_message(an_item_delivery("w1", cost="2.00"))])
    await db.execute("UPDATE commerce.webhook_events SET state = 'dead'")
    await db.execute("DELETE FROM commerce.inventory_items")

    twins = [an_item_delivery(name, cost="2.00") for name in ("w2", "w1")]
    await handle([a_message(*twins)])

    assert await states(db) == {"w1": "dead", "w2": "applied"}
    assert await costs(db) == {5: "2.00"}


async def test_a_late_delivery_is_stale(handle, db):
    await handle([a_message(an_item_delivery("w1", second=9, cost="9.00"))])
    await handle([a_message(an_item_delivery("w2", second=1, cost="1.00"))])

    assert await costs(db) == {5: "9.00"}
    assert await states(db) == {"w1": "applied", "w2": "stale"}


async def test_an_older_delivery_in_the_same_batch_is_stale(handle, db):
    await handle(
        [a_message(an_item_delivery("w1", second=9)), a_message(an_item_delivery("w2", second=1))]
    )

    assert await states(db) == {"w1": "applied", "w2": "stale"}


async def test_a_delivery_that_cannot_be_mapped_is_dead_alone(handle, db):
    bad = a_delivery("w2", "inventory_items/update", b'{"id": "five"}')

    outcomes = await handle([a_message(an_item_delivery("w1"), bad, an_item_delivery("w3", 7))])

    assert outcomes == [Done()]
    assert await states(db) == {"w1": "applied", "w2": "dead", "w3": "applied"}
    assert sorted(await costs(db)) == [5, 7]
    error = await db.fetchval("SELECT error FROM commerce.webhook_events WHERE state = 'dead'")
    assert "bad_payload" in error


async def test_a_delivery_that_the_database_refuses_is_dead_alone(handle, db):
    good = [an_item_delivery(f"w{n}", n) for n in range(1, 20)]
    bad = an_item_delivery("bad", 99, cost="123456789012345678.00")

    await handle([a_message(*good[:10], bad, *good[10:])])

    found = await states(db)
    assert found.pop("bad") == "dead"
    assert set(found.values()) == {"applied"}
    assert sorted(await costs(db)) == list(range(1, 20))


async def test_a_name_that_no_index_can_hold_is_dead_alone(handle, db):
    order = orjson.loads(next(bodies(1))) | {"name": Random(1).randbytes(4000).hex()}
    bad = a_delivery("bad", "orders/create", orjson.dumps(order))

    assert await handle([a_message(an_item_delivery("w1"), bad)]) == [Done()]

    assert await states(db) == {"w1": "applied", "bad": "dead"}


async def test_a_body_that_nests_deeper_than_we_read_is_dead_alone(handle, db):
    deep = b'{"text":' + b"[" * 5000 + b"]" * 5000 + b',"id":5}'

    await handle([a_message(an_item_delivery("w1"), a_delivery("bad", "orders/create", deep))])

    assert await states(db) == {"w1": "applied", "bad": "dead"}


async def test_the_error_of_a_delivery_does_not_quote_its_row(handle, db):
    no_ada = "ADD CONSTRAINT no_ada CHECK (email <> 'ada@example.com')"
    await db.execute(f"ALTER TABLE commerce.customers {no_ada}")
    body = {"id": 7, "email": "ada@example.com", "created_at": "2026-01-01T00:00:00Z"}
    body["updated_at"] = body["created_at"]
    try:
        await handle([a_message(a_delivery("w1", "customers/update", orjson.dumps(body)))])
    finally:
        await db.execute("ALTER TABLE commerce.customers DROP CONSTRAINT no_ada")

    row = await db.fetchrow("SELECT state, error FROM commerce.webhook_events")
    assert row["state"] == "dead"
    assert "no_ada" in row["error"]
    assert "ada@" not in row["error"]


async def test_a_message_that_is_no_batch_is_buried_and_its_neighbours_are_not(handle, db):
    noise = Message(topic=TOPIC, body=b"noise")

    outcomes = await handle([noise, a_message(an_item_delivery("w1"))])

    assert isinstance(outcomes[0], Bury)
    assert outcomes[1] == Done()
    assert await states(db) == {"w1": "applied"}


async def test_an_unknown_topic_is_kept_and_ignored(handle, db):
    await handle([a_message(a_delivery("w1", "themes/update", b'{"id": 1}'))])

    assert await states(db) == {"w1": "ignored"}


async def test_a_large_body_is_fetched_where_it_was_left(handle, db):
    whole = an_item_delivery("w1", cost="3.00")
    body_id = "00000000-0000-0000-0000-000000000009"
    await db.execute(
        "INSERT INTO intake.bodies (tenant_id, shop_id, body_id, body) VALUES ($1, 1, $2, $3)",
        TENANT,
        body_id,
        whole.body,
    )

    claim = a_delivery("w1", "inventory_items/update", b"", body_id=body_id)
    await handle([a_message(claim)])

    assert await costs(db) == {5: "3.00"}


async def test_large_bodies_are_not_all_in_hand_at_once(handle, db, monkeypatch):
    mebibytes = 2
    body = orjson.dumps({"id": 1, "text": "x" * (mebibytes * 2**20)})
    await db.execute(
        "INSERT INTO intake.bodies (tenant_id, shop_id, body_id, body)"
        " SELECT $1, 1, lpad(n::text, 32, '0')::uuid, $2 FROM generate_series(1, 40) AS n",
        TENANT,
        body,
    )
    claims = [
        a_delivery(f"w{n}", "themes/update", b"", body_id=f"{n:032}", large_bytes=len(body) + n)
        for n in range(1, 41)
    ]
    held = []
    monkeypatch.setattr(inbox, "record", recording(inbox.record, held))

    await handle([a_message(*claims)])

    assert sum(held) == 40
    assert max(held) * mebibytes <= 8


def recording(record, held: list[int]):
    """Note how many deliveries each transaction has in hand."""

    async def noting(conn, arrivals, **how):
        held.append(len(arrivals))
        return await record(conn, arrivals, **how)

    return noting


async def test_an_uninstalled_app_is_told_to_the_gateway(handle, bus):
    body = orjson.dumps({"id": 1, "name": "Tea", "myshopify_domain": "tea.myshopify.com"})

    await handle([a_message(a_delivery("w1", "app/uninstalled", body))])

    assert bus.topics == ["store.left"]
    assert bus.published[0]["status"] == "uninstalled"


async def test_a_late_word_of_leaving_tells_when_the_app_left(handle, bus):
    body = orjson.dumps({"id": 1, "name": "Tea", "myshopify_domain": "tea.myshopify.com"})
    triggered = {"triggered_at": "2026-01-01T08:00:00Z"}

    await handle([a_message(a_delivery("w1", "app/uninstalled", body, **triggered))])

    assert bus.published[0]["happened_at"] == "2026-01-01T08:00:00Z"


async def test_a_time_that_no_calendar_holds_harms_nobody(handle, db):
    bad = a_delivery("w2", "products/delete", b"{}", triggered_at="0001-01-01T00:00:00+01:00")

    await handle([a_message(an_item_delivery("w1"), bad, an_item_delivery("w3", 7))])

    assert await states(db) == {"w1": "applied", "w2": "dead", "w3": "applied"}


async def test_news_that_must_not_be_lost_keeps_the_delivery_waiting(pool, db):
    body = orjson.dumps({"id": 1, "name": "Tea", "myshopify_domain": "tea.myshopify.com"})
    handle = consumer(pool, RecordingBus(away=True))

    with pytest.raises(Unavailable):
        await handle([a_message(a_delivery("w1", "app/uninstalled", body))])

    assert await states(db) == {}


async def test_many_shops_and_overlapping_batches_end_applied_once(pool, db):
    handle = consumer(pool, RecordingBus())
    deliveries = [an_item_delivery(f"w{n}", n % 7, second=n % 60) for n in range(300)]

    await asyncio.gather(
        *(
            handle([a_message(*deliveries[start : start + 60])])
            for start in (0, 60, 120, 180, 240, 30, 90, 150, 210)
        )
    )

    assert len(await states(db)) == 300
    newest = {n % 7: max(m % 60 for m in range(300) if m % 7 == n % 7) for n in range(7)}
    rows = await db.fetch("SELECT inventory_item_id, updated_at FROM commerce.inventory_items")
    assert {row[0]: row[1].second for row in rows} == newest


async def test_a_database_that_is_away_keeps_the_batch_waiting(dsn, db):
    pool = await open_pool(dsn, role="tillstream_syncer")
    pool.terminate()

    with pytest.raises(Unavailable):
        await consumer(pool, RecordingBus())([a_message(an_item_delivery("w1"))])


async def test_a_nudge_that_is_lost_costs_nothing(pool, db, save):
    """The marks are committed; analytics finds them by itself."""
    gone = a_delivery("w1", "orders/delete", b'{"id": 1}')
    await save(an_order(1))

    outcomes = await consumer(pool, RecordingBus(away=True))([a_message(gone)])

    assert outcomes == [Done()]
    assert await db.fetchval("SELECT count(*) FROM analytics.order_marks") == 2


async def test_changes_and_refunds_that_cross_never_wait_for_each_other(pool, db):
    """Each asks for the ledgers of half of the orders on either ground, the other for the rest."""
    body = orjson.loads(next(bodies(1)))
    await db.execute(
        "INSERT INTO commerce.capabilities (tenant_id, shop_id, resource, state)"
        " VALUES ($1, 1, 'order_details', 'available')",
        TENANT,
    )

    def said(number: int, turn: int, *, refund: bool) -> Delivery:
        if refund:
            told = {"id": number * 1000 + turn, "order_id": number}
            return a_delivery(f"r{number}-{turn}", "refunds/create", orjson.dumps(told))
        told = body | {"id": number, "updated_at": f"2026-11-01T11:{turn:02}:00Z"}
        return a_delivery(f"o{number}-{turn}", "orders/updated", orjson.dumps(told))

    for turn in range(12):
        halves = [
            [said(one, turn, refund=one % 2 == half) for one in range(1, 61)] for half in (0, 1)
        ]
        await asyncio.gather(*(apply(half, pool=pool, bus=RecordingBus()) for half in halves))

    assert await db.fetchval("SELECT count(*) FROM commerce.refetches") == 120


@pytest.mark.parametrize("stored", [False, True])
async def test_twins_that_come_at_the_same_moment_are_applied_once(pool, db, stored):
    """One order of each body, in two transactions that see nothing of each other."""
    body = orjson.loads(next(bodies(1)))

    def sent(number: int, turn: int, twin: str) -> Delivery:
        told = body | {"id": number, "updated_at": f"2026-11-01T11:{turn:02}:00Z"}
        return a_delivery(f"{twin}{number}-{turn}", "orders/updated", orjson.dumps(told))

    for turn in range(6):
        first = turn * 100 + 1 if not stored else 1
        twins = [[sent(one, turn, twin) for one in range(first, first + 40)] for twin in "ab"]
        await asyncio.gather(*(apply(each, pool=pool, bus=RecordingBus()) for each in twins))

    rows = await db.fetch("SELECT state, count(*) FROM commerce.webhook_events GROUP BY state")
    assert dict(rows) == {"applied": 240, "duplicate": 240}
