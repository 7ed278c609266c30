"""The log of deliveries: found, counted, read, followed and replayed."""

from __future__ import annotations

import json
import uuid
from dataclasses import astuple
from datetime import UTC, datetime, timedelta

import pytest
import zstandard

from shared.clock import now
from shared.event_log import SQL, Search
from shared.postgres import open_pool, tenant_transaction
from tests.integration.gateway import rows

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def owned(tenant):
    return {"tenant_id": uuid.UUID(tenant.tenant_id), "shop_id": tenant.shop_id}


@pytest.fixture
def keep(db, alba):
    """Insert a delivery of alba's."""

    async def kept(webhook_id: str, *, minutes: int = 0, body: bytes | None = None, **values):
        at = NOON + timedelta(minutes=minutes)
        packed = None if body is None else zstandard.ZstdCompressor().compress(body)
        await rows.insert(
            db,
            "commerce.webhook_events",
            **{
                **owned(alba), "topic": "orders/updated", "state": "applied", "received_at": at,
                "processed_at": at, "body": packed, "webhook_id": webhook_id, **values,
            },
        )  # fmt: skip

    return kept


@pytest.fixture
def ask(gateway, alba):
    """Ask about alba's deliveries."""

    async def asked(path: str = "", **query):
        url = f"/stores/{alba.shop_id}/webhooks/events{path}"
        return await gateway.get(url, headers=alba.headers(), **query)

    return asked


async def found(ask, **query) -> list[str]:
    status, body = await ask(**query)
    assert status == 200, body
    return [one["webhook_id"] for one in body["data"]]


async def test_a_delivery_is_found_by_whatever_is_known_of_it(ask, keep):
    await keep("w1", minutes=1, event_id="e", resource_id=rows.ORDER, topic="orders/paid")
    await keep("w2", minutes=2, event_id="e", state="dead", resource_name="#1002")
    await keep("w3", minutes=3, resource_id=rows.ORDER, topic="products/update")
    after = (NOON + timedelta(minutes=3)).isoformat()

    assert await found(ask, webhook_id="w1") == ["w1"]
    assert await found(ask, event_id="e") == ["w2", "w1"]
    assert await found(ask, resource_id=rows.ORDER) == ["w3", "w1", "alba"]
    assert await found(ask, order_name="alba-1") == ["w1", "alba"]
    assert await found(ask, order_name="1002") == ["w2"]
    assert await found(ask, topic="orders/paid") == ["w1"]
    assert await found(ask, state="dead") == ["w2"]
    assert await found(ask, received_from=NOON.isoformat(), received_to=after) == ["w2", "w1"]
    assert await found(ask, order_name="nobody") == []


async def test_the_deliveries_of_an_order_name_it(ask, keep):
    await keep("w1", resource_id=rows.ORDER, outcome=f"order:{rows.ORDER}:updated")

    _, body = await ask(webhook_id="w1")

    (one,) = body["data"]
    assert one["order_name"] == "alba-1"
    assert one["outcomes"] == [{"kind": "order", "id": str(rows.ORDER), "outcome": "updated"}]
    assert body.get("meta") is None


async def test_counts_by_state_topic_and_hour(ask, keep):
    await keep("w1", minutes=1)
    await keep("w2", minutes=2, state="dead")
    await keep("w3", minutes=61, topic="products/update")

    _, body = await ask("/counts", received_from=NOON.isoformat())
    _, dead = await ask("/counts", received_from=NOON.isoformat(), state="dead")
    too_long, problem = await ask("/counts", received_from="2026-01-01T00:00:00Z")

    assert body["data"]["states"] == {"applied": 2, "dead": 1}
    assert body["data"]["topics"] == [
        {"topic": "orders/updated", "states": {"applied": 1, "dead": 1}},
        {"topic": "products/update", "states": {"applied": 1}},
    ]
    assert [hour["states"] for hour in body["data"]["hours"]] == [
        {"applied": 1, "dead": 1}, {"applied": 1},
    ]  # fmt: skip
    assert dead["data"]["states"] == {"dead": 1}
    assert (too_long, problem["code"]) == (400, "validation_failed")


