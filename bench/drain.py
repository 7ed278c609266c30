"""From the queue to committed rows: the syncer, beside one message and one statement set at a time.

``python -m bench.drain`` fills the queue of deliveries with distinct orders of 10 KB and 7 lines,
packed as the receiver packs them, lets one syncer process apply them, and does the same with
``bench/peers/naive_syncer.py``, in alternating rounds. A separate run behind a relay counts SQL
statements. It uses DATABASE_URL and AMQP_URL, or servers on localhost, and removes what it makes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import json
import statistics
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import aio_pika
import aiohttp
import asyncpg
import uvloop

from bench.ingesting.counting import counting
from bench.ingesting.measured import machine, say
from bench.ingesting.orders import bodies
from bench.ingesting.processes import broker_pid, cpu_seconds, process, python
from bench.ingesting.world import RABBITMQ, SHOP, World, broker, free_port, rows, world
from shared.bus.connect import open_bus
from shared.bus.topology import DELIVERIES
from shared.deliveries import TOPIC, Delivery, pack, sent_headers
from shared.postgres import close_pool, open_pool

_OURS, _NAIVE = "syncer", "naive"
# As 64 connections fill batches of the receiver.
_PER_MESSAGE = 32
_PATIENCE_SECONDS = 120
_DONE = "SELECT count(*) FROM commerce.webhook_events"
_WRITTEN = """
SELECT count(*) FILTER (WHERE state = 'applied') AS deliveries,
    extract(epoch FROM max(processed_at) - min(taken_at))::float AS seconds,
    (SELECT count(*) FROM commerce.orders) AS orders,
    (SELECT count(*) FROM commerce.order_lines) AS lines,
    (SELECT count(*) FROM analytics.order_marks) AS marks
