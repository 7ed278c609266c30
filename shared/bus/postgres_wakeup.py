"""LISTEN and NOTIFY, coalesced: waking is a courtesy, polling is what consumers rely on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Final

import structlog

from shared.background import ended
from shared.errors import Unavailable
from shared.postgres import Connection, Pool, load_queries, translated

log = structlog.get_logger()

SQL = load_queries("shared.bus")

_CHANNEL: Final = "tillstream_bus"
# At most 20 notifications per second: each takes a lock that orders commits.
_INTERVAL_SECONDS: Final = 0.05
_AGAIN_SECONDS: Final = 5.0


class Doorbell:
    """Wakes the consumers of every process that listens; nothing is lost when it does not ring."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._ringing: asyncio.Task[None] | None = None
        self._again = False
        self._listening: asyncio.Task[None] | None = None
        self._wakes: list[Callable[[], None]] = []

    def ring(self) -> None:
        """Notify soon, together with whoever else rings meanwhile."""
        if self._ringing is not None and not self._ringing.done():
            self._again = True
            return
        self._ringing = asyncio.get_running_loop().create_task(self._ring(), name="ring the bus")

    @contextlib.contextmanager
    def answered_by(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call *wake* on every ring while the context is open."""
        self._wakes.append(wake)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen(), name="listen to the bus")
        try:
            yield
        finally:
            self._wakes.remove(wake)

    async def close(self) -> None:
        """Stop listening; a ring under way is finished."""
        if self._ringing is not None:
            await asyncio.wait([self._ringing])
        if self._listening is not None:
            await ended(self._listening)

    async def _ring(self) -> None:
        again = True
        while again:
            self._again = False
            try:
                with translated():
                    await self._pool.execute(SQL["notify"], _CHANNEL)
            except Unavailable as exc:
                log.debug("bus not rung", error=str(exc))
            await asyncio.sleep(_INTERVAL_SECONDS)
            again = self._again

    async def _listen(self) -> None:
        while True:
            try:
                with translated():
                    async with self._pool.acquire() as conn:
                        await self._until_lost(conn)
            except Unavailable as exc:
                log.debug("bus not heard, polling", error=str(exc))
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _until_lost(self, conn: Connection) -> None:
        lost = asyncio.Event()
        conn.add_termination_listener(lambda _: lost.set())
        await conn.add_listener(_CHANNEL, self._heard)
        try:
            await lost.wait()
        finally:
            if not conn.is_closed():
                await conn.remove_listener(_CHANNEL, self._heard)

    def _heard(self, *_: object) -> None:
        for wake in self._wakes:
            wake()
