"""A TCP proxy that plays a bad network: ok, refuse, reset, stall."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

Mode = Literal["ok", "refuse", "reset", "stall"]


class ChaosProxy:
    """Forwards to *host*:*port* while ``mode`` is ok.

    refuse: nobody listens, and open connections are cut. reset: new connections are cut at once,
    open ones too. stall: bytes are held back in both directions, connections stay open.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.mode: Mode = "ok"
        self.port = 0

    async def start(self) -> None:
        self._flowing.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def set(self, mode: Mode) -> None:
        """Switch to *mode*; what is open feels it at once."""
        self.mode = mode
        if mode == "stall":
            self._flowing.clear()
        else:
            self._flowing.set()
        if mode in ("refuse", "reset"):
            self._cut()
        if mode == "refuse" and self._server is not None:
            self._server.close()
            self._server = None
        elif mode != "refuse" and self._server is None:
            await self.start()

    async def close(self) -> None:
        await self.set("refuse")
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def through(self, url: str) -> str:
        """Return *url* with this proxy in place of its host."""
        parts = urlsplit(url)
        user = parts.netloc.rpartition("@")[0]
        netloc = f"{user}@127.0.0.1:{self.port}" if user else f"127.0.0.1:{self.port}"
        return urlunsplit(parts._replace(netloc=netloc))

    def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.mode in ("refuse", "reset"):
            writer.transport.abort()
            return
        with contextlib.suppress(OSError):
            await self._flowing.wait()
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            await self._join((reader, writer), (far_reader, far_writer))

    async def _join(self, near: tuple, far: tuple) -> None:
        self._writers |= {near[1], far[1]}
        flows = [
            asyncio.ensure_future(self._flow(near[0], far[1])),
            asyncio.ensure_future(self._flow(far[0], near[1])),
        ]
        try:
            await asyncio.wait(flows, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for flow in flows:
                flow.cancel()
            await asyncio.wait(flows)
            for writer in (near[1], far[1]):
                self._writers.discard(writer)
                writer.transport.abort()

    async def _flow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65536):
                await self._flowing.wait()
                writer.write(chunk)
                await writer.drain()


@contextlib.asynccontextmanager
async def proxied(url: str, default_port: int) -> AsyncIterator[ChaosProxy]:
    """Run a proxy to the server that *url* names."""
    parts = urlsplit(url)
    proxy = ChaosProxy(parts.hostname or "127.0.0.1", parts.port or default_port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()
