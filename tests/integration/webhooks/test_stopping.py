"""SIGTERM under load: what was answered is kept, what was not is refused in a way to try again."""

from __future__ import annotations

import asyncio
from collections import Counter

import aiohttp
import pytest

from shared.bus.protocol import Bus
from tests.integration.webhooks.conftest import PATH, Shop, headers_for, taken
from tests.integration.webhooks.test_killed import Process

CLIENTS = 24
BEFORE_STOPPING = 300


class Load:
    """Clients that keep their connections and send one delivery after the other until cut off."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}{PATH}"
        self.answered: set[bytes] = set()
        self.statuses: Counter[int] = Counter()
        self.enough = asyncio.Event()
        self._numbers = iter(range(1_000_000))

    async def run(self) -> None:
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(self._client(session) for _ in range(CLIENTS)))

    async def _client(self, session: aiohttp.ClientSession) -> None:
        while True:
            body = b'{"id": %d, "note": "%s"}' % (next(self._numbers), b"pear " * 2000)
            try:
                async with session.post(self._url, data=body, headers=headers_for(body)) as answer:
                    self.statuses[answer.status] += 1
                    if answer.status == 200:
                        self.answered.add(body)
            except aiohttp.ClientError:
                return
            if len(self.answered) >= BEFORE_STOPPING:
                self.enough.set()


@pytest.mark.slow
async def test_nothing_answered_is_lost_when_it_is_told_to_stop_under_load(
    dsn: str, bus_url: str, bus: Bus, shop: Shop
):
    process = Process(dsn, bus_url)
    await process.start()
    load = Load(process.port)
    sending = asyncio.create_task(load.run())

    async with asyncio.timeout(40):
        await load.enough.wait()
        code = await process.terminate()
        await sending
    found = {delivery.body for delivery in await taken(bus, len(load.answered))}

    assert code == 0
    assert set(load.statuses) <= {200, 503}
    assert load.answered <= found
    assert len(found - load.answered) <= CLIENTS
