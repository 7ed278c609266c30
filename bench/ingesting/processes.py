"""Processes under test, and the CPU time that processes used."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

_TICKS = os.sysconf("SC_CLK_TCK")
_LISTENING = "0A"


def cpu_seconds(pid: int | None) -> float:
    """Return user and system time of *pid*; 0 of one that is gone or cannot be seen."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
    return 0.0


def broker_pid(amqp_url: str) -> int | None:
    """Return the pid of the RabbitMQ that listens there, if its process can be seen.

    A machine may run several of them, so the socket decides.
    """
    sockets = _listening(urlsplit(amqp_url).port or 5672)
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == "beam.smp":
                held = {str(one.readlink()) for one in (entry / "fd").iterdir()}
                if held & sockets:
                    return int(entry.name)
    return None


def _listening(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and fields[1].endswith(f":{port:04X}"):
                    found.add(f"socket:[{fields[9]}]")
    return found


@contextlib.asynccontextmanager
async def process(
    command: Sequence[str], *, port: int, environment: Mapping[str, str], cpu: int | None = None
) -> AsyncIterator[int]:
    """Run *command* until it answers ``/readyz`` on *port*; yield its pid."""
    before = os.sched_getaffinity(0)
    if cpu is not None:
        # Inherited, so that no thread of the child starts elsewhere.
        os.sched_setaffinity(0, {cpu})
    try:
        child = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environment})
    finally:
        os.sched_setaffinity(0, before)
    try:
        await _until_ready(port, child)
        yield child.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        try:
            await asyncio.wait_for(child.wait(), 20)
        except TimeoutError:
            child.kill()
            await child.wait()


def python(*command: str) -> list[str]:
    """Return the command that runs a module with our interpreter."""
    return [sys.executable, "-m", *command]


async def _until_ready(port: int, child: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while True:
            if child.returncode is not None:
                raise SystemExit(f"process {child.pid} ended with {child.returncode}")
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)
