"""The services as processes that are killed without warning, and a sender as patient as Shopify."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp

from shared.deliveries import Delivery

ROOT = Path(__file__).parents[2]
INGRESS = "/api/v1/shopify/webhooks"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Process:
    """One service on a port that stays, however often it is killed."""

    def __init__(
        self, name: str, environment: Mapping[str, str], *, log: Path | None = None
    ) -> None:
        self.name = name
        self._log = log
        self.port = free_port()
        self._child: asyncio.subprocess.Process | None = None
        self._environment = {
            **environment,
            "PATH": os.environ["PATH"],
            f"{name.upper()}_PORT": str(self.port),
            "LOG_LEVEL": "ERROR",
        }

    async def start(self) -> None:
        """Return when it says that it is ready."""
        with contextlib.ExitStack() as files:
            log = files.enter_context(self._log.open("ab")) if self._log else None
            self._child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", f"services.{self.name}"),
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(30), aiohttp.ClientSession() as session:
            while not await self._ready(session):
                assert self._child.returncode is None, f"{self.name} ended by itself"
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """Kill -9; nothing when it does not run."""
        if self._child is not None and self._child.returncode is None:
            self._child.send_signal(signal.SIGKILL)
            await self._child.wait()

    def pause(self) -> None:
        """Stop it in its tracks, as a frozen machine would."""
        assert self._child is not None
        self._child.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._child is not None
        self._child.send_signal(signal.SIGCONT)

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    @property
    def ended(self) -> int | None:
        """With what code it ended; None while it runs and before it was started."""
        return self._child.returncode if self._child else None

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


def signed_headers(delivery: Delivery, secret: str) -> dict[str, str]:
    """Return what Shopify sends beside the body of *delivery*."""
    digest = hmac.new(secret.encode(), delivery.body, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "X-Shopify-Topic": delivery.topic,
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        "X-Shopify-Shop-Domain": delivery.shop_domain,
        "X-Shopify-Webhook-Id": delivery.webhook_id,
        "X-Shopify-Event-Id": delivery.event_id or delivery.webhook_id,
        "X-Shopify-Triggered-At": delivery.triggered_at,
        "X-Shopify-API-Version": delivery.api_version,
    }


class Sender:
    """Posts each delivery again until it is answered 200."""

    def __init__(self, port: int, secret: str, deliveries: Sequence[Delivery]) -> None:
        self._url = f"http://127.0.0.1:{port}{INGRESS}"
        self._secret = secret
        self._waiting = list(reversed(deliveries))
        self.total = len(deliveries)
        self.answered: set[str] = set()
        self.refused = 0

    async def run(self, *, clients: int) -> None:
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(self._client(session) for _ in range(clients)))

    async def _client(self, session: aiohttp.ClientSession) -> None:
        while self._waiting:
            delivery = self._waiting.pop()
            while not await self._accepted(session, delivery):
                self.refused += 1
                await asyncio.sleep(0.02)
            self.answered.add(delivery.webhook_id)

    async def _accepted(self, session: aiohttp.ClientSession, delivery: Delivery) -> bool:
        headers = signed_headers(delivery, self._secret)
        try:
            async with session.post(self._url, data=delivery.body, headers=headers) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False
