"""Events that wait for the exchange."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from shared.bus.announcing import Announcement
from shared.outgoing import Told
from shared.postgres import Connection, load_queries

SQL = load_queries(__package__, "announcements.sql")


async def add(conn: Connection, events: Sequence[Told], bodies: Sequence[bytes]) -> None:
    """Queue *events* in their order."""
    await conn.execute(
        SQL["add"],
        [one.tenant_id for one in events],
        [one.shop_id for one in events],
        [one.event_id for one in events],
        [one.type for one in events],
        [body.decode() for body in bodies],
    )


async def oldest(conn: Connection, *, limit: int) -> dict[int, Announcement]:
    """Return the first *limit* by their places; none while another replica publishes."""
    if not await conn.fetchval(SQL["turn"]):
        return {}
    rows = await conn.fetch(SQL["oldest"], limit)
    return {
        row["place"]: Announcement(
            topic=row["topic"], announced_id=row["announced_id"], body=row["body"].encode()
        )
        for row in rows
    }


async def published(conn: Connection, places: Collection[int]) -> None:
    """Forget what stood in *places*: the broker has it."""
    await conn.execute(SQL["published"], list(places))