async def test_a_body_is_given_as_it_came_to_admins_alone_and_noted(gateway, alba, keep, db):
    sent = b'{ "id": 1,  "email": "a@b.example" }\n'
    await keep("w1", body=sent)
    await keep("w2", body=b"<order/>")
    await keep("w3")
    url = f"/api/v1/shopify/stores/{alba.shop_id}/webhooks/events"

    answers = {
        name: await gateway.client.get(f"{url}/{name}/body", headers=alba.headers())
        for name in ("w1", "w2", "w3", "w4")
    }
    refused = await gateway.client.get(f"{url}/w1/body", headers=alba.headers("write"))

    assert {name: one.status for name, one in answers.items()} == {
        "w1": 200, "w2": 200, "w3": 404, "w4": 404,
    }  # fmt: skip
    assert await answers["w1"].read() == sent
    assert [answers[name].content_type for name in ("w1", "w2")] == [
        "application/json", "application/xml",
    ]  # fmt: skip
    assert (await answers["w3"].json())["code"] == "body_forgotten"
    assert answers["w1"].headers["Cache-Control"] == "no-store"
    assert refused.status == 403
    entries = await db.fetch(
        "SELECT details->>'webhook_id' AS id FROM accounts.audit_log"
        " WHERE action = 'event.body_read' ORDER BY entry_id"
    )
    assert [row["id"] for row in entries] == ["w1", "w2"]


