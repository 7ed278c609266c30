"""One webhook: verified over its raw bytes, made durable, answered."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import structlog
from aiohttp import web

from services.webhooks import domain, store
from services.webhooks.intake import Intake
from services.webhooks.metrics import DELIVERIES_TOTAL
from services.webhooks.stores import StoreBook
from shared.clock import now
from shared.deliveries import Delivery
from shared.errors import Rejected, Unauthorized, Unavailable
from shared.keyring import KeyRing
from shared.postgres import Pool
from shared.shopify.headers import WebhookHeaders, webhook_headers
from shared.shopify.signature import webhook_is_signed
from shared.web import problem

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What receiving a delivery takes."""

    secrets: tuple[str, ...]
    ring: KeyRing
    pool: Pool
    book: StoreBook
    intake: Intake


DOOR = web.AppKey("DOOR", Door)

# The children of a labelled counter cost a lock and a tuple per look-up.
_ACCEPTED = {
    topic: DELIVERIES_TOTAL.labels(topic, "accepted") for topic in (*domain.COUNTED_TOPICS, "other")
}


async def receive(request: web.Request) -> web.Response:
    """Keep one delivery and answer 200; everything slow happens behind the bus.

    No middleware: this route carries the load, and its errors are few.
    """
    topic = "unread"
    try:
        body = await request.read()
        claims = webhook_headers(request.headers)
        topic = claims.topic
        domain.agree(request.match_info.get("topic", ""), topic)
        await _take(request.app[DOOR], claims, body)
    except web.HTTPRequestEntityTooLarge:
        DELIVERIES_TOTAL.labels("other", "too_large").inc()
        raise
    except (Rejected, Unavailable) as exc:
        return _refused(topic, exc)
    _ACCEPTED[domain.counted(topic)].inc()
    return web.Response()


async def _take(door: Door, claims: WebhookHeaders, body: bytes) -> None:
    found = await _signed(door, claims, body)
    if found is None:
        found = await _owner(door, claims)
    owner = domain.taken_by(found, claims.topic)
    body_id = ""
    if len(body) > domain.CLAIM_CHECK_BYTES:
        body_id = str(uuid.uuid4())
        await store.keep_body(door.pool, owner, body_id=body_id, body=body)
        body = b""
    await door.intake.add(_delivery(owner, claims, body=body, body_id=body_id))


async def _signed(door: Door, claims: WebhookHeaders, body: bytes) -> domain.Store | None:
    """Verify *body*; return the store when its own secret had to be asked for.

    Raises Unauthorized, also for a shop we do not know: a stranger learns nothing.
    """
    if webhook_is_signed(body, claims.signature, door.secrets):
        return None
    found = await door.book.store(claims.shop_domain)
    if found is not None and found.sealed_secret:
        own = _own_secret(door.ring, found)
        if webhook_is_signed(body, claims.signature, (own,)):
            return found
    raise Unauthorized("the signature does not match", code="bad_signature")


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


async def _owner(door: Door, claims: WebhookHeaders) -> domain.Store | None:
    found = await door.book.store(claims.shop_domain)
    if found is None and claims.topic in domain.PARTING_TOPICS:
        return await store.former_store(door.pool, claims.shop_domain)
    return found


def _delivery(
    owner: domain.Store, claims: WebhookHeaders, *, body: bytes, body_id: str
) -> Delivery:
    return Delivery(
        owner.tenant_id,
        owner.shop_id,
        owner.shop_domain,
        claims.topic,
        claims.webhook_id,
        claims.event_id,
        claims.triggered_at,
        now().isoformat(),
        claims.api_version,
        body,
        body_id,
    )


def _refused(topic: str, exc: Rejected | Unavailable) -> web.Response:
    DELIVERIES_TOTAL.labels(domain.counted(topic), exc.code).inc()
    if isinstance(exc, Unauthorized):
        return web.Response(status=401)
    return problem(exc, uuid.uuid4().hex)
