"""A consumer that dies by an error takes its process along, whichever bus it is on."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import asyncpg

from shared.bus.connect import open_bus
from shared.bus.topology import MARKS
from shared.postgres import Pool
from tests.integration.bus.test_conformance import until

ROOT = Path(__file__).parents[3]
# A whole service whose consumer dies of its first message: what is no outcome cannot be counted.
SERVICE = """
import sys
from aiohttp import web
from shared.bus.connect import BUS, bus_of
from shared.bus.topology import MARKS
from shared.postgres import pool_of

async def nonsense(messages):
    return [None]

async def consuming(app):
    async with app[BUS].consuming(MARKS, nonsense, batch_max=1, prefetch=1):
        await app[BUS].publish("orders.changed", b"{}")
        yield

app = web.Application()
app.cleanup_ctx.extend(
    [pool_of(sys.argv[1], role="tillstream_analytics"), bus_of(sys.argv[2]), consuming]
)
web.run_app(app, host="127.0.0.1", port=0, print=None)
"""


async def test_a_consumer_that_dies_ends_its_process_with_an_error(
    dsn: str, db: asyncpg.Connection, bus_url: str, pool: Pool
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVICE, dsn, bus_url),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )

    try:
        async with asyncio.timeout(9):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert process.returncode not in (0, None)
    assert b"background work died" in said
    await until(lambda: _waits(bus_url, pool))


async def _waits(bus_url: str, pool: Pool) -> bool:
    """Whether the message of which it died is for the next one."""
    bus = await open_bus(bus_url, pool)
    try:
        state = await bus.state(MARKS)
    finally:
        await bus.close()
    return state.ready + (state.held or 0) == 1
