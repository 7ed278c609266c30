"""``python -m services``: the whole system on one machine, with or without a simulated store."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path

import structlog
from pydantic import ValidationError

from services import bus_command
from services.database import migrated
from services.settings import MachineSettings
from shared.errors import Rejected, Unavailable
from shared.starting import complaint


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; what is in the way is one readable line on standard error."""
    asked = _parser().parse_args(arguments)
    # What matters is told by the commands themselves, in one line each.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.basicConfig(level=logging.CRITICAL)
    try:
        if asked.command == "bus":
            return asyncio.run(bus_command.run(asked, MachineSettings()))
        return asyncio.run(_until_told(_work(asked, MachineSettings())))
    except ValidationError as exc:
        return _fail(complaint(exc), code=2 if asked.command == "bus" else 1)
    except (Rejected, Unavailable) as exc:
        return _fail(str(exc))
    except KeyboardInterrupt:
        return 130


def _fail(reason: str, *, code: int = 1) -> int:
    print(f"tillstream: {reason}", file=sys.stderr)  # noqa: T201 - the command's answer
    return code


async def _until_told(work: Coroutine[None, None, int]) -> int:
    """Await *work*; SIGTERM and Ctrl-C end it in order, as a wanted end."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def tell() -> None:
        told.set()
        task.cancel()

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(each, tell)
    try:
        return await task
    except asyncio.CancelledError:
        if told.is_set():
            return 0
        raise


async def _work(asked: argparse.Namespace, settings: MachineSettings) -> int:
    if asked.command == "migrate":
        return await _migrate(settings)
    # These need packages of the extra "demo", which an image of the services does not have.
    from services import connect, demo, up

    if asked.command == "up":
        return await up.run(settings)
    if asked.command == "connect":
        return await connect.run(settings, asked.api)
    wanted = demo.Wanted(
        once=asked.once,
        orders=asked.orders,
        seed=asked.seed,
        dataset=_dataset(asked.dataset),
        rate=asked.rate,
    )
    return await demo.run(settings, wanted)


async def _migrate(settings: MachineSettings) -> int:
    if not settings.database_url:
        raise Rejected("DATABASE_URL is not set")
    ran = await migrated(settings.database_url)
    print("\n".join(ran) or "nothing to do")  # noqa: T201 - the command's answer
    return 0


def _dataset(path: Path | None) -> Path | None:
    if path is None:
        return None
    if not path.is_dir():
        raise Rejected(f"there is no dataset directory {path}")
    if not any(path.glob("*.parquet")):
        raise Rejected(f"{path} holds no .parquet file")
    return path.resolve()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("migrate", help="bring the database of DATABASE_URL up to date and exit")
    bus_command.add_parser(commands)
    commands.add_parser("up", help="run the four services, with PostgreSQL if none is given")
    demo = commands.add_parser("demo", help="the same with a simulated store, connected and live")
    demo.add_argument(
        "--once", action="store_true", help="sync, check every count and number, and exit"
    )
    demo.add_argument("--orders", type=int, default=2000, help="orders of the simulated store")
    demo.add_argument("--seed", type=int, default=7, help="same seed, same store")
    demo.add_argument("--dataset", type=Path, help="directory with a real shop's parquet files")
    demo.add_argument("--rate", type=float, default=3.0, help="live changes per second; 0: none")
    connect = commands.add_parser("connect", help="connect the simulated store of a running system")
    connect.add_argument("--api", required=True, help="where the gateway answers")
    return parser
