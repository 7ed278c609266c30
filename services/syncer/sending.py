"""The sender: messages are signed and posted to their endpoints until they are taken."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import structlog

from services.syncer import metrics
from services.syncer.domain.outgoing import Attempt, Outgoing, given_up, next_due
from services.syncer.posting import Poster
from services.syncer.store import outgoing
from shared.clock import Clock, now
from shared.errors import Rejected, Unavailable
from shared.keyring import KeyRing
from shared.outgoing_webhooks import signed_headers
from shared.postgres import Pool, translated

log = structlog.get_logger()

_PLACES: Final = 4
_IDLE_SECONDS: Final = 0.5
# Longer than an attempt may take, so that no other replica tries at the same time.
_LEASE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What it takes to send."""

    pool: Pool
    poster: Poster
    keys: KeyRing
    clock: Clock = now


async def send(sender: Sender, stop: asyncio.Event) -> None:
    """Send what is due until *stop*; any number of replicas may."""
    running: dict[asyncio.Task[None], UUID] = {}
    stopping = asyncio.ensure_future(stop.wait())
    while not stop.is_set():
        for message in await _next(sender, Counter(running.values())):
            task = asyncio.create_task(deliver(sender, message), name="webhook")
            running[task] = message.endpoint_id
        await asyncio.wait(
            [stopping, *running], timeout=_IDLE_SECONDS, return_when="FIRST_COMPLETED"
        )
        for task in [task for task in running if task.done()]:
            del running[task]
            task.result()
    await asyncio.gather(*running)


async def send_due(sender: Sender) -> int:
    """Send what is due now, once each; return how many messages that were."""
    messages = await _next(sender, Counter())
    await asyncio.gather(*(deliver(sender, message) for message in messages))
    return len(messages)


async def deliver(sender: Sender, message: Outgoing) -> None:
    """Try one message and note what came of it."""
    attempt = await _attempt(sender, message)
    try:
        with translated():
            async with sender.pool.acquire() as conn, conn.transaction():
                if attempt.error is None:
                    await outgoing.taken(conn, message, attempt)
                    metrics.WEBHOOKS_TOTAL.labels("delivered").inc()
                    return
                end = given_up(message, attempt)
                due = next_due(message.attempts + 1, at=attempt.at, draw=random.random())  # noqa: S311 - jitter
                await outgoing.refused(conn, message, attempt, due=due, given_up=end)
    except Unavailable as exc:
        log.warning("attempt not noted, it will be repeated", error=str(exc))
        return
    metrics.WEBHOOKS_TOTAL.labels("refused" if due else "failed").inc()
    log.info("webhook failed", endpoint=str(message.endpoint_id), error=attempt.error)
    if end:
        metrics.ENDPOINTS_DISABLED_TOTAL.inc()
        log.warning("endpoint disabled", endpoint=str(message.endpoint_id), reason=end.reason)


async def _attempt(sender: Sender, message: Outgoing) -> Attempt:
    at = sender.clock()
    body = message.body.encode()
    sealed = [each for each in (message.secret_enc, message.former_secret_enc) if each]
    try:
        opened = [_opened(sender.keys, message, each) for each in sealed]
    except Rejected as exc:
        return Attempt(at=at, milliseconds=0, status=None, error=str(exc), excerpt=None)
    headers = signed_headers(
        str(message.event_id), body, at=int(at.timestamp()), with_secrets=opened
    )
    return replace(await sender.poster.post(message.url, body, headers), at=sender.clock())


def _opened(keys: KeyRing, message: Outgoing, sealed: str) -> str:
    purpose = f"endpoint {message.endpoint_id}"
    return keys.open(sealed, tenant_id=str(message.tenant_id), shop_id=0, purpose=purpose)


async def _next(sender: Sender, busy: Counter[UUID]) -> list[Outgoing]:
    try:
        with translated():
            async with sender.pool.acquire() as conn:
                return await outgoing.claim(
                    conn,
                    at=sender.clock(),
                    lease_seconds=_LEASE_SECONDS,
                    busy=busy,
                    places=_PLACES,
                )
    except Unavailable as exc:
        log.warning("webhooks wait", error=str(exc))
        return []
