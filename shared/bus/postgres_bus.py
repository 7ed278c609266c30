"""The bus on Postgres: rows claimed by lease, for one machine without a broker."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import orjson

from shared.background import watched
from shared.bus import topology
from shared.bus.group_commit import GroupCommit
from shared.bus.postgres_consumer import Consumer, Lease
from shared.bus.postgres_wakeup import Doorbell
from shared.bus.protocol import BatchHandler
from shared.errors import Unavailable
from shared.metrics import BUS_PUBLISHED_TOTAL
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
        self._delays = delays
        self._lease = lease
        self._deadline_seconds = deadline_seconds
        self._doorbell = Doorbell(pool)
        self._outgoing = GroupCommit(self._insert)

    async def publish(
        self, topic: str, body: bytes, *, headers: Mapping[str, str] | None = None
    ) -> None:
        """See Bus.publish."""
        if topic not in self._bindings:
            raise Unavailable(f"no queue is bound to {topic}", code="unroutable")
        outgoing = _Outgoing(topic, body, orjson.dumps(dict(headers or {})).decode())
        try:
            await self._outgoing.add(outgoing, len(body))
        except Unavailable:
            BUS_PUBLISHED_TOTAL.labels(topic, "failed").inc()
            raise
        BUS_PUBLISHED_TOTAL.labels(topic, "confirmed").inc()

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
            delays=self._delays,
        )
        consumer = Consumer(lease, handler, queue=queue)
        with self._doorbell.answered_by(consumer.wake):
            task = watched(consumer.run(), name=f"consume {queue}")
            try:
                yield
            finally:
                consumer.stop()
                await asyncio.wait([task], timeout=DRAIN_SECONDS)
                task.cancel()
                await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    async def depth(self, queue: str) -> int:
        """See Bus.depth."""
        return await self._count("depth", queue)

    async def dead(self, queue: str) -> int:
        """See Bus.dead."""
        return await self._count("dead", queue)

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
        with translated():
            async with asyncio.timeout(self._deadline_seconds):
                await self._pool.execute(SQL["publish"], *columns)
        self._doorbell.ring()
