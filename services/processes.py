"""Child processes that start together, are watched together and stop together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.errors import Unavailable

_STOP_SECONDS = 3.0
_TAIL_LINES = 8
# Leads the group. Its input ends when we end, however we end, and then it takes the group along;
# the server it is told of is asked last, after those who still write to it.
_WATCHDOG = (
    'trap "" TERM INT HUP; read -r _; kill -TERM 0; sleep 3;'
    ' [ "$1" = 0 ] || kill -INT "$1"; kill -KILL 0'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One running program and the file that has its output."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    def last_words(self) -> str:
        """Return the end of its log, indented."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return "\n".join(f"    {line[:400]}" for line in lines[-_TAIL_LINES:])


class Processes:
    """A process group of children with a log file each in *logs*.

    *server_pid* is a server that the group needs: it outlives the children, also when this process
    is killed.
    """

    def __init__(self, logs: Path, *, server_pid: int = 0) -> None:
        self._logs = logs
        self._server_pid = server_pid
        self._watchdog: asyncio.subprocess.Process | None = None
        self._children: list[Child] = []

    async def start(
        self, name: str, command: Iterable[str], *, environment: Mapping[str, str]
    ) -> Child:
        """Start *command*; its output goes to ``<name>.log``."""
        leader = await self._leader()
        path = self._logs / f"{name}.log"
        with path.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=leader.pid,
            )
        child = Child(name=name, process=process, log=path)
        self._children.append(child)
        return child

    async def watch(self) -> None:
        """Wait until a child ends, which none should, and raise Unavailable about it."""
        waits = {asyncio.ensure_future(c.process.wait()): c for c in self._children}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        child = waits[done.pop()]
        raise Unavailable(
            f"{child.name} ended with status {child.process.returncode}; the end of {child.log}:\n"
            f"{child.last_words()}",
            code="child_died",
        )

    async def stop(self) -> None:
        """Ask all to end, then make them: takes at most a little over three seconds."""
        if self._watchdog is None:
            return
        for child in self._children:
            with contextlib.suppress(ProcessLookupError):
                child.process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await asyncio.gather(*(child.process.wait() for child in self._children))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._watchdog.pid, signal.SIGKILL)
        await asyncio.gather(*(child.process.wait() for child in self._children))
        await self._watchdog.wait()
        self._children.clear()
        self._watchdog = None

    async def _leader(self) -> asyncio.subprocess.Process:
        if self._watchdog is None:
            self._watchdog = await asyncio.create_subprocess_exec(
                *("sh", "-c", _WATCHDOG, "watchdog", str(self._server_pid)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                process_group=0,
            )
        return self._watchdog
