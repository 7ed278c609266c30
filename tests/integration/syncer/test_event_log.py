"""What the log keeps of a delivery: its way, its trace, and what became of each object."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import orjson

from services.analytics.drain import drain
from services.syncer.handlers.deliveries import consumer
from shared.bus.protocol import Message
from shared.deliveries import TOPIC, pack, sent_headers
from shared.postgres import close_pool, open_pool
from tests.integration.syncer.conftest import save_all
from tests.integration.syncer.objects import an_order
from tests.integration.syncer.test_deliveries import (
    RecordingBus,
    a_delivery,
    a_message,
    an_item_delivery,
)

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def kept(db, webhook_id: str):
    return await db.fetchrow(
        "SELECT * FROM commerce.webhook_events WHERE webhook_id = $1", webhook_id
    )


async def test_the_way_of_a_delivery_is_kept(pool, db):
    handed = datetime(2026, 1, 2, 12, 0, 1, tzinfo=UTC)
    one = an_item_delivery("w1")
    traced = a_delivery("w2", one.topic, one.body, traceparent=TRACE)
    headers = sent_headers([traced], at=handed, spooled=True)
    message = Message(topic=TOPIC, body=pack([traced]), headers=headers, attempt=2)

    await consumer(pool, RecordingBus())([message])

    row = await kept(db, "w2")
    assert (row["handed_at"], row["spooled"], row["attempts"]) == (handed, True, 3)
    assert row["trace_id"] == uuid.UUID("0af7651916cd43dd8448eb211c80319c")
    assert row["received_at"] <= row["taken_at"] <= row["processed_at"]


async def test_what_became_of_each_object_is_kept(pool, db):
    handle = consumer(pool, RecordingBus())
    refund = a_delivery("w4", "refunds/create", b'{"id": 1, "order_id": 77}')

    await handle([a_message(an_item_delivery("w1", second=5))])
    await handle([a_message(an_item_delivery("w2", second=9, cost="2.00"))])
    await handle([a_message(an_item_delivery("w3", second=1), refund)])

    outcomes = {name: (await kept(db, name))["outcome"] for name in ("w1", "w2", "w3", "w4")}
    assert outcomes == {
        "w1": "inventory_item:5:inserted",
        "w2": "inventory_item:5:updated",
        "w3": "inventory_item:5:stale",
        "w4": "order:77:wanted order_details:77:wanted",
    }
    assert (await kept(db, "w3"))["state"] == "stale"


async def test_a_body_that_cannot_be_mapped_still_tells_its_object(pool, db):
    handle = consumer(pool, RecordingBus())
    bad = {"id": 450789469, "name": "#1001", "line_items": "none"}

    await handle([a_message(a_delivery("w1", "orders/updated", orjson.dumps(bad)))])
    await handle([a_message(a_delivery("w2", "orders/updated", b'{"id": [], "name": 7'))])

    row, nothing = await kept(db, "w1"), await kept(db, "w2")
    assert (row["state"], row["resource_id"], row["resource_name"]) == ("dead", 450789469, "#1001")
    assert (nothing["resource_id"], nothing["resource_name"]) == (None, None)


async def test_the_inbox_costs_a_handful_of_statements_per_batch(pool, db):
    """However many deliveries there are: a batch has up to 500."""
    items = [an_item_delivery(f"w{n}", n) for n in range(200)]
    handle = consumer(pool, RecordingBus())
    await handle([a_message(an_item_delivery("first", 999))])
    asked: list[str] = []
    async with pool.acquire() as one, pool.acquire() as two, pool.acquire() as three:
        for conn in (one, two, three):
            conn.add_query_logger(lambda record: asked.append(record.query))

    await handle([a_message(*items)])

    assert 3 < len(asked) <= 0.1 * len(items)


async def test_the_trace_goes_from_shopify_to_the_rollup(pool, db, dsn):
    """Every service writes its own step; nobody else's."""
    sent = datetime(2026, 1, 2, 12, 0, 1, tzinfo=UTC)
    gone = a_delivery("w1", "orders/delete", b'{"id": 1}', received_at=sent.isoformat())
    headers = sent_headers([gone], at=sent)
    await save_all(pool, [an_order(1)])
    await db.execute("DELETE FROM analytics.order_marks")
    await consumer(pool, RecordingBus())([Message(topic=TOPIC, body=pack([gone]), headers=headers)])
    steps = "SELECT step, at FROM analytics.delivery_steps WHERE webhook_id = 'w1' ORDER BY place"
    before = await db.fetch(steps)

    analytics = await open_pool(dsn, role="tillstream_analytics", max_size=1)
    try:
        await drain(analytics)
    finally:
        await close_pool(analytics)

    after = await db.fetch(steps)
    assert [row["step"] for row in before] == [row["step"] for row in after]
    assert [row["step"] for row in after] == [
        "triggered",
        "received",
        "handed to the bus",
        "taken",
        "committed",
        "marked",
        "folded into the rollup",
    ]
    assert before[-1]["at"] is None
    times = [row["at"] for row in after]
    assert times == sorted(times)
