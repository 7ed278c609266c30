"""What Shopify's privacy topics ask for, done in bounded pieces before its deadline.

A piece and the note of it are one transaction, so a worker may be killed at any point.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

import structlog

from services.syncer import (
    metrics,
    privacy_erasing,
    privacy_exporting,
    privacy_letters,
    privacy_redacting,
)
from services.syncer.domain.privacy import RETRY_AFTER, Request
from services.syncer.store import privacy as store
from shared.background import pause
from shared.bus.protocol import Bus
from shared.errors import Unavailable
from shared.postgres import REFUSED, Connection, Pool, said, translated

log = structlog.get_logger()

_STATES = ("open", "close", "overdue", "done", "refused")
_LOOK_SECONDS = 15.0
_PIECES = {
    "customers/data_request": privacy_exporting.piece,
    "customers/redact": privacy_redacting.piece,
    "shop/redact": privacy_erasing.piece,
}


async def run(
    pool: Pool, buses: Sequence[Bus], stop: asyncio.Event, *, every_seconds: float = _LOOK_SECONDS
) -> None:
    """Do what is asked for until *stop*; any number of replicas may.

    *buses* are all on which letters may lie dead.
    """
    going_on = True
    while going_on:
        try:
            while not stop.is_set() and await work_once(pool, buses):
                pass
            await measure(pool)
        except Unavailable as exc:
            log.warning("privacy requests wait", error=str(exc))
        going_on = await pause(stop, every_seconds)


async def work_once(pool: Pool, buses: Sequence[Bus]) -> bool:
    """Do one piece of the request that is due first; return whether there was one."""
    with translated():
        async with pool.acquire() as conn:
            request = await _piece(conn)
            if request is None:
                return await privacy_exporting.forget(conn) > 0
    if request.step == "dead":
        await privacy_letters.look_through(pool, buses, request)
    return True


async def _piece(conn: Connection) -> Request | None:
    """Do one piece in a transaction; return the request as it was before."""
    request = None
    try:
        async with conn.transaction():
            request = await store.next_request(conn)
            if request is not None:
                await _PIECES[request.topic](conn, request)
    except REFUSED as exc:
        if request is None:
            raise
        # Nobody may die of it, and the next one must not wait for it.
        log.exception("privacy request refused by the database", request_id=request.request_id)
        await store.postpone(conn, request.request_id, RETRY_AFTER, f"refused: {said(exc)}")
    return request


async def measure(pool: Pool) -> None:
    """Tell how many requests there are, and how much time the first has left."""
    with translated():
        async with pool.acquire() as conn:
            counted = {row["state"]: row for row in await store.counts(conn)}
    for state in _STATES:
        metrics.PRIVACY_REQUESTS.labels(state).set(
            counted[state]["requests"] if state in counted else 0
        )
    left = [counted[state]["seconds"] for state in ("open", "close", "overdue") if state in counted]
    metrics.PRIVACY_DUE_SECONDS.set(min(left, default=math.inf))
