"""Batches out of the Postgres bus, under a lease that only its holder can end."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import orjson
import structlog

from shared.background import pause
from shared.bus.handling import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    count,
    handled,
    verdict,
)
from shared.bus.protocol import BatchHandler, Bury, Done, Message, Outcome, Retry
from shared.bus.topology import DELIVERY_LIMIT
from shared.errors import Unavailable
from shared.postgres import Connection, Pool, Record, load_queries, translated

log = structlog.get_logger()

SQL = load_queries("shared.bus")

_POLL_SECONDS: Final = 0.5
_ANSWER_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Held:
    """A claimed message and what it is called in the table."""

    message_id: int
    message: Message
    deliveries: int


class Lease:
    """Claims messages of one queue under an id of its own and settles them by that id.

    A holder that was silent for longer than the lease finds that its id opens nothing.
    """

    def __init__(
        self, pool: Pool, *, queue: str, size: int, length: timedelta, delays: Sequence[float]
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._size = size
        self._length = length
        self._delays = [timedelta(seconds=delay) for delay in delays]
        self._lease_id = uuid.uuid4()

    @property
    def rungs(self) -> int:
        return len(self._delays)

    async def claim(self) -> list[Held]:
        """Take what is ready, oldest first. Every claim has a new id: a zombie's is void."""
        self._lease_id = uuid.uuid4()
        with translated():
            async with asyncio.timeout(_ANSWER_SECONDS):
                rows = await self._pool.fetch(
                    SQL["claim"], self._queue, self._size, self._length, self._lease_id
                )
        return sorted((_held(row) for row in rows), key=lambda held: held.message_id)

    async def settle(self, held: Sequence[Held], verdicts: Sequence[Outcome]) -> None:
        """Delete, delay or bury in one transaction."""
        pairs = list(zip(held, verdicts, strict=True))
        done = [one.message_id for one, fate in pairs if isinstance(fate, Done)]
        retried = [(one, fate) for one, fate in pairs if isinstance(fate, Retry)]
        buried = [(one.message_id, fate.reason) for one, fate in pairs if isinstance(fate, Bury)]
        with translated():
            async with (
                asyncio.timeout(_ANSWER_SECONDS),
                self._pool.acquire() as conn,
                conn.transaction(),
            ):
                if done:
                    await conn.execute(SQL["acknowledge"], done, self._lease_id)
                if retried:
                    await self._retry(conn, retried)
                if buried:
                    ids, reasons = map(list, zip(*buried, strict=True))
                    await conn.execute(SQL["bury"], ids, self._lease_id, reasons)

    async def release(self, held: Sequence[Held]) -> None:
        """Give messages back as if they had not been claimed."""
        ids = [one.message_id for one in held]
        with translated():
            await self._pool.execute(SQL["release"], ids, self._lease_id)

    @contextlib.asynccontextmanager
    async def renewed(self, held: Sequence[Held]) -> AsyncIterator[None]:
        """Keep the lease alive while the context is open."""
        ids = [one.message_id for one in held]
        beating = asyncio.create_task(self._beat(ids), name=f"heartbeat {self._queue}")
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.wait([beating])

    async def _beat(self, ids: Sequence[int]) -> None:
        while True:
            await asyncio.sleep(self._length.total_seconds() / 3)
            try:
                with translated():
                    await self._pool.execute(SQL["renew"], ids, self._lease_id, self._length)
            except Unavailable as exc:
                log.warning("lease not renewed", queue=self._queue, error=str(exc))

    async def _retry(self, conn: Connection, retried: Sequence[tuple[Held, Retry]]) -> None:
        await conn.execute(
            SQL["retry"],
            [held.message_id for held, _ in retried],
            self._lease_id,
            [self._delays[held.message.attempt] for held, _ in retried],
            [fate.reason for _, fate in retried],
        )


class Consumer:
    """One consumer of one queue; batches are claimed and handled one by one."""

    def __init__(self, lease: Lease, handler: BatchHandler, *, queue: str) -> None:
        self._lease = lease
        self._handler = handler
        self._queue = queue
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for messages now instead of at the next poll."""
        self._wake.set()

    def stop(self) -> None:
        """Take nothing new; ``run`` returns when what was claimed is handled."""
        self._stop.set()
        self._wake.set()

    async def run(self) -> None:
        """Consume until stopped."""
        delay = FIRST_PAUSE_SECONDS
        while not self._stop.is_set():
            try:
                await self._next()
                delay = FIRST_PAUSE_SECONDS
            except Unavailable as exc:
                log.warning("consumer lost the database", queue=self._queue, error=str(exc))
                await pause(self._stop, delay)
                delay = min(delay * 2, LONGEST_PAUSE_SECONDS)

    async def _next(self) -> None:
        self._wake.clear()
        if held := await self._lease.claim():
            await self._handle(held)
        elif not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _POLL_SECONDS)

    async def _handle(self, held: Sequence[Held]) -> None:
        worn_out = [one for one in held if one.deliveries > DELIVERY_LIMIT]
        if worn_out:
            await self._lease.settle(worn_out, [Bury("delivery limit reached")] * len(worn_out))
            held = [one for one in held if one.deliveries <= DELIVERY_LIMIT]
        if not held:
            return
        async with self._lease.renewed(held):
            outcomes = await handled(self._handler, [one.message for one in held], stop=self._stop)
        if outcomes is None:
            await self._lease.release(held)
            return
        rungs = self._lease.rungs
        verdicts = [
            verdict(outcome, attempt=one.message.attempt, rungs=rungs)
            for one, outcome in zip(held, outcomes, strict=True)
        ]
        await self._lease.settle(held, verdicts)
        count(self._queue, verdicts)


def _held(row: Record) -> Held:
    message = Message(
        topic=row["topic"],
        body=row["body"],
        headers=orjson.loads(row["headers"]),
        attempt=row["attempts"],
    )
    return Held(row["message_id"], message, row["deliveries"])
