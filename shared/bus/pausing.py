"""Queues that an operator has paused: a row in Postgres, heeded by the consumers of both buses."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

import structlog

from shared.background import ended, watched
from shared.bus.protocol import Pause
from shared.errors import Rejected, Unavailable
from shared.metrics import BUS_PAUSED
from shared.postgres import Pool, load_queries, translated

log = structlog.get_logger()

SQL = load_queries("shared.bus")

_LOOK_SECONDS: Final = 0.5
_ANSWER_SECONDS: Final = 2.0


class StoredPauses:
    """The pauses of the installation behind *prefix*.

    Looks twice a second while something is consumed. While Postgres is away the last known state
    holds: a queue paused because its consumer does harm must not run because the database stopped.
    Without a *pool* nothing can be paused.
    """

    def __init__(self, pool: Pool | None, *, prefix: str = "") -> None:
        self._pool = pool
        self._prefix = prefix
        self._paused: frozenset[str] = frozenset()
        self._holds: dict[Callable[[bool], None], str] = {}
        self._looking: asyncio.Task[None] | None = None

    async def all(self) -> list[Pause]:
        """See Pauses.all."""
        with translated():
            rows = await self._known_pool().fetch(SQL["paused"], self._prefix)
        return [
            Pause(
                queue=row["queue"].removeprefix(self._prefix),
                since=row["paused_at"],
                reason=row["reason"],
            )
            for row in rows
        ]

    async def pause(self, queue: str, *, reason: str = "") -> bool:
        """See Pauses.pause."""
        with translated():
            said = await self._known_pool().execute(SQL["pause"], self._prefix + queue, reason)
        return said == "INSERT 0 1"

    async def resume(self, queue: str) -> bool:
        """See Pauses.resume."""
        with translated():
            said = await self._known_pool().execute(SQL["resume"], self._prefix + queue)
        return said == "DELETE 1"

    @contextlib.asynccontextmanager
    async def told(self, queue: str, hold: Callable[[bool], None]) -> AsyncIterator[None]:
        """Call *hold* with whether *queue* is paused: before the context opens and on changes."""
        self._holds[hold] = queue
        try:
            await self._look()
            hold(queue in self._paused)
            if self._looking is None and self._pool is not None:
                self._looking = watched(self._keep_looking(), name="look for pauses")
            yield
        finally:
            del self._holds[hold]
            await self._rest_if_unheard()

    async def _rest_if_unheard(self) -> None:
        if self._looking is not None and not self._holds:
            looking, self._looking = self._looking, None
            await ended(looking)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self._look()

    async def _look(self) -> None:
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                paused = frozenset(pause.queue for pause in await self.all())
        except (Unavailable, TimeoutError) as exc:
            log.debug("pauses not known, the last known hold", error=str(exc))
            return
        changed, self._paused = paused ^ self._paused, paused
        for hold, queue in list(self._holds.items()):
            BUS_PAUSED.labels(queue).set(queue in paused)
            if queue in changed:
                hold(queue in paused)

    def _known_pool(self) -> Pool:
        if self._pool is None:
            raise Rejected("nothing can be paused without a database")
        return self._pool
