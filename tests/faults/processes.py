"""Faults of our own processes: killed, stopped and frozen."""

from __future__ import annotations

import asyncio
import random
import time

from tests.faults import stores
from tests.faults.rig import Rig

LEASE_SECONDS = 30
# How long a kill waits for its moment at most.
_PATIENCE_SECONDS = 15.0
_PUBLISHING = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'tillstream_webhooks' AND state LIKE 'idle in transaction%'
    AND datname = current_database()
"""
_HALF_WRITTEN = """
SELECT count(*) FROM commerce.webhook_events e
WHERE e.state = 'applied' AND NOT EXISTS (
    SELECT FROM commerce.orders o WHERE o.tenant_id = e.tenant_id AND o.shop_id = e.shop_id
        AND o.order_id = e.resource_id
) AND NOT EXISTS (
    SELECT FROM commerce.tombstones t WHERE t.tenant_id = e.tenant_id AND t.shop_id = e.shop_id
        AND t.kind = 'order' AND t.id = e.resource_id
)
"""


async def receiver_killed(rig: Rig, chance: random.Random) -> None:
    await _killed("webhooks", rig, chance)


async def syncer_killed(rig: Rig, chance: random.Random) -> None:
    await _killed("syncer", rig, chance)


async def syncer_stopped(rig: Rig, chance: random.Random) -> None:
    (syncer,) = rig.named("syncer")
    await asyncio.sleep(chance.uniform(0.05, 0.5))
    async with rig.down(syncer, gently=True):
        await asyncio.sleep(chance.uniform(0, 0.3))


async def syncer_stopped_in_trouble(rig: Rig, chance: random.Random) -> None:
    """Stop it while a batch waits for Postgres, or goes on waiting when Postgres is just back."""
    (syncer,) = rig.named("syncer")
    trouble = chance.choice((stores.postgres_refused, stores.postgres_locked))
    troubled = asyncio.create_task(trouble(rig, chance))
    await asyncio.sleep(chance.uniform(4, 12))
    async with rig.down(syncer, gently=True):
        await troubled


async def analytics_killed(rig: Rig, chance: random.Random) -> None:
    await _killed("analytics", rig, chance)


async def drainer_killed(rig: Rig, chance: random.Random) -> None:
    """Fill the spool, then kill between the first publish out of it and the deletion."""
    (receiver,) = rig.named("webhooks")
    await rig.link.set("refuse")
    wanted = chance.randint(20, 100)
    while await rig.spooled() < wanted:
        await asyncio.sleep(0.02)
    await rig.link.set("ok")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not await rig.db.fetchval(_PUBLISHING) and time.monotonic() < deadline:
        await asyncio.sleep(0)
    async with rig.down(receiver):
        await asyncio.sleep(chance.uniform(0, 0.3))


async def syncer_frozen(rig: Rig, chance: random.Random) -> None:
    """Freeze one of two for longer than its lease; what it held is the other's before the end."""
    frozen = rig.named("syncer")[0]
    await asyncio.sleep(chance.uniform(0.05, 0.5))
    frozen.pause()
    rig.begin_recovery()
    await asyncio.sleep(LEASE_SECONDS + 10)
    frozen.resume()


async def _killed(name: str, rig: Rig, chance: random.Random) -> None:
    victim = rig.named(name)[0]
    await asyncio.sleep(chance.uniform(0.05, 0.5))
    async with rig.down(victim):
        # Before anybody repairs: what the dead one committed is whole.
        halves = await rig.db.fetchval(_HALF_WRITTEN)
        if halves:
            rig.died.append(f"{halves} deliveries applied without their order after the kill")
        await asyncio.sleep(chance.uniform(0, 0.3))
