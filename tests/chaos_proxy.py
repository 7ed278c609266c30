"""A TCP proxy that plays a bad network: ok, refuse, reset, stall, mute, half-open, slow."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, urlsplit, urlunsplit

Mode = Literal["ok", "refuse", "reset", "stall", "mute", "half-open", "slow"]

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(eq=False)
class _Wire:
    """One connection through the proxy."""

    writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    dead: bool = False
    muted: bool = False

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()


class ChaosProxy:
    """Forwards to *host*:*port* while ``mode`` is ok; a *host* that is a folder holds a socket.

    refuse: nobody listens, and open connections are cut. reset: new connections are cut at once,
    open ones too. stall: bytes are held back in both directions, connections stay open. mute: what
    is sent arrives, what is answered is lost; connections so used are cut when it ends. half-open:
    connections that were open carry nothing any more and are not closed, new ones are fine. slow:
    every piece waits ``delay`` seconds, in both directions.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._wires: set[_Wire] = set()
        self._flowing = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.mode: Mode = "ok"
        self.delay = 0.05
        self.port = 0

    async def start(self) -> None:
        self._flowing.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def set(self, mode: Mode) -> None:
        """Switch to *mode*; what is open feels it at once."""
        self.mode = mode
        for wire in list(self._wires):
            if mode in ("refuse", "reset") or (wire.muted and mode != "mute"):
                wire.cut()
            wire.dead = wire.dead or mode == "half-open"
        if mode == "stall":
            self._flowing.clear()
        else:
            self._flowing.set()
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
        query = "" if _socket_folder(url) else parts.query
        return urlunsplit(parts._replace(netloc=netloc, query=query))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.mode in ("refuse", "reset"):
            writer.transport.abort()
            return
        try:
            await self._flowing.wait()
            await self._join((reader, writer), await self._reach())
        except OSError:
            writer.transport.abort()

    async def _reach(self) -> _Streams:
        host, port = self._target
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _join(self, near: _Streams, far: _Streams) -> None:
        wire = _Wire((near[1], far[1]))
        self._wires.add(wire)
        flows = [
            asyncio.ensure_future(self._flow(near[0], far[1], wire, answers=False)),
            asyncio.ensure_future(self._flow(far[0], near[1], wire, answers=True)),
        ]
        try:
            await asyncio.wait(flows, return_when=asyncio.FIRST_COMPLETED)
            if wire.dead:  # one end closing is not heard at the other
                await asyncio.wait(flows)
        finally:
            for flow in flows:
                flow.cancel()
            await asyncio.wait(flows)
            self._wires.discard(wire)
            wire.cut()

    async def _flow(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        wire: _Wire,
        *,
        answers: bool,
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65536):
                await self._flowing.wait()
                if self.mode == "mute" and answers:
                    wire.muted = True
                if wire.dead or (wire.muted and answers):
                    continue
                if self.mode == "slow":
                    await asyncio.sleep(self.delay)
                writer.write(chunk)
                await writer.drain()


@contextlib.asynccontextmanager
async def proxied(url: str, default_port: int) -> AsyncIterator[ChaosProxy]:
    """Run a proxy to the server that *url* names."""
    parts = urlsplit(url)
    host = _socket_folder(url) or parts.hostname or "127.0.0.1"
    proxy = ChaosProxy(host, parts.port or default_port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()


def _socket_folder(url: str) -> str:
    """Return where the Unix socket of a Postgres URL lies; empty for one on the network."""
    host = parse_qs(urlsplit(url).query).get("host", [""])[0]
    return host if host.startswith("/") else ""
