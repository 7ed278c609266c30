"""The inbox: every delivery once, in the transaction that applies it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.syncer.domain.arrivals import Arrival, BodyKey, InboxKey, moment
from shared.postgres import Connection, load_queries

SQL = load_queries(__package__, "inbox.sql")


async def unknown(conn: Connection, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Return those of *arrivals* that the inbox does not hold yet."""
    keys = [arrival.key for arrival in arrivals]
    rows = await conn.fetch(SQL["known"], *([key[n] for key in keys] for n in range(4)))
    known = {(r["tenant_id"], r["shop_id"], r["topic"], r["webhook_id"]) for r in rows}
    return [arrival for arrival in arrivals if arrival.key not in known]


async def known_bodies(conn: Connection, arrivals: Sequence[Arrival]) -> set[BodyKey]:
    """Return which bodies were applied within the last seven days."""
    keys = [arrival.body_key for arrival in arrivals]
    rows = await conn.fetch(SQL["known_bodies"], *([key[n] for key in keys] for n in range(4)))
    return {(r["tenant_id"], r["shop_id"], r["topic"], r["body_sha256"]) for r in rows}


async def record(conn: Connection, arrivals: Sequence[Arrival], *, now: datetime) -> set[InboxKey]:
    """Keep *arrivals* with their state; return the keys of those that are new."""
    rows = await conn.fetch(
        SQL["record"],
        *([arrival.key[n] for arrival in arrivals] for n in range(4)),
        [arrival.delivery.event_id or None for arrival in arrivals],
        [moment(arrival.delivery.triggered_at) for arrival in arrivals],
        [moment(arrival.delivery.received_at) or now for arrival in arrivals],
        [arrival.delivery.api_version or None for arrival in arrivals],
        [arrival.resource_id for arrival in arrivals],
        [arrival.resource_name for arrival in arrivals],
        [arrival.sha256 for arrival in arrivals],
        [arrival.frame for arrival in arrivals],
        [arrival.state for arrival in arrivals],
        [arrival.error for arrival in arrivals],
        [arrival.outcome for arrival in arrivals],
        [arrival.trace_id for arrival in arrivals],
        [arrival.way.handed_at for arrival in arrivals],
        [arrival.way.spooled for arrival in arrivals],
        [arrival.way.taken_at for arrival in arrivals],
        [arrival.way.attempts for arrival in arrivals],
    )
    return {(r["tenant_id"], r["shop_id"], r["topic"], r["webhook_id"]) for r in rows}


async def large_body(conn: Connection, tenant_id: str, shop_id: int, body_id: str) -> bytes | None:
    """Return a body that was too large to travel."""
    body: bytes | None = await conn.fetchval(SQL["large_body"], tenant_id, shop_id, body_id)
    return body
