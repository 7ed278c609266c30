"""Makes deliveries durable: on the bus, or in the spool while the broker is away."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

import structlog

from services.webhooks import store
from services.webhooks.domain import BATCH_BYTES, BATCH_DELIVERIES, COUNTED_TOPICS, counted
from services.webhooks.metrics import BATCH_DELIVERIES as BATCH_SIZE
from services.webhooks.metrics import DELIVERIES_TOTAL, PUBLISH_SECONDS, SPOOLED_TOTAL
from shared.bus.group_commit import GroupCommit, Limits
from shared.bus.protocol import Bus
from shared.clock import now
from shared.deliveries import TOPIC, Delivery, pack, sent_headers
from shared.errors import Unavailable
from shared.postgres import Pool

log = structlog.get_logger()

# What a delivery weighs beside its body.
_ENVELOPE_BYTES: Final = 512
# There from the start, so that alerts see the first ones.
_ACCEPTED: Final = {
    topic: DELIVERIES_TOTAL.labels(topic, "accepted") for topic in (*COUNTED_TOPICS, "other")
}


class Intake:
    """Group-commits deliveries; *spooling* is off when the bus lives where the spool does."""

    def __init__(self, bus: Bus, pool: Pool, *, spooling: bool) -> None:
        self._bus = bus
        self._pool = pool
        self._spooling = spooling
        self._commits: GroupCommit[Delivery] = GroupCommit(
            self._commit, limits=Limits(items=BATCH_DELIVERIES, size=BATCH_BYTES)
        )

    def add(self, delivery: Delivery) -> asyncio.Future[None]:
        """Return a future that ends when *delivery* is durable; see GroupCommit.add."""
        return self._commits.add(delivery, len(delivery.body) + _ENVELOPE_BYTES)

    def crowded(self) -> bool:
        """Say whether half of the room for what waits is taken."""
        return self._commits.crowded

    async def close(self) -> None:
        """Wait until everything taken in is durable or has failed."""
        await self._commits.close()

    async def _commit(self, deliveries: Sequence[Delivery]) -> None:
        started = time.perf_counter()
        try:
            headers = sent_headers(deliveries, at=now())
            await self._bus.publish(TOPIC, pack(deliveries), headers=headers)
        except Unavailable:
            if not self._spooling:
                raise
            await self._spool(deliveries)
        else:
            PUBLISH_SECONDS.observe(time.perf_counter() - started)
            BATCH_SIZE.observe(len(deliveries))
        # Together: one by one, each would cost a lock and four calls.
        for topic, number in Counter(delivery.topic for delivery in deliveries).items():
            _ACCEPTED[counted(topic)].inc(number)

    async def _spool(self, deliveries: Sequence[Delivery]) -> None:
        await store.spool(self._pool, deliveries)
        SPOOLED_TOTAL.inc(len(deliveries))
