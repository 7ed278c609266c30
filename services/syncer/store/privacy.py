"""Privacy requests: who asked for what, how far it is, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from services.syncer.domain.privacy import CLOSE, DUE_AFTER, LOOKING, Request, Step
from shared.postgres import Connection, Record, load_queries
from shared.shopify.snapshots import Owner, PrivacyAsked

SQL = load_queries(__package__, "privacy.sql")


async def ask(conn: Connection, asked: PrivacyAsked) -> None:
    """Keep a request with its deadline for each store that the shop is or was here.

    One that is here already stays as it is.
    """
    await conn.execute(
        SQL["ask"],
        asked.owner.tenant_id,
        asked.owner.shop_id,
        asked.topic,
        asked.webhook_id,
        asked.customer_id,
        sorted(set(asked.order_ids)),
        list(asked.names),
        asked.body_sha256,
        asked.received_at,
        asked.received_at + DUE_AFTER,
    )


async def next_request(conn: Connection) -> Request | None:
    """Lock and return the open request that is due first."""
    row = await conn.fetchrow(SQL["next"])
    if row is None:
        return None
    fields = dict(row)
    owner = Owner(tenant_id=fields.pop("tenant_id"), shop_id=fields.pop("shop_id"))
    return Request(owner=owner, **fields)


async def advance(
    conn: Connection,
    request: Request,
    step: Step,
    *,
    place: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    erased: Mapping[str, int] | None = None,
) -> None:
    """Note what comes next, and what the last piece *erased*; *names* are kept unless given."""
    kept = request.names if names is None else names
    counts = orjson.dumps(dict(erased or {})).decode()
    await conn.execute(SQL["advance"], *_key(request), step, place, list(kept), counts)


async def end(
    conn: Connection,
    request: Request,
    result: str,
    *,
    state: str = "done",
    expires_at: datetime | None = None,
) -> None:
    """End a request, forget the customer's names, and write the proof to the audit log."""
    row = await conn.fetchrow(SQL["end"], *_key(request), state, result, expires_at)
    assert row is not None  # noqa: S101 - locked by this transaction
    details = {
        "shop_id": request.owner.shop_id,
        "request_id": str(request.request_id),
        "topic": row["topic"],
        "body_sha256": row["body_sha256"],
        "erased": orjson.loads(row["erased"]),
        "result": result,
    }
    owner = request.owner
    text = orjson.dumps(details).decode()
    await conn.execute(SQL["audit"], owner.tenant_id, owner.shop_id, state, text)


async def postpone(conn: Connection, request_id: UUID, after: timedelta, why: str) -> None:
    """Let a request wait for *after*, and tell why."""
    await conn.execute(SQL["postpone"], request_id, after, why)


async def turn_to_letters(conn: Connection, request: Request) -> None:
    """Note that the dead letters are looked through now; nobody else does so for a while."""
    await postpone(conn, request.request_id, LOOKING, "dead letters are looked through")


async def is_open_at(conn: Connection, request: Request) -> bool:
    """Lock *request* and return whether it is still at its step."""
    return await conn.fetchval(SQL["is_open_at"], *_key(request), request.step) is not None


async def counts(conn: Connection) -> list[Record]:
    """Count requests by state, open ones as open, close or overdue, with their seconds left."""
    return list(await conn.fetch(SQL["counts"], CLOSE))


async def listed(conn: Connection, owner: Owner, *, limit: int) -> list[Record]:
    """Return a shop's requests, newest first."""
    return list(await conn.fetch(SQL["listed"], owner.tenant_id, owner.shop_id, limit))


async def reopen(conn: Connection, owner: Owner, request_id: UUID) -> bool:
    """Let a refused request be tried again; return whether there was one."""
    found = await conn.fetchval(SQL["reopen"], owner.tenant_id, owner.shop_id, request_id)
    return found is not None


def _key(request: Request) -> tuple[object, ...]:
    return (request.owner.tenant_id, request.owner.shop_id, request.request_id)
