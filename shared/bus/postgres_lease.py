"""Claims on the Postgres bus, which only their holder can settle."""

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

from shared.background import ended
from shared.bus.headers import failed
from shared.bus.jitter import Spread
from shared.bus.protocol import Bury, Done, Message, Outcome, Retry
from shared.clock import now
from shared.errors import Unavailable
from shared.postgres import Connection, Pool, Record, load_queries, translated

log = structlog.get_logger()

SQL = load_queries("shared.bus")

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
        self, pool: Pool, *, queue: str, size: int, length: timedelta, spread: Spread
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._size = size
        self._length = length
        self._spread = spread
        self._lease_id = uuid.uuid4()

    @property
    def rungs(self) -> int:
        return self._spread.rungs

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
        buried = [(one, fate) for one, fate in pairs if isinstance(fate, Bury)]
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
                    await self._bury(conn, buried)

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
            await ended(beating)

    async def _beat(self, ids: Sequence[int]) -> None:
        while True:
            await asyncio.sleep(self._length.total_seconds() / 3)
            try:
                with translated():
                    await self._pool.execute(SQL["renew"], ids, self._lease_id, self._length)
            except Unavailable as exc:
                log.warning("lease not renewed", queue=self._queue, error=str(exc))

    async def _retry(self, conn: Connection, retried: Sequence[tuple[Held, Retry]]) -> None:
        moment = asyncio.get_running_loop().time()
        waits = [self._spread.wait(one.message.attempt, now=moment) for one, _ in retried]
        await conn.execute(
            SQL["retry"],
            [one.message_id for one, _ in retried],
            self._lease_id,
            [timedelta(seconds=wait) for wait in waits],
            [_headers_after(one, fate.reason) for one, fate in retried],
        )

    async def _bury(self, conn: Connection, buried: Sequence[tuple[Held, Bury]]) -> None:
        await conn.execute(
            SQL["bury"],
            [one.message_id for one, _ in buried],
            self._lease_id,
            [fate.reason for _, fate in buried],
            [_headers_after(one, fate.reason) for one, fate in buried],
        )


def _headers_after(held: Held, reason: str) -> str:
    return orjson.dumps(failed(held.message.headers, reason, at=now())).decode()


def _held(row: Record) -> Held:
    message = Message(
        topic=row["topic"],
        body=row["body"],
        headers=orjson.loads(row["headers"]),
        attempt=row["attempts"],
    )
    return Held(row["message_id"], message, row["deliveries"])
