"""A new version, word or field is written down, and the rows are written all the same."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from structlog.testing import capture_logs

from services.syncer import schema_drift
from services.syncer.handlers.deliveries import apply
from tests.integration.syncer.shopify import (
    a_webhook,
    connect_store,
    new_keys,
    shops_of,
    simulating,
)


class Silent:
    """A bus that nobody listens to."""

    async def publish(self, *_args, **_named) -> None:
        return None


@pytest.fixture(autouse=True)
def _nothing_seen():
    schema_drift.SEEN.taken()


async def drift(db) -> list[tuple[str, str, str, int]]:
    rows = await db.fetch("SELECT kind, what, example, count FROM commerce.schema_drift")
    return sorted(tuple(row) for row in rows)


async def test_strange_orders_are_written_and_what_is_strange_is_reported(db, pool):
    keys = new_keys()
    async with simulating("--orders", "30") as simulator:
        owner = await connect_store(db, await simulator.token(), keys)
        bodies = [orjson.loads(line) for line in (await simulator.truth("orders"))[:3]]
    for body in bodies:
        # The truth knows more than a webhook tells.
        del body["transactions"]
    plain = [a_webhook(owner, "orders/updated", body) for body in bodies]
    await apply(plain, pool=pool, bus=Silent())
    assert schema_drift.SEEN.taken() == {}

    for body in bodies:
        body |= {"updated_at": "2027-01-01T00:00:00Z", "loyalty_tier": "gold"}
        body["financial_status"] = "half_paid"
    strange = [a_webhook(owner, "orders/paid", body) for body in bodies]
    await apply(strange, pool=pool, bus=Silent())
    with capture_logs() as logs:
        await schema_drift.report(pool)
    again = a_webhook(owner, "orders/updated", bodies[0] | {"updated_at": "2027-01-02T00:00:00Z"})
    await apply([again], pool=pool, bus=Silent())
    await schema_drift.report(pool)

    assert await drift(db) == [
        ("enum", "orders.financial_status=half_paid", "half_paid", 4),
        ("field", "orders/paid: loyalty_tier", "string", 1),
    ]
    assert {line["kind"] for line in logs} == {"enum", "field"}
    assert await db.fetchval(
        "SELECT count(*) FROM commerce.orders WHERE financial_status = 'half_paid'"
    ) == 3  # fmt: skip
    assert (
        await db.fetchval("SELECT count(*) FROM commerce.webhook_events WHERE state = 'dead'") == 0
    )


async def test_another_version_is_reported_and_its_answers_are_taken(db, pool):
    keys = new_keys()
    async with simulating("--orders", "10") as simulator:
        owner = await connect_store(db, await simulator.token(), keys)
        shops = shops_of(pool, simulator, keys)
        shops._access = type(shops._access)(
            api_version="2024-01", base_url=simulator.base_url, patience=shops._access.patience
        )
        client = await shops.client(owner)
        for _ in range(2):
            assert b"gid" in await client.execute("query { shop { id } }")
    await schema_drift.report(pool)

    ((kind, what, example, count),) = await drift(db)
    assert (kind, count) == ("version", 2)
    assert what == f"answered by {example}"


async def test_what_was_seen_is_saved_when_the_syncer_stops(db, pool):
    keys = new_keys()
    owner = await connect_store(db, "shpat_x", keys)
    stop = asyncio.Event()
    running = asyncio.create_task(schema_drift.run(pool, stop, every_seconds=60))
    schema_drift.other_version(owner, "2027-01")

    stop.set()
    await running

    assert await drift(db) == [("version", "answered by 2027-01", "2027-01", 1)]
