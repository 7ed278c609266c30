"""The load: posts deliveries as Shopify would, and notes in the ledger what it was told."""

from __future__ import annotations

import asyncio
import dataclasses
import time
import uuid
from collections.abc import Iterable

import aiohttp

from shared.deliveries import Delivery
from tests.faults.ledger import NO_ANSWER, Ledger
from tests.faults.orders import Change, Histories
from tests.integration.processes import INGRESS, signed_headers

# Shopify waits five seconds and tries eight times more within four hours; here, within a minute.
ANSWER_SECONDS = 5.0
RETRY_SECONDS = (0.25, 0.5, 1, 2, 4, 6, 8, 10)
_AT_ONCE = 150


class Driver:
    """Posts changes at *rate* per second while ``running``; remembers what was answered 200."""

    def __init__(
        self, port: int, secret: str, ledger: Ledger, histories: Histories, *, rate: float
    ) -> None:
        self._url = f"http://127.0.0.1:{port}{INGRESS}"
        self._secret = secret
        self._ledger = ledger
        self._rate = rate
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            connector=aiohttp.TCPConnector(limit=0),
        )
        self._stop = asyncio.Event()
        self._going = asyncio.Event()
        self._going.set()
        self._under_way: set[asyncio.Task[bool]] = set()
        self.histories = histories
        self.accepted: dict[str, Change] = {}
        self.given_up: list[Change] = []

    async def run(self) -> None:
        """Post until ``finish``; what is under way then is still waited for there."""
        began, posted = time.monotonic(), 0
        while not self._stop.is_set():
            due = int((time.monotonic() - began) * self._rate)
            if self._going.is_set():
                # A bounded crowd: what is refused comes again, and must not bury the machine.
                room = _AT_ONCE - len(self._under_way)
                for _ in range(min(due - posted, room)):
                    self.begin(next(self.histories))
            posted = due
            await asyncio.sleep(0.01)

    def hold(self) -> None:
        """Post nothing until ``go_on``."""
        self._going.clear()

    def go_on(self) -> None:
        self._going.set()

    def begin(self, change: Change) -> asyncio.Task[bool]:
        """Deliver *change* beside everything else."""
        task = asyncio.create_task(self.deliver(change))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def more(self, count: int) -> None:
        """Wait until *count* further deliveries were accepted."""
        wanted = len(self.accepted) + count
        while len(self.accepted) < wanted:
            await asyncio.sleep(0.01)

    async def finish(self) -> None:
        """Post nothing new and wait for the answers to what is under way."""
        self._stop.set()
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def close(self) -> None:
        self._stop.set()
        for task in self._under_way:
            task.cancel()
        await self._session.close()

    async def deliver(self, change: Change) -> bool:
        """Post *change* until it is accepted; return whether it was before Shopify gives up."""
        for pause in (*RETRY_SECONDS, None):
            if await self.post(change) == 200:
                return True
            if pause is not None:
                await asyncio.sleep(pause)
        self.given_up.append(change)
        return False

    async def post(
        self,
        change: Change,
        *,
        expected: int = 200,
        state: str = "applied",
        secret: str = "",
        without: Iterable[str] = (),
        path: str = "",
    ) -> int:
        """Post once and note it; *expected* is the answer due, *state* what must become of it."""
        await self._ledger.sent(change, expected=expected, state=state)
        began = time.monotonic()
        delivery = change.delivery()
        headers = signed_headers(delivery, secret or self._secret)
        kept = {name: value for name, value in headers.items() if name not in set(without)}
        status = await self._status(delivery, kept, path)
        await self._ledger.answered(change.webhook_id, status, time.monotonic() - began)
        if status == 200:
            self.accepted[change.webhook_id] = change
        return status

    async def replay(self, *, at_once: int = 32) -> None:
        """Post everything that was accepted once more."""
        waiting = list(self.accepted.values())

        async def work() -> None:
            while waiting:
                await self.deliver(waiting.pop())

        await asyncio.gather(*(work() for _ in range(at_once)))

    async def _status(self, delivery: Delivery, headers: dict[str, str], path: str) -> int:
        url = self._url + path
        try:
            async with self._session.post(url, data=delivery.body, headers=headers) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return NO_ANSWER


def resent(change: Change) -> Change:
    """Return the same words as a delivery of their own."""
    return dataclasses.replace(change, webhook_id=str(uuid.uuid4()))
