"""A cheap load generator: keep-alive connections that send the next request on each answer."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast


@dataclass
class Tally:
    """What came back while measuring."""

    latencies: list[float] = field(default_factory=list)
    failures: int = 0
    measuring: bool = False
    stopping: bool = False

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Client(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], tally: Tally) -> None:
        self._requests = requests
        self._tally = tally
        self._sent_at = 0.0
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._buffer.endswith(b"\r\n\r\n"):
            return
        tally = self._tally
        if tally.measuring:
            tally.latencies.append(time.perf_counter() - self._sent_at)
            tally.failures += not self._buffer.startswith(b"HTTP/1.1 200 ")
        self._buffer = b""
        if tally.stopping:
            assert self._transport is not None
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._tally.failures += not self._tally.stopping
        self.closed.set_result(None)

    def _send(self) -> None:
        assert self._transport is not None
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._requests))


async def load(
    port: int, requests: Sequence[bytes], *, connections: int, seconds: float, warm_up: float
) -> tuple[Tally, float]:
    """Send for *warm_up* unmeasured and *seconds* measured; return the tally and the time."""
    loop = asyncio.get_running_loop()
    tally = Tally()
    endless = itertools.cycle(requests)
    clients = []
    for _ in range(connections):
        _, client = await loop.create_connection(lambda: _Client(endless, tally), "127.0.0.1", port)
        clients.append(client)
    await asyncio.sleep(warm_up)
    started = time.perf_counter()
    tally.measuring = True
    await asyncio.sleep(seconds)
    tally.measuring = False
    taken = time.perf_counter() - started
    tally.stopping = True
    await asyncio.wait([client.closed for client in clients], timeout=5)
    return tally, taken
