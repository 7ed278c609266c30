"""Durable webhook ingest beside a bare aiohttp server, in alternating rounds of one run.

``python -m bench.ingest [--connections 64] [--rounds 3] [--seconds 4] [--noise 0]``
uses DATABASE_URL and AMQP_URL, or servers on localhost; what it makes there it removes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import statistics
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import asyncpg
import uvloop

from bench.ingesting.load import load
from bench.ingesting.orders import requests
from bench.ingesting.processes import broker_pid, cpu_seconds, server
from shared.bus.rabbitmq_topology import Names
from shared.bus.topology import BINDINGS, RETRY_DELAYS_SECONDS
from shared.keyring import generate_key
from shared.migrate import migrate

SECRET = "bench-secret"
SHOP = "bench.myshopify.com"
POSTGRES = os.environ.get("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
RABBITMQ = os.environ.get("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")


@dataclass(frozen=True)
class Round:
    """One measurement; CPU is in seconds per 1,000 deliveries."""

    per_second: float
    p50_ms: float
    p99_ms: float
    server_cpu: float
    broker_cpu: float
    failures: int


async def measure(name: str, args: argparse.Namespace, world: Mapping[str, str]) -> Round:
    """Start a server, load it, stop it."""
    port = _free_port()
    command = ["bench.ingesting.bare", str(port)] if name == "bare" else ["services.webhooks"]
    cores = sorted(os.sched_getaffinity(0))
    environment = {**world, "WEBHOOKS_PORT": str(port)}
    cpu = cores[0] if args.pinned else None
    sent = requests(args.distinct, secret=SECRET, shop=SHOP, noise=args.noise)
    broker = broker_pid()
    async with server(*command, port=port, environment=environment, cpu=cpu) as pid:
        before = cpu_seconds(pid), cpu_seconds(broker) if broker else 0.0
        tally, seconds = await load(
            port, sent, connections=args.connections, seconds=args.seconds, warm_up=args.warm_up
        )
        after = cpu_seconds(pid), cpu_seconds(broker) if broker else 0.0
    # CPU covers the warm-up too, so it is shared among its deliveries as well.
    thousands = len(tally.latencies) * (args.seconds + args.warm_up) / args.seconds / 1000
    return Round(
        per_second=len(tally.latencies) / seconds,
        p50_ms=tally.percentile(0.5) * 1000,
        p99_ms=tally.percentile(0.99) * 1000,
        server_cpu=(after[0] - before[0]) / thousands,
        broker_cpu=(after[1] - before[1]) / thousands,
        failures=tally.failures,
    )


@contextlib.asynccontextmanager
async def world(amqp_url: str) -> AsyncIterator[dict[str, str]]:
    """Make a database with one store and names of our own on the broker; remove them after."""
    name, prefix = f"till_bench_{uuid.uuid4().hex[:8]}", f"bench.{uuid.uuid4().hex[:8]}."
    dsn = urlunsplit(urlsplit(POSTGRES)._replace(path=f"/{name}"))
    await _on_postgres(POSTGRES, f"CREATE DATABASE {name}")
    try:
        await migrate(dsn)
        await _on_postgres(
            dsn,
            "WITH tenant AS (INSERT INTO accounts.tenants (name) VALUES ('Bench') RETURNING *)"
            " INSERT INTO accounts.stores (tenant_id, shop_domain)"
            f" SELECT tenant_id, '{SHOP}' FROM tenant",
        )
        yield {
            "DATABASE_URL": dsn,
            "AMQP_URL": f"{amqp_url}?prefix={prefix}" if amqp_url else "",
            "SHOPIFY_CLIENT_SECRET": SECRET,
            "SHOPIFY_ENCRYPTION_KEY": generate_key(),
            "LOG_LEVEL": "WARNING",
        }
    finally:
        await _on_postgres(POSTGRES, f"DROP DATABASE {name} WITH (FORCE)")
        if amqp_url:
            await _forget(amqp_url, prefix)


async def _on_postgres(dsn: str, statement: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()


async def _forget(amqp_url: str, prefix: str) -> None:
    names = Names(bindings=BINDINGS, delays=RETRY_DELAYS_SECONDS, prefix=prefix)
    waiting = [names.waiting(delay) for delay in names.delays]
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        for queue in names.queues:
            await channel.queue_delete(names.queue(queue))
            await channel.queue_delete(names.dead(queue))
        for name in waiting:
            await channel.queue_delete(name)
        for name in (names.exchange, names.dead_exchange, *waiting):
            await channel.exchange_delete(name)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def report(rounds: Mapping[str, list[Round]], args: argparse.Namespace) -> None:
    """Print medians and the ratio of each round's pair."""
    size = len(requests(1, secret=SECRET, shop=SHOP, noise=args.noise)[0])
    print(
        f"ingest: {args.connections} connections, {args.rounds} rounds of {args.seconds} s,"
        f" {args.distinct} distinct requests of about {size} bytes, {os.cpu_count()} cores"
    )
    print(
        f"{'':10}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU s/1k':>10}{'broker':>9}{'failed':>8}"
    )
    for name, measured in rounds.items():
        middle = {
            field: statistics.median(getattr(one, field) for one in measured)
            for field in Round.__dataclass_fields__
        }
        print(
            f"{name:10}{middle['per_second']:9.0f}{middle['p50_ms']:9.2f}{middle['p99_ms']:9.2f}"
            f"{middle['server_cpu']:10.4f}{middle['broker_cpu']:9.4f}{middle['failures']:8.0f}"
        )
    pairs = zip(rounds["webhooks"], rounds["bare"], strict=True)
    ratios = [ours.per_second / bare.per_second for ours, bare in pairs]
    print(
        f"ratio webhooks / bare: {statistics.median(ratios):.3f}"
        f" (rounds: {', '.join(f'{ratio:.3f}' for ratio in ratios)})"
    )


async def main(args: argparse.Namespace) -> None:
    """Alternate the two servers, reversing the order each round."""
    rounds: dict[str, list[Round]] = {"bare": [], "webhooks": []}
    if args.pinned:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
    async with world("" if args.bus == "postgres" else RABBITMQ) as made:
        for number in range(args.rounds):
            for name in sorted(rounds, reverse=bool(number % 2)):
                rounds[name].append(await measure(name, args, made))
    report(rounds, args)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--warm-up", type=float, default=0.5)
    parser.add_argument("--distinct", type=int, default=2000)
    parser.add_argument("--noise", type=int, default=0, help="random characters per body")
    parser.add_argument("--bus", choices=["rabbitmq", "postgres"], default="rabbitmq")
    parser.add_argument("--unpinned", dest="pinned", action="store_false")
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(main(_arguments()))
