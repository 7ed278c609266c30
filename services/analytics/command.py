"""The command line: serve, or verify the numbers against a full recompute."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from services.analytics.app import ROLE, build_app
from services.analytics.settings import Settings
from services.analytics.verify import Verdict, verify_all
from shared import log
from shared.errors import Rejected, Unavailable
from shared.postgres import close_pool, open_pool
from shared.starting import serve


def run(asked: argparse.Namespace, settings: Settings) -> int:
    """Do what is *asked*; return the exit code: 1 when numbers differ, 2 when unable."""
    log.configure(
        "analytics",
        level=settings.log_level,
        levels=settings.log_levels,
        fmt=settings.log_format,
    )
    if asked.command == "verify":
        return _verify(settings, asked)
    serve(build_app(settings), settings, port=settings.analytics_port)
    return 0


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; ``--help`` and mistakes end the process as argparse does."""
    parser = argparse.ArgumentParser(prog="python -m services.analytics", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("serve", help="bring changed orders into the numbers (the default)")
    verify = commands.add_parser(
        "verify", help="recompute every order and compare; exit code 1 when something differs"
    )
    verify.add_argument("--shop", type=int, help="the shop_id; all shops without it")
    verify.add_argument("--repair", action="store_true", help="write the recomputed numbers")
    return parser.parse_args(arguments)


def _verify(settings: Settings, asked: argparse.Namespace) -> int:
    try:
        verdicts = asyncio.run(
            verify_with(settings.database_url, shop_id=asked.shop, repair=asked.repair)
        )
    except (Rejected, Unavailable) as exc:
        sys.stderr.write(f"{exc}\n")
        return 2
    for verdict in verdicts:
        sys.stdout.write("\n".join(verdict.lines()) + "\n")
    return 1 if any(one.differences and not one.repaired for one in verdicts) else 0


async def verify_with(dsn: str, *, shop_id: int | None, repair: bool) -> list[Verdict]:
    """Verify one shop, or all, of the database at *dsn*."""
    pool = await open_pool(dsn, role=ROLE, max_size=2)
    try:
        return await verify_all(pool, shop_id=shop_id, repair=repair)
    finally:
        await close_pool(pool)
