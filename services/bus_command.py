"""``python -m services bus``: look at the queues, pause them, and deal with the dead."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from services.bus_terminal import Terminal
from services.embedded import running_url
from services.settings import MachineSettings
from shared.bus import dead
from shared.bus.connect import open_bus
from shared.bus.dead import Pace, Wanted, matching
from shared.bus.protocol import Bus
from shared.bus.topology import QUEUES
from shared.errors import NotFound, Rejected, Unavailable
from shared.postgres import close_pool, open_pool

# As a shell reports a program that SIGPIPE ended.
_PIPE_CLOSED = 141
_ROLE = "tillstream_syncer"
_UNITS: Mapping[str, str] = MappingProxyType(
    {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
)

Command: TypeAlias = Callable[[Bus, argparse.Namespace, Terminal], Awaitable[int]]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command line."""
    parser = commands.add_parser(
        "bus",
        help="look at the queues, pause them, and deal with dead messages",
        description="Works on the bus of AMQP_URL and DATABASE_URL, or on the one of `up`.",
        epilog="Exit code 0: done, 1: nothing was found, 2: it could not be done, with the reason.",
    )
    asked = parser.add_subparsers(dest="asked", required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print one JSON document")
    asked.add_parser("status", parents=[shared], help="how each queue stands")
    listed = asked.add_parser("dead", parents=[shared], help="list dead messages, oldest first")
    _add_filter(listed, queue_required=False)
    listed.add_argument("--limit", type=_positive, default=50, help="at most so many (50)")
    show = asked.add_parser("show", parents=[shared], help="show one dead message with its body")
    show.add_argument("queue", choices=QUEUES, metavar="QUEUE")
    show.add_argument("id", help="as `dead` lists it")
    show.add_argument("--raw", action="store_true", help="the body alone, byte by byte")
    replay = asked.add_parser(
        "replay", parents=[shared], help="give dead messages another life, oldest first"
    )
    _add_filter(replay, queue_required=True)
    replay.add_argument(
        "--rate", type=_positive_number, default=0.0, metavar="N", help="at most N per second"
    )
    drop = asked.add_parser("drop", parents=[shared], help="forget dead messages for good")
    _add_filter(drop, queue_required=True)
    drop.add_argument("--yes", action="store_true", help="do not ask")
    pause = asked.add_parser("pause", parents=[shared], help="let no replica take from a queue")
    pause.add_argument("queue", choices=QUEUES, metavar="QUEUE")
    pause.add_argument("--reason", default="", help="what the next operator should know")
    resume = asked.add_parser("resume", parents=[shared], help="let consumers take from it again")
    resume.add_argument("queue", choices=QUEUES, metavar="QUEUE")


def _add_filter(parser: argparse.ArgumentParser, *, queue_required: bool) -> None:
    parser.add_argument(
        "queue",
        nargs=None if queue_required else "?",
        choices=QUEUES,
        metavar="QUEUE",
        help=f"one of {', '.join(QUEUES)}",
    )
    if queue_required:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--id", default="", help="this one alone, as `dead` lists it")
        which.add_argument("--all", action="store_true", help="all that lie in the queue")
    parser.add_argument("--topic", default="", help="published under this topic")
    parser.add_argument("--reason", default="", metavar="TEXT", help="TEXT is in the reason")
    parser.add_argument(
        "--of", default="", metavar="WHOM", help="a tenant, a shop's number or its domain"
    )
    parser.add_argument("--since", type=_moment, metavar="WHEN", help="died then or later")
    parser.add_argument(
        "--until",
        type=_moment,
        metavar="WHEN",
        help="died before; 2026-11-21T12:00 (UTC), or 30m, 2h, 1d: so long ago",
    )


async def run(asked: argparse.Namespace, settings: MachineSettings) -> int:
    """Do what is *asked*; return the exit code."""
    terminal = Terminal(as_json=asked.json)
    try:
        async with _bus(settings) as bus:
            code = await _COMMANDS[asked.asked](bus, asked, terminal)
        sys.stdout.flush()
    except (Rejected, Unavailable) as exc:
        sys.stderr.write(f"tillstream: {exc}\n")
        return 2
    except BrokenPipeError:
        # Whoever read the output has read enough; what is still buffered must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    return code


@contextlib.asynccontextmanager
async def _bus(settings: MachineSettings) -> AsyncIterator[Bus]:
    url = settings.database_url or running_url(Path(settings.tillstream_home))
    if not url:
        raise Rejected("DATABASE_URL is not set, and nothing runs here; see `up`")
    pool = await open_pool(url, role=_ROLE, max_size=3)
    try:
        bus = await open_bus(settings.amqp_url, pool)
        try:
            yield bus
        finally:
            await bus.close()
    finally:
        await close_pool(pool)


async def _status(bus: Bus, asked: argparse.Namespace, terminal: Terminal) -> int:
    del asked
    pauses = {pause.queue: pause for pause in await bus.pauses.all()}
    states = {queue: await bus.state(queue) for queue in QUEUES}
    terminal.status(states, pauses)
    return 0


async def _dead(bus: Bus, asked: argparse.Namespace, terminal: Terminal) -> int:
    found = []
    for queue in [asked.queue] if asked.queue else QUEUES:
        async with bus.dead_letters(queue) as letters:
            visited = matching(letters, _wanted(asked), limit=asked.limit)
            found.extend([terminal.summary(letter) async for letter in visited])
    terminal.dead(found[: asked.limit])
    return 0


async def _show(bus: Bus, asked: argparse.Namespace, terminal: Terminal) -> int:
    async with bus.dead_letters(asked.queue) as letters:
        async for letter in matching(letters, Wanted(dead_id=asked.id)):
            if asked.raw:
                sys.stdout.buffer.write(letter.message.body)
            else:
                terminal.show(letter)
            return 0
    raise NotFound(f"no dead message of {asked.queue} is called {asked.id}")


async def _replay(bus: Bus, asked: argparse.Namespace, terminal: Terminal) -> int:
    wanted = _narrowed(asked)
    with terminal.progress("replayed", await bus.dead(asked.queue)) as told:
        done = await dead.replay(bus, asked.queue, wanted, pace=Pace(asked.rate), told=told)
    terminal.done("replayed", done, asked.queue)
    return _exit_code(done, asked)


async def _drop(bus: Bus, asked: argparse.Namespace, terminal: Terminal) -> int:
    wanted = _narrowed(asked)
    doomed = await dead.listed(bus, asked.queue, wanted)
    if doomed and not asked.yes and not _agreed(len(doomed), asked.queue):
        raise Rejected("nothing was dropped")
    with terminal.progress("dropped", len(doomed)) as told:
        # What has died while the question was open was not asked about.
        done = await dead.drop(bus, asked.queue, Wanted(among=doomed), told=told) if doomed else 0
    terminal.done("dropped", done, asked.queue)
    return _exit_code(done, asked)


async def _pause(bus: Bus, asked: argparse.Namespace, terminal: Terminal) -> int:
    changed = await bus.pauses.pause(asked.queue, reason=asked.reason)
    terminal.turned(asked.queue, paused=True, changed=changed)
    return 0


async def _resume(bus: Bus, asked: argparse.Namespace, terminal: Terminal) -> int:
    terminal.turned(asked.queue, paused=False, changed=await bus.pauses.resume(asked.queue))
    return 0


_COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "status": _status,
        "dead": _dead,
        "show": _show,
        "replay": _replay,
        "drop": _drop,
        "pause": _pause,
        "resume": _resume,
    }
)


