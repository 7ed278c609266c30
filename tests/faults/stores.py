"""Faults of PostgreSQL, its disk and the way to it, and of the clock."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import random
import shutil
import time

import asyncpg

from tests.chaos_proxy import Mode
from tests.faults.rig import Rig

_TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'tillstream%'
"""
_TABLES = "commerce.orders, commerce.webhook_events"
_HOUR = 3600


async def postgres_killed(rig: Rig, chance: random.Random) -> None:
    await rig.servers.kill_postgres()
    await asyncio.sleep(2)
    await rig.servers.revive_postgres()


async def postgres_terminated(rig: Rig, chance: random.Random) -> None:
    for _ in range(8):
        await rig.db.fetchval(_TERMINATE)
        await asyncio.sleep(chance.uniform(0.1, 0.6))


async def postgres_locked(rig: Rig, chance: random.Random) -> None:
    tables = f"{_TABLES}, bus.messages" if rig.bus == "postgres" else _TABLES
    async with rig.db.acquire() as conn:
        held = False
        while not held:
            # Whoever waits for a second table while holding a first one may be the victim: also we.
            with contextlib.suppress(asyncpg.DeadlockDetectedError):
                async with conn.transaction():
                    await conn.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
                    held = True
                    await asyncio.sleep(8)


async def postgres_full(rig: Rig, chance: random.Random) -> None:
    """Take all the space that is left; PostgreSQL may stop over it and is started again after."""
    ballast = rig.servers.folder / "ballast"
    began = time.monotonic()
    with ballast.open("wb") as file:
        while time.monotonic() < began + 6:
            free = shutil.disk_usage(rig.servers.folder).free
            if free:
                try:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free)
                except OSError as exc:
                    # PostgreSQL has taken some of it meanwhile.
                    if exc.errno != errno.ENOSPC:
                        raise
            await asyncio.sleep(0.2)
    ballast.unlink()
    await rig.servers.revive_postgres()


async def postgres_refused(rig: Rig, chance: random.Random) -> None:
    await _while(rig, "refuse", 8)


async def postgres_slow(rig: Rig, chance: random.Random) -> None:
    rig.database.delay = 0.03
    await _while(rig, "slow", 6)


async def postgres_mute(rig: Rig, chance: random.Random) -> None:
    await _while(rig, "mute", 4)


async def clock_jumps(rig: Rig, chance: random.Random) -> None:
    for ahead in (_HOUR, -_HOUR, 0):
        rig.clock.write_text(f"{ahead:+d}")
        await asyncio.sleep(3)


async def _while(rig: Rig, mode: Mode, seconds: float) -> None:
    await rig.database.set(mode)
    await asyncio.sleep(seconds)
    await rig.database.set("ok")
