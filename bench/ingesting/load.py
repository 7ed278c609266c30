"""A cheap load generator: keep-alive connections that send the next request on each answer."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

_CLOSING_SECONDS = 10


@dataclass
class Tally:
    """What came back. *answered* counts everything, the rest only what was measured."""

    latencies: list[float] = field(default_factory=list)
    answered: int = 0
    failures: int = 0
    seconds: float = 0.0
    measuring: bool = False
    stopping: bool = False

    def percentile(self, share: float) -> float:
        return percentile(self.latencies, share)


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that *share* of *values* do not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


class _Client(asyncio.Protocol):
    """One connection with one request under way."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._sent_at = 0.0
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, ended, _ = self._buffer.partition(b"\r\n\r\n")
        # A refusal has a body, which nobody reads; it arrives together with its head.
        if not ended:
            return
        tally = self._tally
        tally.answered += 1
        if tally.measuring:
            tally.latencies.append(time.perf_counter() - self._sent_at)
            tally.failures += not head.startswith(b"HTTP/1.1 200 ")
        self._buffer = b""
        self.go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._tally.failures += not self._tally.stopping
        if not self.closed.done():
            self.closed.set_result(None)

    def send(self, request: bytes, due: float | None = None) -> None:
        """Send; the latency counts from *due*, when the request should have left."""
        assert self._transport is not None
        self._sent_at = due or time.perf_counter()
        self._transport.write(request)

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def go_on(self) -> None:
        """Do what is next after an answer."""
        raise NotImplementedError


class _Greedy(_Client):
    def __init__(self, tally: Tally, requests: Iterator[bytes]) -> None:
        super().__init__(tally)
        self._requests = requests

    def go_on(self) -> None:
        request = None if self._tally.stopping else next(self._requests, None)
        if request is None:
            self._tally.stopping = True
            self.close()
        else:
            self.send(request)


async def load(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    seconds: float | None = None,
    warm_up: float = 0.0,
) -> Tally:
    """Send over and over, *warm_up* seconds unmeasured; or each once, without *seconds*."""
    loop = asyncio.get_running_loop()
    tally = Tally()
    left = iter(requests) if seconds is None else itertools.cycle(requests)
    clients: list[_Greedy] = []
    for _ in range(connections):
        _, client = await loop.create_connection(lambda: _Greedy(tally, left), "127.0.0.1", port)
        clients.append(client)
    for client in clients:
        client.go_on()
    await asyncio.sleep(warm_up)
    started = time.perf_counter()
    tally.measuring = True
    closed = asyncio.gather(*(client.closed for client in clients))
    if seconds is None:
        await closed
    else:
        await asyncio.sleep(seconds)
    tally.measuring, tally.stopping = False, True
    tally.seconds = time.perf_counter() - started
    await asyncio.wait_for(closed, _CLOSING_SECONDS)
    return tally


class _Patient(_Client):
    def __init__(self, tally: Tally, idle: deque[_Patient], late: deque[tuple[bytes, float]]):
        super().__init__(tally)
        self._idle = idle
        self._late = late

    def go_on(self) -> None:
        if self._late:
            self.send(*self._late.popleft())
        else:
            self._idle.append(self)


async def paced_load(
    port: int, requests: Sequence[bytes], *, connections: int, per_second: float
) -> tuple[Tally, list[float]]:
    """Send each request once, at its time; return also when each was due."""
    loop = asyncio.get_running_loop()
    tally = Tally(measuring=True)
    idle: deque[_Patient] = deque()
    late: deque[tuple[bytes, float]] = deque()
    clients: list[_Patient] = []
    for _ in range(connections):
        made = await loop.create_connection(lambda: _Patient(tally, idle, late), "127.0.0.1", port)
        clients.append(made[1])
    idle.extend(clients)
    started = time.perf_counter()
    due = [started + number / per_second for number in range(len(requests))]
    for request, at in zip(requests, due, strict=True):
        if (wait := at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        if idle:
            idle.popleft().send(request, at)
        else:
            late.append((request, at))
    while tally.answered < len(requests) and not tally.failures:
        await asyncio.sleep(0.01)
    tally.seconds, tally.stopping = time.perf_counter() - started, True
    for client in clients:
        client.close()
    return tally, due
