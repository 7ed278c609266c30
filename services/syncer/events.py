"""The log of webhook deliveries on the command line: list, show, counts, trace, body, replay."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, get_args

from services.syncer import events_shown as shown
from services.syncer.asking import Asked
from services.syncer.store import command as store
from shared.clock import now
from shared.event_log import Log, Search, State

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_AGE = re.compile(r"(\d{1,6})([smhd])")
_UNITS = MappingProxyType({"s": "seconds", "m": "minutes", "h": "hours", "d": "days"})
_COUNTED = timedelta(days=1)
_MOST_LISTED = 10_000
_MOST_PER_SECOND = 5000.0
_WHEN = "ISO 8601 (UTC where it names no zone), or an age: 90s, 15m, 2h, 3d"


def add_arguments(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command ``events`` with commands of its own."""
    parser = commands.add_parser(
        "events", help="the log of webhook deliveries: find, follow, replay"
    )
    below = parser.add_subparsers(dest="event_command", metavar="COMMAND", required=True)
    listed = _filtered(below.add_parser("list", help="list deliveries, newest first"))
    listed.add_argument("--limit", type=_between(1, _MOST_LISTED), default=50, metavar="N")
    _filtered(
        below.add_parser(
            "counts",
            help="count deliveries by state, topic and hour",
            description="Counts deliveries; without --since those of 24 hours.",
        )
    )
    for command, text in (
        ("show", "show one delivery and what became of its objects"),
        ("trace", "show the way of one delivery, from Shopify to the rollup"),
        ("body", "print the body as Shopify sent it"),
    ):
        one = _of_store(below.add_parser(command, help=text))
        one.add_argument("id", metavar="WEBHOOK_ID")
        one.add_argument("--topic", metavar="TOPIC", help="where several have the same id")
    replay = _filtered(
        below.add_parser(
            "replay",
            help="apply deliveries again",
            description="Queues a job that applies kept deliveries again, oldest first, and shows"
            " its progress; a running syncer does the work, Ctrl-C leaves it running. Nothing newer"
            " is overwritten. Without --state and --id only dead ones. Exit code 0: all could be"
            " applied, 1: some could not, 2: it could not be done.",
        )
    )
    replay.add_argument(
        "--rate", type=_rate, default=100.0, metavar="N", help="deliveries per second at most (100)"
    )
    replay.add_argument("--dry-run", action="store_true", help="only count them")


def _of_store(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--shop", required=True, metavar="NAME.myshopify.com", help="or its number")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _filtered(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    _of_store(parser)
    states = [*get_args(State), "any"]
    parser.add_argument("--state", action="append", choices=states, help="may be repeated")
    parser.add_argument("--topic", metavar="TOPIC", help="such as orders/updated")
    parser.add_argument("--id", metavar="WEBHOOK_ID", help="Shopify's id of the delivery")
    parser.add_argument("--event", metavar="EVENT_ID", help="Shopify's id of what happened")
    parser.add_argument("--object", type=int, metavar="ID", help="Shopify's id of the object")
    parser.add_argument("--order", metavar="NAME", help="name of the order, with or without #")
    parser.add_argument(
        "--since", type=_moment, metavar="TIME", help=f"received then or later: {_WHEN}"
    )
    parser.add_argument("--until", type=_moment, metavar="TIME", help="received before")
    return parser


async def run(asked: Asked) -> int:
    """Do what was asked; return the exit code."""
    commands: Mapping[str, Callable[[Asked], Awaitable[int]]] = {
        "list": _list, "show": _show, "trace": _show, "body": _body, "counts": _counts,
        "replay": _replay,
    }  # fmt: skip
    return await commands[asked.wanted.event_command](asked)


@asynccontextmanager
async def _log(asked: Asked) -> AsyncIterator[Log]:
    async with asked.connection() as conn, conn.transaction():
        yield Log(conn=conn, tenant_id=asked.owner.tenant_id, shop_id=asked.owner.shop_id)


def _search(wanted: argparse.Namespace, *, unless_told: list[State] | None = None) -> Search:
    states = wanted.state or (None if wanted.id else unless_told)
    return Search(
        states=None if states is None or "any" in states else states,
        topic=wanted.topic,
        webhook_id=wanted.id,
        event_id=wanted.event,
        resource_id=wanted.object,
        order_name=wanted.order,
        received_from=wanted.since,
        received_to=wanted.until,
    )


async def _list(asked: Asked) -> int:
    limit = asked.wanted.limit
    async with _log(asked) as log:
        rows = await log.page(_search(asked.wanted), after=None, limit=limit + 1)
    shown.events(asked.terminal, rows[:limit])
    if len(rows) > limit:
        asked.terminal.say(f"the newest {limit:,}; --limit shows more")
    return 0


async def _show(asked: Asked) -> int:
    async with _log(asked) as log:
        topic = await log.topic_of(asked.wanted.id, asked.wanted.topic)
        one = Search(webhook_id=asked.wanted.id, topic=topic)
        (row,) = await log.page(one, after=None, limit=1)
        steps = await log.steps(asked.wanted.id, topic)
    shown.one(asked.terminal, row, steps, whole=asked.wanted.event_command == "show")
    return 0


async def _body(asked: Asked) -> int:
    async with _log(asked) as log:
        topic = await log.topic_of(asked.wanted.id, asked.wanted.topic)
        body = await log.body(asked.wanted.id, topic)
    sys.stdout.buffer.write(body)
    return 0


async def _counts(asked: Asked) -> int:
    search = _search(asked.wanted)
    if search.received_from is None:
        search = replace(search, received_from=(search.received_to or now()) - _COUNTED)
    async with _log(asked) as log:
        rows = await log.counts(search)
    shown.counts(asked.terminal, rows)
    return 0


async def _replay(asked: Asked) -> int:
    search = _search(asked.wanted, unless_told=["dead"])
    async with _log(asked) as log:
        await store.check_active(log.conn, asked.owner)
        found = await log.matching(search)
        nothing = not found or not found["deliveries"]
        if asked.wanted.dry_run or nothing:
            shown.found(asked.terminal, found)
            return 0
        job_id = await log.ask_replay(search, rate=asked.wanted.rate, by="command line")
    succeeded = await asked.watched([job_id])
    async with _log(asked) as log:
        (row,) = await log.replays(job_id)
    shown.replay(asked.terminal, row)
    return 0 if succeeded and not row["dead"] else 1


def _moment(text: str) -> datetime:
    if age := _AGE.fullmatch(text):
        return now() - timedelta(**{_UNITS[age[2]]: int(age[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: {_WHEN}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _between(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not from {least:,} to {most:,}")
        return int(text)

    return number


def _rate(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= _MOST_PER_SECOND:
        raise argparse.ArgumentTypeError(f"{text!r} is not from 0 to {_MOST_PER_SECOND:,.0f}")
    return found
