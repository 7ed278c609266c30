"""One webhook: verified over its raw bytes, made durable, answered."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from aiohttp import web

from services.webhooks import domain, store
from services.webhooks.answers import kept
from services.webhooks.bodies import Bodies
from services.webhooks.gate import Ceiling, Gate
from services.webhooks.intake import Intake
from services.webhooks.metrics import ANSWER_SECONDS, DELIVERIES_TOTAL, UNTIMELY_TOTAL
from services.webhooks.stores import StoreBook
from shared.clock import now
from shared.deliveries import Delivery
from shared.errors import Forbidden, Rejected, Unauthorized, Unavailable
from shared.keyring import KeyRing
from shared.postgres import Pool
from shared.shopify.headers import WebhookHeaders, webhook_headers
from shared.shopify.signature import SIGNATURE_CHARACTERS, webhook_is_signed
from shared.tracing import traced
from shared.web import problem

log = structlog.get_logger()

_DAY_SECONDS: Final = 86_400.0
# Clocks differ; more than this is no difference of clocks.
_AHEAD_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What receiving a delivery takes."""

    secrets: tuple[str, ...]
    ring: KeyRing
    pool: Pool
    book: StoreBook
    intake: Intake
    bodies: Bodies
    # Of large bodies, to be kept.
    turns: asyncio.Semaphore
    gate: Gate
    ceiling: Ceiling
    max_age_seconds: float


DOOR = web.AppKey("DOOR", Door)

# There from the start, so that alerts see the first ones.
for _code in ("bad_signature", "limited", "overloaded", "too_large"):
    DELIVERIES_TOTAL.labels("other", _code)


class _Unproved(Unavailable):
    """No secret of the app fits, and whether the store has its own cannot be looked up now."""


async def receive(request: web.Request) -> web.StreamResponse:
    """Keep one delivery and answer 200; everything slow happens behind the bus.

    No middleware: this route carries the load, and its errors are few.
    """
    started = time.perf_counter()
    door = request.app[DOOR]
    topic, body, suspect, signed = "unread", b"", False, False
    try:
        suspect = door.gate.suspects(request)
        body = await door.bodies.read(request)
        claims = webhook_headers(request.headers)
        topic = claims.topic
        if "topic" in request.match_info:
            domain.agree(request.match_info["topic"], topic)
        found = await _proved(door, claims, body, suspect=suspect)
        signed = True
        if found is None and topic in domain.PRIVACY_TOPICS:
            DELIVERIES_TOTAL.labels(domain.counted(topic), "nothing_held").inc()
        else:
            await _take(door, domain.taken_by(found, topic), claims, body)
    except web.HTTPRequestEntityTooLarge:
        DELIVERIES_TOTAL.labels("other", "too_large").inc()
        door.gate.refused(request)
        raise
    except (Rejected, Unavailable) as exc:
        if not signed and isinstance(exc, (Rejected, _Unproved)):
            exc = _stranger(door.gate, request, exc, suspect=suspect)
        return _refused(topic, exc)
    finally:
        door.bodies.let_go(body)
    ANSWER_SECONDS.observe(time.perf_counter() - started)
    return kept(request)


async def _take(door: Door, owner: domain.Store, claims: WebhookHeaders, body: bytes) -> None:
    """Make a delivery durable that is proved to be of *owner*, if its owner wants it."""
    domain.check_addressee(body, claims.shop_domain, claims.topic)
    moment = now()
    _check_age(door, claims, moment)
    if not domain.wants(owner, claims.topic):
        DELIVERIES_TOTAL.labels(domain.counted(claims.topic), "filtered").inc()
        return
    door.ceiling.enter(owner.shop_id)
    body_id = ""
    if len(body) > domain.CLAIM_CHECK_BYTES:
        body_id = domain.body_id(owner.shop_id, claims.webhook_id, claims.signature)
        await store.keep_body(door.pool, owner, body_id=body_id, body=body, turns=door.turns)
    delivery = _delivery(owner, claims, moment.isoformat(), body=body, body_id=body_id)
    await door.intake.add(delivery)


