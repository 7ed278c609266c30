"""Faults of RabbitMQ and of the way to it."""

from __future__ import annotations

import asyncio
import random
import time

import aio_pika

from shared.bus.topology import DELIVERIES
from tests.chaos_proxy import Mode
from tests.faults.rig import Rig
from tests.private_rabbitmq import PrivateRabbitMQ

# Twice the heartbeat, and the third that the broker grants.
_NOTICED_SECONDS = 30


async def broker_killed(rig: Rig, chance: random.Random) -> None:
    broker = _broker(rig)
    await asyncio.to_thread(broker.kill)
    await asyncio.sleep(2)
    await asyncio.to_thread(broker.start)


async def broker_alarmed(rig: Rig, chance: random.Random) -> None:
    broker = _broker(rig)
    await asyncio.to_thread(broker.control, "set_vm_memory_high_watermark", "0")
    await asyncio.sleep(6)
    await asyncio.to_thread(broker.control, "set_vm_memory_high_watermark", "0.6")


async def broker_refused(rig: Rig, chance: random.Random) -> None:
    await _while(rig, "refuse", chance.uniform(3, 5))


async def broker_stalled(rig: Rig, chance: random.Random) -> None:
    await _while(rig, "stall", 6)


async def broker_mute(rig: Rig, chance: random.Random) -> None:
    await _while(rig, "mute", 4)


async def broker_slow(rig: Rig, chance: random.Random) -> None:
    rig.link.delay = 0.1
    await _while(rig, "slow", 6)


async def broker_half_open(rig: Rig, chance: random.Random) -> None:
    """The old connections are dead for good; it is healed at once, for whoever notices."""
    began = time.monotonic()
    await rig.link.set("half-open")
    await asyncio.sleep(5)
    await rig.link.set("ok")
    rig.begin_recovery(since=began)
    # Until the broker has noticed too, what it believes to be under way is nobody's.
    await asyncio.sleep(_NOTICED_SECONDS)


async def queue_deleted(rig: Rig, chance: random.Random) -> None:
    """Delete the queue when nothing lies in it: what a queue held is gone with it by definition."""
    plain, _, prefix = rig.amqp_url.partition("?prefix=")
    async with await aio_pika.connect(plain) as connection:
        rig.driver.hold()
        await rig.quiesce()
        channel = await connection.channel()
        await channel.queue_delete(prefix + DELIVERIES)
        rig.driver.go_on()


async def connections_closed(rig: Rig, chance: random.Random) -> None:
    for _ in range(3):
        await asyncio.to_thread(_broker(rig).control, "close_all_connections", "a test")
        await asyncio.sleep(chance.uniform(0.5, 2))


async def _while(rig: Rig, mode: Mode, seconds: float) -> None:
    await rig.link.set(mode)
    await asyncio.sleep(seconds)
    await rig.link.set("ok")


def _broker(rig: Rig) -> PrivateRabbitMQ:
    assert rig.servers.rabbitmq is not None
    return rig.servers.rabbitmq
