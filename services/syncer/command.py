"""The command line: serve, copy, verify, and look."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from services.syncer import events, privacy_command
from services.syncer.asking import Asked, connected
from services.syncer.store import command as store
from services.syncer.terminal import SHOWN, Terminal
from shared.errors import NotFound, Rejected, Unavailable
from shared.postgres import close_pool, open_pool
from shared.shopify.resources import RESOURCES

_ROLE = "tillstream_syncer"
# As a shell reports a program that SIGPIPE ended.
_PIPE_CLOSED = 141


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; ``--help`` and mistakes end the process as argparse does."""
    parser = argparse.ArgumentParser(prog="python -m services.syncer", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("serve", help="keep the copies of all stores current (the default)")
    sync = _of_store(
        commands.add_parser(
            "sync",
            help="queue jobs that copy a store's data",
            description="Queues jobs that copy a store's data; a running syncer does them."
            " With --watch, Ctrl-C ends the watching and leaves the jobs running.",
        )
    )
    sync.add_argument("--full", action="store_true", help="everything, not only what changed")
    sync.add_argument("--watch", action="store_true", help="show progress until they have ended")
    verify = _of_store(
        commands.add_parser(
            "verify",
            help="compare a store's copy with Shopify, object by object",
            description="Exports everything again and names each object that differs; what changed"
            " after the last poll is counted as pending, not as different. A running syncer does"
            " the work, this command queues the jobs and waits; Ctrl-C leaves them running. Exit"
            " code 0: equal or repaired, 1: differences are left, 2: it could not be done.",
        )
    )
    verify.add_argument("--repair", action="store_true", help="write what differs")
    verify.add_argument("--json", action="store_true", help="print one JSON document")
    status = commands.add_parser("status", help="show where each resource of a store stands")
    status.add_argument("--shop", required=True, metavar="NAME.myshopify.com")
    events.add_arguments(commands)
    privacy_command.add_arguments(commands)
    return parser.parse_args(arguments)


def _of_store(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--shop", required=True, metavar="NAME.myshopify.com", help="or its number")
    parser.add_argument(
        "--resource",
        action="append",
        choices=list(RESOURCES),
        metavar="NAME",
        help=f"one of {', '.join(RESOURCES)}; may be repeated; all without it",
    )
    return parser


def run(wanted: argparse.Namespace, dsn: str) -> int:
    """Do what is *wanted* on the database at *dsn*; return the exit code."""
    try:
        return asyncio.run(_run(wanted, dsn))
    except (Rejected, Unavailable) as exc:
        sys.stderr.write(f"tillstream: {exc}\n")
        return 2
    except BrokenPipeError:
        # Whoever read the output has read enough; what is still buffered must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except KeyboardInterrupt:
        sys.stderr.write("\nJobs that were queued go on; `status` shows how they end.\n")
        return 130


async def _run(wanted: argparse.Namespace, dsn: str) -> int:
    pool = await open_pool(dsn, role=_ROLE, max_size=2)
    try:
        async with connected(pool) as conn:
            # What came from a store that has left can still be looked at.
            looks = wanted.command in ("events", "privacy")
            owner = await store.store_named(conn, wanted.shop, whatever_its_state=looks)
        asked = Asked(
            pool=pool,
            owner=owner,
            wanted=wanted,
            terminal=Terminal(as_json=getattr(wanted, "json", False)),
        )
        commands = {
            "sync": _sync,
            "verify": _verify,
            "status": _status,
            "events": events.run,
            "privacy": privacy_command.run,
        }
        code = await commands[wanted.command](asked)
        sys.stdout.flush()
        return code
    finally:
        await close_pool(pool)


async def _sync(asked: Asked) -> int:
    kinds = asked.wanted.resource or list(RESOURCES)
    async with asked.connection() as conn, conn.transaction():
        mode: store.Mode = "full" if asked.wanted.full else "incremental"
        jobs = await store.queue(conn, asked.owner, kinds, mode=mode)
    if asked.wanted.watch:
        return 0 if await asked.watched(jobs) else 1
    asked.terminal.say(f"{len(jobs)} jobs are queued")
    return 0


async def _verify(asked: Asked) -> int:
    kinds = asked.wanted.resource or list(RESOURCES)
    repair = asked.wanted.repair
    async with asked.connection() as conn, conn.transaction():
        kinds = await store.copied(conn, asked.owner, kinds)
        if not kinds:
            raise NotFound("nothing of that was copied yet; see `sync --full`")
        jobs = await store.queue(conn, asked.owner, kinds, mode="verify", repair=repair)
    succeeded = await asked.watched(jobs)
    async with asked.connection() as conn:
        runs = await store.verifications(conn, asked.owner, jobs)
        limit = None if asked.wanted.json else SHOWN
        differences = await store.differences(conn, asked.owner, jobs, limit=limit)
    asked.terminal.verdict(asked.wanted.shop, kinds, runs, differences)
    left = sum(row["differences"] - row["repaired"] for row in runs)
    return 0 if succeeded and not left else 1


async def _status(asked: Asked) -> int:
    async with asked.connection() as conn:
        shop = await store.shop(conn, asked.owner)
        resources = await store.resources(conn, asked.owner, list(RESOURCES))
    asked.terminal.status(asked.wanted.shop, shop, resources)
    return 0