def _check_age(door: Door, claims: WebhookHeaders, moment: datetime) -> None:
    age = domain.age_seconds(claims.triggered_at, moment)
    if -_AHEAD_SECONDS <= age <= (door.max_age_seconds or _DAY_SECONDS):
        return
    UNTIMELY_TOTAL.labels("late" if age > 0 else "early").inc()
    if door.max_age_seconds:
        raise Rejected("X-Shopify-Triggered-At is too far from now", code="untimely")


async def _proved(
    door: Door, claims: WebhookHeaders, body: bytes, *, suspect: bool
) -> domain.Store | None:
    """Verify *body* and return the store that it is of, None when we know none.

    Raises Unauthorized, also for a shop we do not know: a stranger learns nothing.
    """
    if webhook_is_signed(body, claims.signature, door.secrets):
        return door.book.fresh(claims.shop_domain) or await _named(door, claims, body)
    found = await _claimed(door, claims, suspect=suspect)
    if found is not None and found.sealed_secret:
        own = _own_secret(door.ring, found)
        if webhook_is_signed(body, claims.signature, (own,)):
            return found
    raise Unauthorized("the signature does not match", code="bad_signature")


async def _claimed(door: Door, claims: WebhookHeaders, *, suspect: bool) -> domain.Store | None:
    """Return the store that the header names, for its own secret, if one could fit at all."""
    if len(claims.signature) != SIGNATURE_CHARACTERS:
        return None
    if suspect:
        # A stranger who keeps trying does not have our database searched for names he thinks of.
        return door.book.remembered(claims.shop_domain)
    try:
        return await door.book.store(claims.shop_domain)
    except Unavailable as exc:
        raise _Unproved(str(exc), code=exc.code) from exc


def _own_secret(ring: KeyRing, owner: domain.Store) -> str:
    """Open the store's own secret; the empty one, which signs nothing, when the ring cannot."""
    try:
        return ring.open(
            owner.sealed_secret,
            tenant_id=owner.tenant_id,
            shop_id=owner.shop_id,
            purpose="webhook_secret",
        )
    except Rejected as exc:
        log.error("webhook secret not readable", shop_id=owner.shop_id, reason=exc.code)  # noqa: TRY400
        return ""


async def _named(door: Door, claims: WebhookHeaders, body: bytes) -> domain.Store | None:
    found = await door.book.store(claims.shop_domain)
    if found is None and claims.topic == domain.RENAMING_TOPIC:
        shopify_id = domain.shop_named(body, claims.shop_domain)
        return await store.store_of_shop(door.pool, shopify_id) if shopify_id else None
    if found is None and claims.topic in domain.PARTING_TOPICS:
        shopify_id = domain.shop_named(body, claims.shop_domain)
        return await store.former_store(door.pool, claims.shop_domain, shopify_id)
    return found


def _delivery(
    owner: domain.Store, claims: WebhookHeaders, received_at: str, *, body: bytes, body_id: str
) -> Delivery:
    return Delivery(
        owner.tenant_id,
        owner.shop_id,
        claims.shop_domain,
        claims.topic,
        claims.webhook_id,
        claims.event_id,
        claims.triggered_at,
        received_at,
        claims.api_version,
        b"" if body_id else body,
        body_id,
        traced(claims.traceparent),
        len(body) if body_id else 0,
    )


def _stranger(
    gate: Gate, request: web.Request, exc: Rejected | Unavailable, *, suspect: bool
) -> Rejected | Unavailable:
    """Count a request that did not prove that Shopify sent it; return what it is answered."""
    if suspect and isinstance(exc, Unauthorized):
        return gate.throttled(request)
    if not isinstance(exc, Forbidden):
        gate.refused(request)
    return exc


def _refused(topic: str, exc: Rejected | Unavailable) -> web.Response:
    DELIVERIES_TOTAL.labels(domain.counted(topic), exc.code).inc()
    if isinstance(exc, Unauthorized):
        return web.Response(status=401)
    return problem(exc, uuid.uuid4().hex)
