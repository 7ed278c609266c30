"""The bus on Postgres: rows claimed by lease, for one machine without a broker."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import orjson

from shared.bus import topology
from shared.bus.draining import draining
from shared.bus.group_commit import GroupCommit
from shared.bus.handling import UNCERTAIN, publishing, sent
from shared.bus.jitter import Spread
from shared.bus.measuring import measured
from shared.bus.pausing import StoredPauses
from shared.bus.postgres_consumer import Consumer
from shared.bus.postgres_dead import PostgresDeadLetters, visiting
from shared.bus.postgres_lease import Lease
from shared.bus.postgres_wakeup import Doorbell
from shared.bus.protocol import BatchHandler, QueueState
from shared.errors import Unavailable
from shared.postgres import Pool, load_queries, translated

SQL = load_queries("shared.bus")

DRAIN_SECONDS = 10


@dataclass(frozen=True, slots=True)
class _Outgoing:
    topic: str
    body: bytes
    headers: str


class PostgresBus:
    """Same promises as RabbitBus; publishes of many callers share one INSERT.

    *lease* is how long a consumer may be silent before its messages go to another.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        prefix: str = "",
        bindings: Mapping[str, Sequence[str]] = topology.BINDINGS,
        delays: Sequence[float] = topology.RETRY_DELAYS_SECONDS,
        lease: timedelta = timedelta(seconds=30),
        deadline_seconds: float = 3,
    ) -> None:
        self._pool = pool
        self._prefix = prefix
        self._bindings = bindings
        self._spread = Spread(delays)
        self._lease = lease
        self._deadline_seconds = deadline_seconds
        self.pauses = StoredPauses(pool, prefix=prefix)
        self._doorbell = Doorbell(pool)
        self._outgoing = GroupCommit(self._insert)

    async def publish(
        self, topic: str, body: bytes, *, headers: Mapping[str, str] | None = None
    ) -> None:
        """See Bus.publish."""
        carried = sent(topic, body, headers, topics=self._bindings)
        outgoing = _Outgoing(topic, body, orjson.dumps(carried).decode())
        with publishing(topic):
            await self._outgoing.add(outgoing, len(body))

    @contextlib.asynccontextmanager
    async def consuming(
        self, queue: str, handler: BatchHandler, *, batch_max: int, prefetch: int
    ) -> AsyncIterator[None]:
        """See Bus.consuming. Claims as it handles, so *prefetch* only bounds the batch."""
        lease = Lease(
            self._pool,
            queue=self._prefix + queue,
            size=min(batch_max, prefetch),
            length=self._lease,
            spread=self._spread,
        )
        consumer = Consumer(lease, handler, queue=queue)
        async with self.pauses.told(queue, consumer.hold), measured(self, queue):
            with self._doorbell.answered_by(consumer.wake):
                async with draining(consumer, queue, seconds=DRAIN_SECONDS):
                    yield

    async def depth(self, queue: str) -> int:
        """See Bus.depth."""
        return await self._count("depth", queue)

    async def dead(self, queue: str) -> int:
        """See Bus.dead."""
        return await self._count("dead", queue)

    async def state(self, queue: str) -> QueueState:
        """See Bus.state."""
        with translated():
            [row] = await self._pool.fetch(SQL["state"], self._prefix + queue)
        return QueueState(**row)

    def dead_letters(
        self, queue: str, *, alone: bool = False
    ) -> contextlib.AbstractAsyncContextManager[PostgresDeadLetters]:
        """See Bus.dead_letters. Visitors hold nothing here, so everybody sees all."""
        del alone
        return visiting(self._pool, row_queue=self._prefix + queue, queue=queue)

    async def close(self) -> None:
        """See Bus.close."""
        await self._outgoing.close()
        await self._doorbell.close()

    async def _count(self, query: str, queue: str) -> int:
        with translated():
            count: int = await self._pool.fetchval(SQL[query], self._prefix + queue)
        return count

    async def _insert(self, outgoing: Sequence[_Outgoing]) -> None:
        rows = [
            (self._prefix + queue, message.topic, message.body, message.headers)
            for message in outgoing
            for queue in self._bindings[message.topic]
        ]
        columns = [list(column) for column in zip(*rows, strict=True)]
        begun = False
        try:
            with translated():
                async with asyncio.timeout(self._deadline_seconds), self._pool.acquire() as conn:
                    begun = True
                    await conn.execute(SQL["publish"], *columns)
        except Unavailable as exc:
            if begun:  # it may have been committed all the same
                raise Unavailable(str(exc), code=UNCERTAIN) from exc
            raise
        self._doorbell.ring()
