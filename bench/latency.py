"""From the socket to the committed row and to the rollup, on RabbitMQ with all services running.

``python -m bench.latency`` sends 1,000 distinct orders a second, then as many as are taken. A
listener beside the services hears of each commit (NOTIFY), so what is measured is when others can
see a row. The second part goes unpinned, next to a bare aiohttp server under the same load. It uses
DATABASE_URL and AMQP_URL, or servers on localhost, and removes what it makes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import uvloop

from bench.ingesting.load import Tally, load, paced_load, percentile
from bench.ingesting.measured import machine, say
from bench.ingesting.orders import requests
from bench.ingesting.processes import broker_pid, cpu_seconds, process, python
from bench.ingesting.servers import serving
from bench.ingesting.world import SECRET, SHOP, World, free_port, world

_CONNECTIONS = 64
_PATIENCE_SECONDS = 120
# Connections, caches and staging tables are made meanwhile.
_WARM_UP_SECONDS = 2
_FIRST_ORDER = 5_000_000_000
_PORTS = {"syncer": "SYNCER_PORT", "analytics": "ANALYTICS_PORT"}
_TELL = """
CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(TG_TABLE_NAME, pg_current_xact_id()::text);
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON commerce.webhook_events
    FOR EACH STATEMENT EXECUTE FUNCTION public.tell();
CREATE TRIGGER tell AFTER INSERT ON analytics.folds
    FOR EACH STATEMENT EXECUTE FUNCTION public.tell();
"""
_ROWS = "SELECT resource_id AS order_id, xmin::text AS batch FROM commerce.webhook_events"
_STEP_NAMES = ("batch", "queue", "apply")
# Where the time went, by the clocks that the inbox keeps.
_STEPS = """
SELECT extract(epoch FROM handed_at - received_at)::float AS batch,
    extract(epoch FROM taken_at - handed_at)::float AS queue,
    extract(epoch FROM processed_at - taken_at)::float AS apply
FROM commerce.webhook_events ORDER BY received_at OFFSET $1
"""
_FOLDS = "SELECT unnest(order_ids) AS order_id, xmin::text AS batch FROM analytics.folds"


@dataclass(frozen=True, kw_only=True)
class Sight:
    """Hears of commits: when, by table and transaction."""

    conn: asyncpg.Connection
    heard: dict[str, dict[str, float]]

    async def seen(self, table: str, statement: str, count: int) -> list[float]:
        """Wait for *count* orders; return when each was first seen, by its number."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while len(found := await self._orders(table, statement)) < count:
                await asyncio.sleep(0.2)
        return [found[_FIRST_ORDER + number] for number in range(count)]

    async def _orders(self, table: str, statement: str) -> dict[int, float]:
        found: dict[int, float] = {}
        for row in await self.conn.fetch(statement):
            at = self.heard[table].get(row["batch"], float("inf"))
            found[row["order_id"]] = min(at, found.get(row["order_id"], at))
        return {order: at for order, at in found.items() if at < float("inf")}


@contextlib.asynccontextmanager
async def watching(made: World) -> AsyncIterator[Sight]:
    conn = await asyncpg.connect(made.dsn)
    heard: dict[str, dict[str, float]] = {"webhook_events": {}, "folds": {}}

    def hear(_: object, __: int, table: str, batch: object) -> None:
        heard[table].setdefault(str(int(str(batch)) % 2**32), time.perf_counter())

    await conn.execute(_TELL)
    for table in heard:
        await conn.add_listener(table, hear)
    try:
        yield Sight(conn=conn, heard=heard)
    finally:
        await conn.close()


@contextlib.asynccontextmanager
async def system(made: World, *services: str) -> AsyncIterator[tuple[int, dict[str, int]]]:
    """Run the receiver and *services*; yield its port and their pids by name."""
    async with contextlib.AsyncExitStack() as stack:
        pids = {}
        for name in services:
            port = free_port()
            environment = {**made.environment, _PORTS[name]: str(port)}
            running = process(python(f"services.{name}"), port=port, environment=environment)
            pids[name] = await stack.enter_async_context(running)
        pids["webhooks"], port = await stack.enter_async_context(
            serving("webhooks", made, cpu=None)
        )
        yield port, pids


async def at_a_pace(per_second: int, seconds: float) -> dict[str, float]:
    """Send at a pace; return percentiles in milliseconds, and the cores that each process took."""
    count = round(per_second * (seconds + _WARM_UP_SECONDS))
    sent = requests(count, secret=SECRET, shop=SHOP)
    async with world() as made, watching(made) as sight, system(made, *_PORTS) as running:
        port, pids = running
        began, before = time.perf_counter(), await _cpu(made, sight, pids)
        tally, due = await paced_load(port, sent, connections=_CONNECTIONS, per_second=per_second)
        assert not tally.failures, f"{tally.failures} deliveries failed"
        stages = {
            "row": await sight.seen("webhook_events", _ROWS, count),
            "rollup": await sight.seen("folds", _FOLDS, count),
        }
        after, took = await _cpu(made, sight, pids), time.perf_counter() - began
        skipped = round(per_second * _WARM_UP_SECONDS)
        steps = await sight.conn.fetch(_STEPS, skipped)
    found = {"answer": tally.latencies[skipped:]}
    found |= {f"of it {step}": [row[step] for row in steps] for step in _STEP_NAMES}
    for stage, seen in stages.items():
        found[stage] = [at - was for at, was in zip(seen, due, strict=True)][skipped:]
    cores = {f"cores {name}": (after[name] - before[name]) / took for name in after}
    return cores | {
        f"{stage} {name}": percentile(values, share) * 1000
        for stage, values in found.items()
        for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
    }


