"""Who calls: an API key, or a token made from one."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from services.gateway import domain
from services.gateway.metrics import CREDENTIALS_REFUSED_TOTAL
from services.gateway.models import TokenGiven
from services.gateway.refusals import Refusals
from services.gateway.routing import Call, Nothing, Reply
from services.gateway.sessions import Mint
from services.gateway.store import accounts
from shared.clock import now
from shared.errors import Forbidden, Unauthorized
from shared.postgres import POOL, tenant_transaction, translated
from shared.web import REQUEST_ID

MINT: web.AppKey[Mint] = web.AppKey("MINT")
REFUSALS: web.AppKey[Refusals] = web.AppKey("REFUSALS")


async def identify(request: web.Request) -> domain.Principal:
    """Return who sent *request*; raise Unauthorized when that is not proven."""
    credential = domain.credential_in(request.headers)
    parts = domain.parts_of(credential)
    if parts is not None:
        return await _by_key(request, parts, now())
    try:
        return request.app[MINT].accept(credential)
    except Unauthorized:
        CREDENTIALS_REFUSED_TOTAL.labels("token").inc()
        raise


async def _by_key(
    request: web.Request, parts: tuple[str, str], moment: datetime
) -> domain.Principal:
    key_id, secret = parts
    pool = request.app[POOL]
    with translated():
        async with pool.acquire() as free, free.transaction(), accounts.door(free):
            key = await accounts.api_key(free, key_id)
        if key is None:
            CREDENTIALS_REFUSED_TOTAL.labels("unknown_key").inc()
            raise Unauthorized("the API key is not valid")
        refusal = key.refusal(secret, moment)
        if refusal is not None:
            await _note_refusal(request, key, refusal)
        principal = key.accept(secret, moment)
        if key.was_idle(moment):
            async with tenant_transaction(pool, key.tenant_id) as conn:
                await accounts.touch_api_key(conn, key_id, moment)
    return principal


async def _note_refusal(request: web.Request, key: domain.ApiKey, reason: str) -> None:
    """Tell the key's owner, in the audit log, that somebody tried it; a flood becomes a count."""
    CREDENTIALS_REFUSED_TOTAL.labels(reason).inc()
    attempts = request.app[REFUSALS].told(key.key_id)
    if attempts is None:
        return
    entry = accounts.Entry(
        tenant_id=key.tenant_id,
        actor="unknown",
        action="key.refused",
        target=domain.public_part(key.key_id),
        details={"reason": reason, "attempts": attempts},
        request_id=request[REQUEST_ID],
    )
    async with tenant_transaction(request.app[POOL], key.tenant_id) as conn:
        await accounts.audit(conn, entry)


async def issue_token(call: Call[Nothing]) -> Reply:
    """Exchange an API key for a short-lived token."""
    if not call.principal.by_key:
        raise Forbidden("a token is made from an API key, not from a token", code="key_required")
    mint = call.app[MINT]
    given = TokenGiven(
        access_token=mint.issue(call.principal, now()),
        expires_in=round(mint.life.total_seconds()),
        scopes=[scope for scope in domain.SCOPES if scope in call.principal.scopes],
    )
    return Reply(data=given, headers={"Cache-Control": "no-store"})
