"""The log of webhook deliveries: searched, counted, traced and asked to be replayed.

The API and the command line ask the same questions of the same rows; only the syncer writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import zstandard

from shared.errors import Conflict, NotFound
from shared.postgres import Connection, Record, load_queries

SQL = load_queries("shared", "event_log.sql")

State: TypeAlias = Literal["applied", "duplicate", "stale", "ignored", "dead"]
Position: TypeAlias = tuple[datetime, str, str]


@dataclass(frozen=True, slots=True)
class Search:
    """Which deliveries; None is any. The order is that of ``commerce.events_matching``.

    *order_name* is as people write it, with or without ``#``; *received_to* is not included.
    """

    states: Sequence[State] | None = None
    topic: str | None = None
    webhook_id: str | None = None
    event_id: str | None = None
    resource_id: int | None = None
    order_name: str | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The log of one shop, within the caller's transaction."""

    conn: Connection
    tenant_id: str
    shop_id: int

    async def page(self, search: Search, *, after: Position | None, limit: int) -> list[Record]:
        """Return deliveries, newest first."""
        await self.conn.execute(SQL["known_filters"])
        position = after or (None, None, None)
        return await self.conn.fetch(SQL["page"], *self._found(search), *position, limit)

    async def topic_of(self, webhook_id: str, topic: str | None) -> str:
        """Return the topic of the one delivery of this id.

        Raises NotFound, and Conflict where *topic* does not say which one of several.
        """
        rows = await self.conn.fetch(SQL["topics_of"], *self._owner, webhook_id, topic)
        if not rows:
            raise NotFound("no such delivery", details={"resource": "event", "id": webhook_id})
        if len(rows) > 1:
            topics = [row["topic"] for row in rows]
            raise Conflict(
                f"several deliveries have this id, name a topic: {', '.join(topics)}",
                code="several_topics",
                details={"topics": topics},
            )
        found: str = rows[0]["topic"]
        return found

    async def body(self, webhook_id: str, topic: str) -> bytes:
        """Return the bytes that Shopify sent; raise NotFound once they are forgotten."""
        kept = await self.conn.fetchval(SQL["body"], *self._owner, webhook_id, topic)
        if kept is None:
            raise NotFound("the body was forgotten after 14 days", code="body_forgotten")
        return zstandard.ZstdDecompressor().decompress(kept)

    async def steps(self, webhook_id: str, topic: str) -> list[Record]:
        """Return the way of a delivery, from Shopify to the rollup."""
        return await self.conn.fetch(SQL["steps"], *self._owner, webhook_id, topic)

    async def counts(self, search: Search) -> list[Record]:
        """Count deliveries per state, per topic and per hour."""
        await self.conn.execute(SQL["known_filters"])
        return await self.conn.fetch(SQL["counts"], *self._found(search))

    async def matching(self, search: Search) -> Record | None:
        """Count what a replay would find, and what it would not because the body is gone."""
        await self.conn.execute(SQL["known_filters"])
        return await self.conn.fetchrow(SQL["matching"], *self._found(search))

    async def ask_replay(self, search: Search, *, rate: float, by: str) -> UUID:
        """Queue a replay at *rate* deliveries per second; a live one that does the same is joined.

        Returns the job's id; raises Conflict while another replay of the shop is under way.
        """
        wanted = (*self._found(search), rate)
        made: UUID | None = await self.conn.fetchval(SQL["ask_replay"], *wanted, by)
        if made is not None:
            return made
        live = await self.conn.fetchrow(SQL["live_replay"], *wanted)
        if live is None:
            raise Conflict("a replay has just ended, ask again", code="replay_running")
        job_id: UUID = live["job_id"]
        if not live["same"]:
            raise Conflict(
                "another replay of this store is under way",
                code="replay_running",
                details={"job_id": str(job_id)},
            )
        return job_id

    async def end_replay(self, job_id: UUID, *, by: str) -> bool:
        """End a replay where it is; return False when none of this id is under way."""
        ended = await self.conn.fetchval(SQL["end_replay"], *self._owner, job_id, by)
        return ended is not None

    async def replays(
        self,
        job_id: UUID | None = None,
        *,
        after: tuple[datetime, UUID] | None = None,
        limit: int = 1,
    ) -> list[Record]:
        """Return replays with their progress, newest first."""
        position = after or (None, None)
        return await self.conn.fetch(SQL["replays"], *self._owner, job_id, *position, limit)

    @property
    def _owner(self) -> tuple[str, int]:
        return (self.tenant_id, self.shop_id)

    def _found(self, search: Search) -> tuple[object, ...]:
        return (*self._owner, *astuple(search))


def media_type(body: bytes) -> str:
    """Return the type of a body as Shopify sent it: subscriptions have one of two formats."""
    return "application/xml" if body.lstrip()[:1] == b"<" else "application/json"
