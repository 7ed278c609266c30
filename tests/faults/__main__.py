"""``python -m tests.faults``: hurt the services in every way known, and check that nothing is lost.

Each case starts webhooks, syncer and analytics as processes against a PostgreSQL and a RabbitMQ of
its own, posts signed deliveries at a steady rate, lets one fault happen, and compares the ledger of
what was answered with what the database holds. Exit code 1 when an invariant is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.faults import report
from tests.faults.catalogue import FAULTS, Fault
from tests.faults.rig import BusName
from tests.faults.run import Result, run_case, skipped
from tests.faults.servers import broking, serving

_SHOWN = 10


def main() -> int:
    given = _arguments(sys.argv[1:])
    results = asyncio.run(_run(given))
    print(f"\n{report.table(results)}")
    return int(any(one.failed for one in results) or not results)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    length = asked.add_mutually_exclusive_group()
    length.add_argument(
        "--smoke", action="store_true", help="the few that CI runs, two rounds each"
    )
    length.add_argument("--long", action="store_true", help="all of them (the default)")
    asked.add_argument("--only", action="append", metavar="NAME", help="a fault; may be repeated")
    asked.add_argument("--bus", choices=("rabbitmq", "postgres"), help="on this bus alone")
    asked.add_argument("--seed", type=int, default=1, help="of the load and of every chance taken")
    asked.add_argument("--rounds", type=int, default=0, help="instead of each fault's own number")
    asked.add_argument("--report", metavar="PAGE", help="write the rows into this page")
    asked.add_argument("--keep", metavar="FOLDER", help="keep ledgers and logs there")
    asked.add_argument("--list", action="store_true", help="name the faults and end")
    given = asked.parse_args(words)
    if given.list:
        for fault in FAULTS:
            print(f"{fault.name:20} {', '.join(fault.buses):20} {fault.told}")
        raise SystemExit(0)
    if unknown := set(given.only or ()) - {fault.name for fault in FAULTS}:
        asked.error(f"no such fault: {', '.join(sorted(unknown))}")
    return given


async def _run(given: argparse.Namespace) -> list[Result]:
    # A cancelled run takes its servers and services along.
    running = asyncio.current_task()
    assert running is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    results: list[Result] = []
    async with broking() as broker, serving(broker) as servers:
        for fault, bus in _chosen(given):
            if why := skipped(fault, bus, broker, servers.amqp_url):
                print(f"{fault.name} on {bus}: skipped, {why}", flush=True)
                continue
            began = time.monotonic()
            folder = (
                Path(given.keep) / f"{fault.name} {bus}".replace(" ", "-") if given.keep else None
            )
            rounds = given.rounds or (min(2, fault.rounds) if given.smoke else fault.rounds)
            one = await run_case(fault, bus, servers, seed=given.seed, rounds=rounds, folder=folder)
            results.append(one)
            if given.report:
                report.add(Path(given.report), [one])
            _tell(one, time.monotonic() - began)
    return results


def _chosen(given: argparse.Namespace) -> Iterator[tuple[Fault, BusName]]:
    for fault in FAULTS:
        for bus in fault.smoke if given.smoke else fault.buses:
            if given.only and fault.name not in given.only:
                continue
            if given.bus in (None, bus):
                yield fault, bus


def _tell(one: Result, seconds: float) -> None:
    print(
        f"{one.fault} on {one.bus}: {one.rounds} rounds in {seconds:.0f} s,"
        f" {one.accepted} of {one.sent} accepted, {one.lost} lost, {one.doubled} doubled,"
        f" recovered in {one.recovery:.1f} s, {one.failures} failures outside the fault,"
        f" {'BROKEN' if one.failed else 'kept'}",
        flush=True,
    )
    for violation in one.violations[:_SHOWN]:
        print(f"  {violation}", flush=True)
    if len(one.violations) > _SHOWN:
        print(f"  and {len(one.violations) - _SHOWN} more", flush=True)


if __name__ == "__main__":
    sys.exit(main())
