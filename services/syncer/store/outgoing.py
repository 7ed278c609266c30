"""Messages to endpoints, and how endpoints fare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.syncer.domain.outgoing import Attempt, GivenUp, Outgoing
from shared.outgoing import Told
from shared.postgres import Connection, load_queries

SQL = load_queries(__package__, "outgoing.sql")


async def fan_out(conn: Connection, events: Sequence[Told], bodies: Sequence[bytes]) -> None:
    """Queue *events* for every endpoint that wants them; repeating it changes nothing."""
    await conn.execute(
        SQL["fan_out"],
        [one.tenant_id for one in events],
        [one.shop_id for one in events],
        [one.event_id for one in events],
        [one.type for one in events],
        [body.decode() for body in bodies],
    )


async def claim(
    conn: Connection,
    *,
    at: datetime,
    lease_seconds: float,
    busy: Mapping[UUID, int],
    places: int,
) -> list[Outgoing]:
    """Take what is due, for each endpoint as much as it has free *places*."""
    rows = await conn.fetch(
        SQL["claim"], at, lease_seconds, list(busy), list(busy.values()), places
    )
    return [Outgoing(**row) for row in rows]


async def taken(conn: Connection, message: Outgoing, attempt: Attempt) -> None:
    """Note that the endpoint took *message*."""
    await _note(conn, message, attempt)
    await conn.execute(
        SQL["settle"], *_key(message), "delivered", message.attempts + 1, None, attempt.at
    )
    await conn.execute(SQL["endpoint_works"], message.tenant_id, message.endpoint_id)


async def refused(
    conn: Connection,
    message: Outgoing,
    attempt: Attempt,
    *,
    due: datetime | None,
    given_up: GivenUp | None,
) -> None:
    """Note that *attempt* failed; try again when *due*, or never; disable what is *given_up*."""
    await _note(conn, message, attempt)
    state = "waiting" if due else "failed"
    await conn.execute(SQL["settle"], *_key(message), state, message.attempts + 1, due, attempt.at)
    reason = given_up.reason if given_up else None
    kept_until = given_up.kept_until if given_up else None
    endpoint = (message.tenant_id, message.endpoint_id)
    await conn.execute(SQL["endpoint_fails"], *endpoint, attempt.at, reason, kept_until)


async def _note(conn: Connection, message: Outgoing, attempt: Attempt) -> None:
    await conn.execute(
        SQL["note"],
        *_key(message),
        attempt.at,
        attempt.status,
        attempt.milliseconds,
        attempt.error,
        attempt.excerpt,
    )


def _key(message: Outgoing) -> tuple[UUID, int, UUID, UUID]:
    return message.tenant_id, message.shop_id, message.endpoint_id, message.event_id
