"""Durable webhook ingest beside a bare aiohttp server, in alternating rounds of one run.

``python -m bench.ingest`` measures 64 connections, ``--peers`` also other people's receivers.
``--all`` measures everything that docs/webhooks.md tells of speed, in about six minutes: 1, 8, 64
and 256 connections, bodies that hardly compress, the peers, the syncer and latencies. It uses
DATABASE_URL and AMQP_URL, or servers on localhost; what it makes there it removes. Progress goes
to standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

from bench import drain, latency
from bench.ingesting.measured import Round, Rounds, machine, measure, ratio, say, table
from bench.ingesting.orders import requests
from bench.ingesting.servers import PEERS, installed
from bench.ingesting.world import RABBITMQ, SECRET, SHOP, World, world

# Random characters in a body of 10 KB: a batch of them shrinks to a third.
_NOISE = 3000
_OURS = ("bare", "webhooks")
_PER_MESSAGE = "per message"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One table: which servers, and how hard they are pressed."""

    title: str
    servers: Sequence[str]
    connections: int
    rounds: int
    noise: int


def plans(args: argparse.Namespace) -> Iterator[Plan]:
    """Yield what *args* ask for."""
    peers = [one for one in PEERS if installed(one)] if args.peers or args.all else []
    noise = _NOISE if args.poorly_compressible else 0
    for connections in (64, 1, 8, 256) if args.all else args.connections:
        alone = connections != 1 or _PER_MESSAGE not in peers
        beside = {1: [] if alone else [_PER_MESSAGE], 64: peers}
        # With --all, the tables that no goal is about are shorter.
        short = args.all and connections in (8, 256)
        yield Plan(
            title=f"{connections} connections" + ", poorly compressible" * bool(noise),
            servers=(*_OURS, *beside.get(connections, [] if args.all else peers)),
            connections=connections,
            rounds=min(2, args.rounds) if short else args.rounds,
            noise=noise,
        )
    if args.all:
        title = "64 connections, poorly compressible"
        yield Plan(title=title, servers=_OURS, connections=64, rounds=args.rounds, noise=_NOISE)


async def alternate(
    plan: Plan, made: World, sent: Sequence[bytes], args: argparse.Namespace
) -> dict[str, list[Round]]:
    """Measure every server in every round, reversing their order each time."""
    rounds: dict[str, list[Round]] = {name: [] for name in plan.servers}
    with pinned(args.pinned) as core:
        for number in range(plan.rounds):
            for name in plan.servers[:: -1 if number % 2 else 1]:
                say(f"{plan.title}: round {number + 1} of {plan.rounds}, {name}")
                found = await measure(
                    name, made, sent, connections=plan.connections, seconds=args.seconds,
                    warm_up=args.warm_up, cpu=core,
                )  # fmt: skip
                rounds[name].append(found)
    return rounds


@contextlib.contextmanager
def pinned(wanted: bool) -> Iterator[int | None]:
    """Keep the load generator on the last core; yield the first one, for the server."""
    cores = os.sched_getaffinity(0)
    if not wanted or len(cores) == 1:
        yield None
        return
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield min(cores)
    finally:
        os.sched_setaffinity(0, cores)


def verdicts(rounds: Rounds) -> Iterator[tuple[str, float]]:
    """Yield the ratios that goals are about."""
    yield "webhooks / bare, req/s", ratio(rounds, "webhooks", "bare", lambda r: r.per_second)
    yield "webhooks / bare, server CPU", ratio(rounds, "webhooks", "bare", lambda r: r.server_cpu)
    for peer in rounds:
        if peer not in _OURS:
            yield f"{peer} / webhooks, CPU", ratio(rounds, peer, "webhooks", lambda r: r.cpu)
            yield (
                f"webhooks / {peer}, req/s",
                ratio(rounds, "webhooks", peer, lambda r: r.per_second),
            )
            yield f"webhooks / {peer}, p50", ratio(rounds, "webhooks", peer, lambda r: r.p50_ms)
            yield f"webhooks / {peer}, p99", ratio(rounds, "webhooks", peer, lambda r: r.p99_ms)


def report(plan: Plan, rounds: Rounds) -> dict[str, object]:
    """Print medians and ratios; return them with every round."""
    print(f"\n{plan.title}, {plan.rounds} rounds, {machine()}")
    print(table(rounds))
    found = dict(verdicts(rounds))
    for name, value in found.items():
        print(f"  {name:36}{value:8.3f}")
    return {
        "ratios": found,
        "rounds": {name: [asdict(one) for one in each] for name, each in rounds.items()},
    }


async def main(args: argparse.Namespace) -> None:
    """Measure what *args* ask for; write what there is also when a later part fails."""
    results: dict[str, object] = {"machine": machine()}
    try:
        await every_table(args, results)
        if args.all:
            results["drain"] = await drain.measure(rounds=min(2, args.rounds))
            results["latency"] = await latency.measure(rounds=min(2, args.rounds))
    finally:
        if args.json:
            args.json.write_text(json.dumps(results, indent=1))


async def every_table(args: argparse.Namespace, results: dict[str, object]) -> None:
    """Add to *results* what each plan found."""
    sent: dict[int, list[bytes]] = {}
    for plan in list(plans(args)):
        if plan.noise not in sent:
            say(f"making {args.distinct} signed requests")
            # One set at a time: each takes 200 MB.
            sent = {plan.noise: requests(args.distinct, secret=SECRET, shop=SHOP, noise=plan.noise)}
        async with world("" if args.bus == "postgres" else RABBITMQ) as made:
            rounds = await alternate(plan, made, sent[plan.noise], args)
        results[plan.title] = report(plan, rounds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    say_all = "every table, the syncer and latencies"
    parser.add_argument("--all", action="store_true", help=say_all)
    parser.add_argument("--peers", action="store_true", help="also what others would write")
    parser.add_argument("--connections", type=int, nargs="+", default=[64])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement")
    parser.add_argument("--warm-up", type=float, default=0.5)
    parser.add_argument("--distinct", type=int, default=20_000)
    parser.add_argument("--poorly-compressible", action="store_true")
    parser.add_argument("--bus", choices=["rabbitmq", "postgres"], default="rabbitmq")
    parser.add_argument("--unpinned", dest="pinned", action="store_false")
    parser.add_argument("--json", type=Path, help="write every round there")
    args = parser.parse_args()
    if args.bus == "postgres" and (args.peers or args.all):
        parser.error("peers, the syncer and latencies are measured on RabbitMQ")
    if args.seconds > 60 or args.rounds > 20:
        parser.error("at most 20 rounds of 60 seconds")
    return args


if __name__ == "__main__":
    uvloop.run(main(_arguments()))
