"""kill -9 of the syncer in the middle of telling: every event arrives, doubles under one id."""

from __future__ import annotations

import asyncio
import uuid

import asyncpg
import pytest

from shared.keyring import KeyRing, generate_key
from tests.integration.outgoing.receiver_process import Receiver, receiving
from tests.integration.outgoing.test_webhooks import SECRET, add_endpoint
from tests.integration.processes import Process
from tests.integration.syncer.objects import TENANT

EVENTS = 600


async def arrived(receiver: Receiver, count: int) -> set[str]:
    """Wait until *count* different events arrived."""
    async with asyncio.timeout(50):
        while len(ids := {each["id"] for each in await receiver.taken()}) < count:
            await asyncio.sleep(0.05)
    return ids


@pytest.mark.usefixtures("store")
async def test_no_event_is_lost_when_the_syncer_is_killed(dsn: str, db: asyncpg.Connection) -> None:
    key = generate_key()
    await db.execute(
        "INSERT INTO commerce.domain_events (tenant_id, shop_id, type, object_id)"
        " SELECT $1, 1, 'order.changed', n FROM generate_series(1, $2) AS n",
        uuid.UUID(TENANT),
        EVENTS,
    )
    rows = await db.fetch("SELECT event_id::text FROM commerce.domain_events")
    syncer = Process(
        "syncer",
        {
            "DATABASE_URL": dsn,
            "APP_ENV": "test",
            "SHOPIFY_CLIENT_SECRET": "s",
            "SHOPIFY_ENCRYPTION_KEY": key,
        },
    )
    with receiving(SECRET) as receiver:
        await add_endpoint(db, KeyRing.parse(key), receiver.base + "/hook")
        for enough in (1, EVENTS // 3):
            await syncer.start()
            await arrived(receiver, enough)
            await syncer.kill()
            # What it had taken is free again once the leases end.
            await db.execute(
                "UPDATE commerce.outgoing_messages SET leased_until = now() - interval '1 s'"
                " WHERE leased_until IS NOT NULL"
            )
            await db.execute(
                "UPDATE commerce.domain_events SET leased_until = now() - interval '1 s'"
                " WHERE leased_until IS NOT NULL"
            )
        await syncer.start()
        try:
            assert await arrived(receiver, EVENTS) == {row["event_id"] for row in rows}
        finally:
            await syncer.kill()
