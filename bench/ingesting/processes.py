"""Server processes under test, and the CPU time that processes used."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return user and system time of *pid*."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def broker_pid() -> int | None:
    """Return the pid of a RabbitMQ on this machine, if its processes can be seen."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == "beam.smp":
                return int(entry.name)
    return None


@contextlib.asynccontextmanager
async def server(
    *command: str, port: int, environment: Mapping[str, str], cpu: int | None
) -> AsyncIterator[int]:
    """Run a server until it answers ``/readyz``; yield its pid."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, env={**os.environ, **environment}
    )
    if cpu is not None:
        os.sched_setaffinity(child.pid, {cpu})
    try:
        await _until_ready(port)
        yield child.pid
    finally:
        child.terminate()
        await child.wait()


async def _until_ready(port: int) -> None:
    async with asyncio.timeout(20), aiohttp.ClientSession() as session:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)