FROM commerce.webhook_events
"""


@dataclass(frozen=True, kw_only=True)
class Drained:
    """One run; CPU is in seconds per 1,000 deliveries. *statements* are per delivery."""

    per_second: float
    process_cpu: float
    postgres_cpu: float
    broker_cpu: float
    statements: float = 0.0

    @property
    def cpu(self) -> float:
        return self.process_cpu + self.postgres_cpu + self.broker_cpu


def deliveries(made: World, count: int) -> list[Delivery]:
    at = datetime.now(UTC).isoformat()
    return [
        Delivery(
            tenant_id=made.tenant_id, shop_id=made.shop_id, shop_domain=SHOP,
            topic="orders/updated", webhook_id=str(uuid.uuid4()), event_id=str(uuid.uuid4()),
            triggered_at=at, received_at=at, api_version="2026-10", body=body,
        )
        for body in _bodies(count)
    ]  # fmt: skip


# Making them takes longer than draining them.
@functools.lru_cache(maxsize=2)
def _bodies(count: int) -> list[bytes]:
    return list(bodies(count))


@contextlib.asynccontextmanager
async def syncer(made: World, count: int, dsn: str) -> AsyncIterator[int]:
    """Fill the queue and start our syncer; it begins when the block does."""
    pool = await open_pool(made.dsn, role="tillstream_syncer")
    bus = await open_bus(made.environment["AMQP_URL"], pool)
    await bus.pauses.pause(DELIVERIES, reason="until all is there")
    sent = deliveries(made, count)
    for start in range(0, count, _PER_MESSAGE):
        part = sent[start : start + _PER_MESSAGE]
        headers = sent_headers(part, at=datetime.now(UTC))
        await bus.publish(TOPIC, pack(part), headers=headers)
    port = free_port()
    environment = {**made.environment, "DATABASE_URL": dsn, "SYNCER_PORT": str(port)}
    try:
        command = python("services.syncer")
        async with process(command, port=port, environment=environment) as pid:
            await bus.pauses.resume(DELIVERIES)
            yield pid
    finally:
        await bus.close()
        await close_pool(pool)


@contextlib.asynccontextmanager
async def naive(made: World, count: int, dsn: str) -> AsyncIterator[int]:
    """Fill a queue with a delivery a message and start the naive handler."""
    port, queue = free_port(), f"{made.prefix}naive"
    async with broker(made.amqp_url) as channel:
        await channel.declare_queue(queue, durable=True, arguments={"x-queue-type": "quorum"})
        await asyncio.gather(
            *(
                channel.default_exchange.publish(_alone(delivery), routing_key=queue)
                for delivery in deliveries(made, count)
            )
        )
        environment = {
            "PORT": str(port), "QUEUE": queue, "AMQP_URL": made.amqp_url, "DATABASE_URL": dsn,
        }  # fmt: skip
        try:
            command = python("bench.peers.naive_syncer")
            async with (
                process(command, port=port, environment=environment) as pid,
                aiohttp.request("GET", f"http://127.0.0.1:{port}/go"),
            ):
                yield pid
        finally:
            await channel.queue_delete(queue)


def _alone(delivery: Delivery) -> aio_pika.Message:
    headers = {name: getattr(delivery, name) for name in ("tenant_id", "webhook_id", "event_id")}
    return aio_pika.Message(
        delivery.body,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        headers={**headers, "shop_id": str(delivery.shop_id)},
    )


async def one(name: str, count: int, *, counted: bool = False) -> Drained:
    """Let one of the two drain *count* deliveries into a database of its own."""
    way = syncer if name == _OURS else naive
    async with contextlib.AsyncExitStack() as stack:
        made = await stack.enter_async_context(world())
        dsn, counter = made.dsn, None
        if counted:
            dsn, counter = await stack.enter_async_context(counting(made.dsn))
        pid = await stack.enter_async_context(way(made, count, dsn))
        watch = await asyncpg.connect(made.dsn)
        stack.push_async_callback(watch.close)
        seen = counter.statements if counter else 0
        before = await _cpu(watch, pid)
        await _until_done(watch, count)
        after = await _cpu(watch, pid)
        statements = counter.statements - seen if counter else 0
        (found,) = await rows(made.dsn, _WRITTEN)
    wanted = (count, count, 7 * count)
    assert (found["deliveries"], found["orders"], found["lines"]) == wanted, dict(found)
    assert found["marks"] >= count, dict(found)
    costs = [
        sum(late.values()) - sum(early.get(key, 0.0) for key in late)
        for late, early in zip(after, before, strict=True)
    ]
    process_cpu, postgres_cpu, broker_cpu = (1000 * cost / count for cost in costs)
    return Drained(
        per_second=count / found["seconds"], process_cpu=process_cpu, postgres_cpu=postgres_cpu,
        broker_cpu=broker_cpu, statements=statements / count,
    )  # fmt: skip


async def _until_done(watch: asyncpg.Connection, count: int) -> None:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while await watch.fetchval(_DONE) < count:
            await asyncio.sleep(0.2)


async def _cpu(watch: asyncpg.Connection, pid: int) -> list[dict[int, float]]:
    """Return CPU seconds by pid: of the process, of the backends but ours, of the broker."""
    backends = await watch.fetch(
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    groups = ([pid], [row["pid"] for row in backends], [broker_pid(RABBITMQ) or 0])
    return [{each: cpu_seconds(each) for each in group} for group in groups]


async def measure(
    *, rounds: int, count: int = 15_000, naive_count: int = 2_000
) -> dict[str, object]:
    """Alternate the two, print medians and ratios, and return everything."""
    sizes = {_OURS: count, _NAIVE: naive_count}
    found: dict[str, list[Drained]] = {name: [] for name in sizes}
    for number in range(rounds):
        for name in list(sizes)[:: -1 if number % 2 else 1]:
            say(f"drain: round {number + 1} of {rounds}, {name}")
            found[name].append(await one(name, sizes[name]))
    counts = {}
    for name in sizes:
        say(f"drain: counting the statements of {name}")
        counts[name] = (await one(name, max(1000, sizes[name] // 4), counted=True)).statements
    return _report(found, counts, sizes)


def _report(
    found: Mapping[str, Sequence[Drained]], counts: Mapping[str, float], sizes: Mapping[str, int]
) -> dict[str, object]:
    print(f"\nqueue to committed rows, {sizes} deliveries, {machine()}")
    print(
        f"{'':12}{'/s':>8}{'process':>10}{'Postgres':>10}{'broker':>9}"
        f"   CPU s per 1,000{'statements per delivery':>26}"
    )
    for name, runs in found.items():
        columns = [asdict(run) for run in runs]
        mid = {key: statistics.median(one[key] for one in columns) for key in columns[0]}
        print(
            f"{name:12}{mid['per_second']:8.0f}{mid['process_cpu']:10.4f}"
            f"{mid['postgres_cpu']:10.4f}{mid['broker_cpu']:9.4f}{counts[name]:44.3f}"
        )
    pairs = list(zip(found[_OURS], found[_NAIVE], strict=True))
    ratios = {
        "syncer / naive, deliveries/s": statistics.median(
            a.per_second / b.per_second for a, b in pairs
        ),
        "naive / syncer, CPU": statistics.median(b.cpu / a.cpu for a, b in pairs),
    }
    for title, value in ratios.items():
        print(f"  {title:36}{value:8.2f}")
    return {
        "ratios": ratios,
        "statements": dict(counts),
        "rounds": {name: [asdict(run) for run in runs] for name, runs in found.items()},
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--deliveries", type=int, default=15_000)
    parser.add_argument("--naive-deliveries", type=int, default=2_000)
    parser.add_argument("--json", type=Path, help="write every round there")
    return parser.parse_args()


async def main(args: argparse.Namespace) -> None:
    found = await measure(
        rounds=args.rounds, count=args.deliveries, naive_count=args.naive_deliveries
    )
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    uvloop.run(main(_arguments()))
