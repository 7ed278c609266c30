"""A service that cannot start says so, as a process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from shared.background import in_background

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["gateway", "webhooks", "syncer", "analytics"])
def test_a_service_without_its_database_url_says_so_in_one_line(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"services.{name}"],
        env={"PATH": os.environ["PATH"], "SHOPIFY_ENCRYPTION_KEY": "key-that-is-none"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )

    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith("tillstream: ")
    assert "DATABASE_URL: not set" in line
    assert "key-that-is-none" not in line


@pytest.mark.parametrize("name", ["gateway", "webhooks", "syncer", "analytics"])
def test_help_needs_no_settings(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"services.{name}", "--help"],
        env={"PATH": os.environ["PATH"]},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: python -m services.{name} ")


def test_a_database_that_is_away_is_said_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.analytics"],
        env={
            "PATH": os.environ["PATH"],
            "DATABASE_URL": "postgresql://me:hidden@127.0.0.1:1/db",
            "ANALYTICS_PORT": "18083",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert (done.returncode, done.stderr) == (2, "tillstream: PostgreSQL does not answer\n")


@pytest.mark.parametrize("told", [True, False], ids=["on its own", "while it was ending"])
def test_an_app_ends_in_order_though_two_of_its_works_die(told: bool) -> None:
    ended: list[str] = []

    async def last(_: web.Application) -> AsyncIterator[None]:
        yield
        await asyncio.sleep(0.05)
        ended.append("last")

    async def dies(_: web.Application, stop: asyncio.Event) -> None:
        await (asyncio.sleep(0.05) if told else stop.wait())
        raise ValueError

    app = web.Application()
    works = [in_background(dies, name=name) for name in ("one", "other")]
    app.cleanup_ctx.extend([last, *works])
    loop = asyncio.new_event_loop()
    if not told:
        loop.call_later(0.2, _exit)

    web.run_app(app, host="127.0.0.1", port=0, print=None, handle_signals=False, loop=loop)

    assert ended == ["last"]


def _exit() -> None:
    raise web.GracefulExit
