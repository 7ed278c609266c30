"""The receiver in a process of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import aiohttp


class Receiver:
    def __init__(self, base: str) -> None:
        self.base = base

    async def taken(self) -> list[dict[str, Any]]:
        async with aiohttp.ClientSession() as session, session.get(self.base + "/_taken") as answer:
            return await answer.json()


@contextlib.contextmanager
def receiving(secret: str) -> Iterator[Receiver]:
    """Run a receiver that knows *secret*."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.outgoing.receiver", secret],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Receiver(f"http://127.0.0.1:{process.stdout.readline().strip()}")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
