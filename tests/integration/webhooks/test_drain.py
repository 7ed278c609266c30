"""The spool leaves a message at a time, however slowly the broker confirms."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

import asyncpg
import pytest

from services.webhooks import store
from services.webhooks.domain import BATCH_BYTES, BATCH_DELIVERIES
from services.webhooks.drain import drain_once
from shared.deliveries import Delivery, pack, unpack
from shared.errors import Unavailable
from shared.postgres import Pool, open_pool

TENANT = UUID(int=1)
IDLE_SECONDS = 1.0


class SlowBus:
    """Confirms each message after *seconds*; from message *fails_at* on, none."""

    def __init__(self, *, seconds: float = 0, fails_at: int | None = None) -> None:
        self._seconds = seconds
        self._fails_at = fails_at
        self.messages: list[list[str]] = []

    async def publish(
        self, topic: str, body: bytes, *, headers: Mapping[str, str] | None = None
    ) -> None:
        await asyncio.sleep(self._seconds)
        if len(self.messages) == self._fails_at:
            raise Unavailable("not confirmed")
        self.messages.append([delivery.webhook_id for delivery in unpack(body)])

    @property
    def published(self) -> list[str]:
        return [webhook_id for message in self.messages for webhook_id in message]


@pytest.fixture
async def own_pool(dsn: str) -> AsyncIterator[Pool]:
    """The service's, whose sessions end after fewer idle seconds than in earnest."""
    idle = {"idle_in_transaction_session_timeout": f"{IDLE_SECONDS * 1000:.0f}ms"}
    pool = await open_pool(dsn, role="tillstream_webhooks", own=idle)
    yield pool
    await pool.close()


async def spool(pool: Pool, count: int, *, size: int) -> list[str]:
    """Spool bodies that do not compress; return their ids."""
    deliveries = [
        Delivery(
            str(TENANT), 1, "a.myshopify.com", "orders/create", f"webhook-{number}", "", "", "", "",
            os.urandom(size),
        )
        for number in range(count)
    ]  # fmt: skip
    await store.spool(pool, deliveries)
    return [delivery.webhook_id for delivery in deliveries]


async def test_a_slow_confirmation_does_not_have_everything_published_again(
    db: asyncpg.Connection, own_pool: Pool
):
    ids = await spool(own_pool, 12, size=300 * 1024)
    bus = SlowBus(seconds=IDLE_SECONDS / 6)

    while await drain_once(own_pool, bus):
        pass

    assert bus.published == ids
    assert await db.fetchval("SELECT count(*) FROM intake.spool") == 0


async def test_what_was_confirmed_before_the_broker_failed_is_not_published_again(own_pool: Pool):
    ids = await spool(own_pool, 3 * BATCH_DELIVERIES, size=10)
    bus = SlowBus(fails_at=2)
    rounds = [await drain_once(own_pool, bus) for _ in range(2)]
    with pytest.raises(Unavailable):
        await drain_once(own_pool, bus)

    again = SlowBus()
    rounds.append(await drain_once(own_pool, again))

    assert bus.published + again.published == ids
    assert rounds == [BATCH_DELIVERIES] * 3


async def test_no_more_is_read_than_a_message_holds(own_pool: Pool):
    await spool(own_pool, 20, size=100 * 1024)

    async with own_pool.acquire() as conn, conn.transaction():
        read = list(await store.oldest_spooled(conn, limit=BATCH_DELIVERIES, size=BATCH_BYTES))

    packed = sum(len(pack([one.delivery])) for one in read[:-1])
    assert 1 < len(read) < 20
    assert packed < BATCH_BYTES