async def test_the_way_of_a_delivery_from_shopify_to_the_rollup(ask, keep, db, alba):
    def at(milliseconds: int) -> datetime:
        return NOON + timedelta(milliseconds=milliseconds)

    await keep(
        "w1", resource_id=rows.ORDER, outcome=f"order:{rows.ORDER}:inserted", attempts=2,
        triggered_at=at(-300), received_at=NOON, handed_at=at(2), spooled=True, taken_at=at(5),
        processed_at=at(25), trace_id=uuid.UUID("0af7651916cd43dd8448eb211c80319c"),
    )  # fmt: skip
    _, before = await ask("/w1/trace")
    for milliseconds, order in ((20, rows.ORDER), (400, 1), (900, rows.ORDER)):
        await rows.insert(
            db, "analytics.folds", **owned(alba), folded_at=at(milliseconds), order_ids=[order]
        )
    _, after = await ask("/w1/trace")

    assert after["data"]["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    steps = [(s["step"], s["milliseconds"], s["detail"]) for s in after["data"]["steps"]]
    assert steps == [
        ("triggered", None, "at Shopify"),
        ("received", 300.0, None),
        ("handed to the bus", 2.0, "from the spool"),
        ("taken", 3.0, "attempt 2"),
        ("committed", 20.0, f"applied: order:{rows.ORDER}:inserted"),
        ("marked", 0.0, None),
        ("folded into the rollup", 875.0, None),
    ]
    assert before["data"]["steps"][-1]["at"] is None


async def test_one_of_several_topics_must_be_named(ask, keep):
    await keep("w1", topic="orders/paid")
    await keep("w1", topic="orders/updated")

    status, problem = await ask("/w1")
    _, named = await ask("/w1", topic="orders/paid")

    assert (status, problem["details"]) == (409, {"topics": ["orders/paid", "orders/updated"]})
    assert named["data"]["topic"] == "orders/paid"


async def test_a_replay_is_counted_asked_for_once_and_noted(gateway, alba, keep, db):
    await keep("w1", state="dead", body=b"{}")
    await keep("w2", state="dead")
    await keep("w3", body=b"{}")
    url = f"/stores/{alba.shop_id}/webhooks"

    async def post(path, body=None, scope="write"):
        return await gateway.post(f"{url}/{path}", body or {}, headers=alba.headers(scope))

    _, dry = await post("events/replay", {"dry_run": True})
    status, asked = await post("events/replay", {"topic": "orders/updated", "rate": 5})
    _, again = await post("events/replay", {"topic": "orders/updated", "rate": 5})
    refused, problem = await post("events/w3/replay")

    assert dry["data"] == {"deliveries": 1, "without_body": 1, "replay": None}
    replay = asked["data"]["replay"]
    assert (status, replay["status"], replay["states"], replay["per_second"]) == (
        202, "queued", ["dead"], 5.0,
    )  # fmt: skip
    assert again["data"]["replay"]["job_id"] == replay["job_id"]
    assert (refused, problem["code"]) == (409, "replay_running")
    _, shown = await gateway.get(
        f"/stores/{alba.shop_id}/webhooks/replays/{replay['job_id']}", headers=alba.headers()
    )
    _, listed = await gateway.get(
        f"/stores/{alba.shop_id}/webhooks/replays", headers=alba.headers("read")
    )
    assert shown["data"] == replay == listed["data"][0]
    noted = await db.fetchval(
        "SELECT details FROM accounts.audit_log WHERE action = 'events.replayed' LIMIT 1"
    )
    assert json.loads(noted)["topic"] == "orders/updated"


async def test_a_replay_is_ended_and_makes_room_for_another(gateway, alba, boro, keep, db):
    await keep("w1", state="dead", body=b"{}")
    url = f"/stores/{alba.shop_id}/webhooks"
    _, asked = await gateway.post(f"{url}/events/replay", {}, headers=alba.headers("write"))
    one = f"{url}/replays/{asked['data']['replay']['job_id']}"

    async def end(headers):
        response = await gateway.client.delete(f"/api/v1/shopify{one}", headers=headers)
        return response.status, await response.json()

    reading, _ = await end(alba.headers("read"))
    another, _ = await end(boro.headers("write"))
    status, ended = await end(alba.headers("write"))
    _, again = await end(alba.headers("write"))
    free, _ = await gateway.post(f"{url}/events/w1/replay", {}, headers=alba.headers("write"))

    assert (reading, another, status, free) == (403, 404, 200, 202)
    assert (ended["data"]["status"], again["data"]) == ("cancelled", ended["data"])
    noted = "SELECT count(*) FROM accounts.audit_log WHERE action = 'events.replay_ended'"
    assert await db.fetchval(noted) == 1


async def test_one_delivery_is_replayed_whatever_its_state(gateway, alba, keep):
    await keep("w3", body=b"{}")

    _, asked = await gateway.post(
        f"/stores/{alba.shop_id}/webhooks/events/w3/replay", {}, headers=alba.headers("write")
    )

    replay = asked["data"]["replay"]
    assert (replay["webhook_id"], replay["states"]) == ("w3", None)


async def test_how_fresh_a_store_is(gateway, alba, keep, db):
    await keep("w1", minutes=5, processed_at=NOON + timedelta(minutes=5, seconds=2))
    await keep("w2", minutes=9, state="dead", processed_at=NOON + timedelta(minutes=9, seconds=1))
    waits = NOON - timedelta(hours=1)
    await rows.insert(db, "intake.spool", **owned(alba), spooled_at=waits, delivery=b"")
    await rows.insert(db, "intake.spool", tenant_id=uuid.uuid4(), shop_id=999, delivery=b"")

    _, body = await gateway.get(f"/stores/{alba.shop_id}/freshness", headers=alba.headers("read"))

    fresh = body["data"]
    assert datetime.fromisoformat(fresh["last_received_at"]) == NOON + timedelta(minutes=9)
    assert datetime.fromisoformat(fresh["last_applied_at"]).second == 2
    assert datetime.fromisoformat(fresh["oldest_unapplied_at"]) == waits
    assert (fresh["lag_seconds"], fresh["spooled"], fresh["dead"]) == (1.0, 1, 1)
    assert (fresh["pending_orders"], len(fresh["resources"])) == (1, 14)
    assert fresh["resources"][0]["last_polled_at"] is None


async def test_a_store_that_never_got_anything_is_no_bug(gateway, boro, db):
    await db.execute("DELETE FROM commerce.webhook_events")

    for path in ("freshness", "webhooks/events", "webhooks/events/counts", "webhooks/replays"):
        status, _ = await gateway.get(f"/stores/{boro.shop_id}/{path}", headers=boro.headers())
        assert status == 200, path


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({"webhook_id": "w77"}, "webhook_events_pkey"),
        ({"event_id": "e77"}, "webhook_events_event"),
        ({"resource_id": 77}, "webhook_events_resource"),
        ({"order_name": "#77"}, "webhook_events_resource"),
        ({"states": ["dead"]}, "webhook_events_dead"),
        ({}, "webhook_events_received"),
    ],
)
async def test_every_search_reads_its_own_rows_alone(dsn, db, alba, query, index):
    await db.execute(
        "INSERT INTO commerce.webhook_events (tenant_id, shop_id, topic, webhook_id, event_id,"
        " resource_id, received_at, body_sha256, state)"
        " SELECT $1, $2, 'orders/updated', 'w' || n, 'e' || n, n, $3::timestamptz - n * interval"
        " '1 s', '', CASE WHEN n % 5000 = 77 THEN 'dead' ELSE 'applied' END"
        " FROM generate_series(1, 20000) n",
        *(owned(alba).values()),
        now(),
    )
    await rows.insert_order(db, *owned(alba).values(), 77, name="#77")
    await db.execute("ANALYZE commerce.webhook_events; ANALYZE commerce.orders")
    pool = await open_pool(dsn, role="tillstream_gateway", max_size=1)
    try:
        async with tenant_transaction(pool, alba.tenant_id) as conn:
            await conn.execute(SQL["known_filters"])
            values = (*owned(alba).values(), *astuple(Search(**query)), None, None, None, 51)
            plan = await conn.fetchval("EXPLAIN (ANALYZE, FORMAT JSON) " + SQL["page"], *values)
    finally:
        await pool.close()

    scans = []

    def walk(node):
        if node.get("Relation Name") == "webhook_events":
            read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            scans.append((node["Node Type"], read <= 60))
        for child in node.get("Plans", []):
            walk(child)

    walk(json.loads(plan)[0]["Plan"])
    assert index in plan
    assert scans
    assert all(few for _, few in scans), plan
