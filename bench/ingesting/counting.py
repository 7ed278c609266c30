"""Counts SQL statements: a relay in front of PostgreSQL that reads what clients send."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

# Of the frontend's messages: a simple query, and the execution of a prepared one.
_STATEMENTS = frozenset(b"QE")
_CHUNK = 256 * 1024
_CLOSING_SECONDS = 5


class Counter:
    """How many statements went by."""

    def __init__(self) -> None:
        self.statements = 0


class _Reading:
    """Follows one client's messages: a type, a length that counts itself, and the rest."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._pending = bytearray()
        self._skip = 0
        self._started = False

    def feed(self, data: bytes) -> None:
        self._pending += data
        while True:
            gone = min(self._skip, len(self._pending))
            del self._pending[:gone]
            self._skip -= gone
            # The first message has no type.
            typed = 1 if self._started else 0
            if self._skip or len(self._pending) < typed + 4:
                return
            if typed and self._pending[0] in _STATEMENTS:
                self._counter.statements += 1
            self._skip = typed + int.from_bytes(self._pending[typed : typed + 4], "big")
            self._started = True


@contextlib.asynccontextmanager
async def counting(dsn: str) -> AsyncIterator[tuple[str, Counter]]:
    """Yield a DSN that leads to *dsn* through a relay, and what the relay has counted."""
    counter = Counter()
    parts = urlsplit(dsn)
    host, port = parts.hostname or "127.0.0.1", parts.port or 5432

    open_ones: set[asyncio.Task[None]] = set()

    async def relay(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(host, port)
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(
                _copy(client, to_server, _Reading(counter)), _copy(server, to_client, None)
            )
        for writer in (to_client, to_server):
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def accept(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(relay(client, to_client))
        open_ones.add(task)
        task.add_done_callback(open_ones.discard)

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    own = listening.sockets[0].getsockname()[1]
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    # Encrypted traffic could not be read.
    seen = parts._replace(netloc=f"{user}127.0.0.1:{own}", query="sslmode=disable")
    try:
        yield urlunsplit(seen), counter
    finally:
        listening.close()
        if open_ones:
            await asyncio.wait(open_ones, timeout=_CLOSING_SECONDS)


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reading: _Reading | None
) -> None:
    while data := await reader.read(_CHUNK):
        if reading is not None:
            reading.feed(data)
        writer.write(data)
        await writer.drain()
    if not writer.is_closing():
        writer.write_eof()
