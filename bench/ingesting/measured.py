"""One measurement of a receiver, medians over rounds, and tables for people."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from bench.ingesting.load import load
from bench.ingesting.processes import broker_pid, cpu_seconds
from bench.ingesting.servers import serving
from bench.ingesting.world import World


@dataclass(frozen=True, kw_only=True)
class Round:
    """One measurement; CPU is in seconds per 1,000 deliveries."""

    per_second: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    server_cpu: float
    broker_cpu: float
    load_cpu: float
    failures: float

    @property
    def cpu(self) -> float:
        """What a delivery costs whoever runs the receiver."""
        return self.server_cpu + self.broker_cpu


Rounds = Mapping[str, Sequence[Round]]


def say(text: str) -> None:
    """Report progress, beside the result."""
    print(text, file=sys.stderr, flush=True)


async def measure(
    name: str,
    world: World,
    sent: Sequence[bytes],
    *,
    connections: int,
    seconds: float,
    warm_up: float,
    cpu: int | None,
) -> Round:
    """Start a server, load it, stop it. CPU covers the warm-up, and is shared by all of it."""
    broker = broker_pid(world.amqp_url) if world.amqp_url else None
    async with serving(name, world, cpu=cpu) as (pid, port):
        before = cpu_seconds(pid), cpu_seconds(broker), time.process_time()
        tally = await load(port, sent, connections=connections, seconds=seconds, warm_up=warm_up)
        after = cpu_seconds(pid), cpu_seconds(broker), time.process_time()
    server, brokers, loaders = (
        (late - early) / max(1, tally.answered) * 1000
        for late, early in zip(after, before, strict=True)
    )
    return Round(
        per_second=len(tally.latencies) / tally.seconds,
        p50_ms=tally.percentile(0.5) * 1000,
        p99_ms=tally.percentile(0.99) * 1000,
        p999_ms=tally.percentile(0.999) * 1000,
        server_cpu=server,
        broker_cpu=0.0 if name == "bare" else brokers,
        load_cpu=loaders,
        failures=tally.failures,
    )


def middle(rounds: Sequence[Round]) -> Round:
    """Return the median of each column."""
    columns = [asdict(one) for one in rounds]
    return Round(**{name: statistics.median(c[name] for c in columns) for name in columns[0]})


def ratio(rounds: Rounds, one: str, other: str, of: Callable[[Round], float]) -> float:
    """Return the median of what *one* is to *other* in each round."""
    pairs = zip(rounds[one], rounds[other], strict=True)
    return statistics.median(of(a) / max(of(b), 1e-9) for a, b in pairs)


def table(rounds: Rounds) -> str:
    """Return the medians, a line per server."""
    head = (
        f"{'':12}{'req/s':>8}{'p50 ms':>9}{'p99 ms':>9}{'p99.9 ms':>10}"
        f"{'server':>9}{'broker':>9}{'load gen':>10}{'failed':>8}   CPU s per 1,000"
    )
    return "\n".join([head, *(_line(name, middle(found)) for name, found in rounds.items())])


def _line(name: str, one: Round) -> str:
    return (
        f"{name:12}{one.per_second:8.0f}{one.p50_ms:9.2f}{one.p99_ms:9.2f}{one.p999_ms:10.2f}"
        f"{one.server_cpu:9.4f}{one.broker_cpu:9.4f}{one.load_cpu:10.4f}{one.failures:8.0f}"
    )


def machine() -> str:
    """Say what a figure was taken on: others' work shows in the load."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