def _wanted(asked: argparse.Namespace) -> Wanted:
    return Wanted(
        dead_id=getattr(asked, "id", ""),
        topic=asked.topic,
        reason=asked.reason,
        whose=asked.of,
        since=asked.since,
        until=asked.until,
    )


def _narrowed(asked: argparse.Namespace) -> Wanted:
    """Return what is wanted; everything must be said, not forgotten to be narrowed."""
    wanted = _wanted(asked)
    if wanted == Wanted() and not asked.all:
        raise Rejected("say which: --id, --topic, --reason, --of, --since, --until or --all")
    return wanted


def _agreed(count: int, queue: str) -> bool:
    if not sys.stdin.isatty():
        raise Rejected(f"{count:,} messages of {queue} would be dropped for good; say --yes")
    sys.stderr.write(f"Drop {count:,} dead messages of {queue} for good? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def _exit_code(done: int, asked: argparse.Namespace) -> int:
    return 0 if done or asked.all else 1


def _moment(text: str) -> datetime:
    number, unit = text[:-1], text[-1:]
    if number.isdecimal() and unit in _UNITS:
        return datetime.now(UTC) - timedelta(**{_UNITS[unit]: int(number)})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no moment; write 2026-11-21T12:00") from exc
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return int(text)


def _positive_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return number