async def saturated(sent: Sequence[bytes], *services: str) -> dict[str, float]:
    """Send each of *sent* as fast as it is taken; return what was seen a second, and CPU."""
    async with world() as made, watching(made) as sight, system(made, *services) as running:
        port, pids = running
        before = await _cpu(made, sight, pids)
        started = time.perf_counter()
        tally = await load(port, sent, connections=_CONNECTIONS)
        assert not tally.failures, f"{tally.failures} deliveries failed"
        seen = await sight.seen("webhook_events", _ROWS, len(sent))
        if "analytics" in services:
            seen = await sight.seen("folds", _FOLDS, len(sent))
        after = await _cpu(made, sight, pids)
    return {
        "per second": len(sent) / (max(seen) - started),
        "p50 ms": tally.percentile(0.5) * 1000,
        "p99 ms": tally.percentile(0.99) * 1000,
        "behind s": max(seen) - started - tally.seconds,
        **{name: 1000 * (after[name] - before[name]) / len(sent) for name in after},
    }


async def _cpu(made: World, sight: Sight, pids: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU seconds until now of *pids*, the broker, Postgres's sessions and the load."""
    sessions = await sight.conn.fetch(
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    return {name: cpu_seconds(pid) for name, pid in pids.items()} | {
        "broker": cpu_seconds(broker_pid(made.amqp_url)),
        "Postgres": sum(cpu_seconds(row["pid"]) for row in sessions),
        "load": time.process_time(),
    }


async def bare(sent: Sequence[bytes]) -> Tally:
    async with world() as made, serving("bare", made, cpu=None) as (_, port):
        return await load(port, sent, connections=_CONNECTIONS)


async def measure(
    *, rounds: int, count: int = 20_000, per_second: int = 1000, seconds: float = 8
) -> dict[str, object]:
    """Measure at a pace and at saturation; print both, return everything."""
    say(f"latency: {per_second} a second for {seconds} s")
    paced = await at_a_pace(per_second, seconds)
    print(f"\nlatency in ms at {per_second} a second, {machine()}")
    for stage in ("answer", "row", *(f"of it {step}" for step in _STEP_NAMES), "rollup"):
        line = "".join(f"{name:>8}{paced[f'{stage} {name}']:9.1f}" for name in ("p50", "p99"))
        print(f"{stage:16}{line}")
    cores = {name.split()[-1]: each for name, each in paced.items() if name.startswith("cores ")}
    print("cores: " + ", ".join(f"{name} {each:.2f}" for name, each in cores.items()))
    if not rounds:
        return {"paced": paced}
    sent = requests(count, secret=SECRET, shop=SHOP)
    full: dict[str, list[dict[str, float]]] = {"rows": [], "rollup": []}
    echoes: list[float] = []
    for number in range(rounds):
        say(f"saturation: round {number + 1} of {rounds}")
        tally = await bare(sent)
        echoes.append(len(sent) / tally.seconds)
        full["rows"].append(await saturated(sent, "syncer"))
    full["rollup"].append(await saturated(sent, *_PORTS))
    return {"paced": paced, **_report(full, echoes)}


def _report(full: dict[str, list[dict[str, float]]], echoes: Sequence[float]) -> dict[str, object]:
    print(f"\nat saturation, unpinned, {machine()}; bare: {statistics.median(echoes):.0f}/s")
    for name, runs in full.items():
        mid = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        print(f"to {name}: " + ", ".join(f"{key} {value:.4g}" for key, value in mid.items()))
    ratios = [run["per second"] / echo for run, echo in zip(full["rows"], echoes, strict=True)]
    print(f"  {'end to end / bare':36}{statistics.median(ratios):8.3f}")
    return {"saturated": full, "bare": list(echoes), "ratio": statistics.median(ratios)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=2, help="at saturation; 0: none")
    parser.add_argument("--deliveries", type=int, default=20_000, help="at saturation")
    parser.add_argument("--per-second", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=8, help="at that pace")
    parser.add_argument("--json", type=Path, help="write every figure there")
    return parser.parse_args()


async def main(args: argparse.Namespace) -> None:
    found = await measure(
        rounds=args.rounds, count=args.deliveries, per_second=args.per_second, seconds=args.seconds
    )
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    uvloop.run(main(_arguments()))
