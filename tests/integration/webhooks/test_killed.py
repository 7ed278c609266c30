"""kill -9 of the webhooks process: what was answered 200 is on the bus."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from shared.bus.protocol import Bus
from tests.integration.webhooks.conftest import (
    KEY,
    PATH,
    SECRET,
    Shop,
    headers_for,
    taken,
)

DELIVERIES = 2000
CLIENTS = 16
ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Process:
    """The service as a process of its own, on a port that stays."""

    def __init__(self, dsn: str, amqp_url: str) -> None:
        self.port = free_port()
        self._child: asyncio.subprocess.Process | None = None
        self._environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": dsn,
            "AMQP_URL": amqp_url,
            "SHOPIFY_CLIENT_SECRET": SECRET,
            "SHOPIFY_ENCRYPTION_KEY": KEY,
            "WEBHOOKS_PORT": str(self.port),
            "LOG_LEVEL": "ERROR",
        }

    async def start(self) -> None:
        self._child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.webhooks", cwd=ROOT, env=self._environment
        )
        async with asyncio.timeout(20), aiohttp.ClientSession() as session:
            while not await self._ready(session):
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        assert self._child is not None
        self._child.send_signal(signal.SIGKILL)
        await self._child.wait()

    async def terminate(self) -> int:
        assert self._child is not None
        self._child.terminate()
        return await self._child.wait()

    async def _ready(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


class Sender:
    """Sends like Shopify: the same delivery again until it is answered 200."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}{PATH}"
        self.answered: set[bytes] = set()
        self._waiting = [b'{"id": %d}' % number for number in range(DELIVERIES)]

    async def run(self) -> None:
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(self._client(session) for _ in range(CLIENTS)))

    async def _client(self, session: aiohttp.ClientSession) -> None:
        while self._waiting:
            body = self._waiting.pop()
            headers = headers_for(body)
            while not await self._accepted(session, body, headers):
                await asyncio.sleep(0.02)
            self.answered.add(body)

    async def _accepted(
        self, session: aiohttp.ClientSession, body: bytes, headers: dict[str, str]
    ) -> bool:
        try:
            async with session.post(self._url, data=body, headers=headers) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@pytest.mark.slow
async def test_every_200_is_on_the_bus_after_kill_9(dsn: str, bus_url: str, bus: Bus, shop: Shop):
    process = Process(dsn, bus_url)
    await process.start()
    sender = Sender(process.port)
    sending = asyncio.create_task(sender.run())

    for share in (0.2, 0.5, 0.8):
        while len(sender.answered) < share * DELIVERIES:
            await asyncio.sleep(0.005)
        await process.kill()
        await process.start()
    async with asyncio.timeout(40):
        await sending
    code = await process.terminate()

    found = {delivery.body for delivery in await taken(bus, DELIVERIES)}
    assert len(sender.answered) == DELIVERIES
    assert found == sender.answered
    assert code == 0
