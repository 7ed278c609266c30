"""Who calls: an API key, or a token made from one."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from services.gateway import domain
from services.gateway.models import TokenGiven
from services.gateway.routing import Call, Nothing, Reply
from services.gateway.sessions import Mint
from services.gateway.store import accounts
from shared.clock import now
from shared.errors import Forbidden, Unauthorized
from shared.postgres import POOL, Pool, tenant_transaction, translated

MINT: web.AppKey[Mint] = web.AppKey("MINT")


async def identify(request: web.Request) -> domain.Principal:
    """Return who sent *request*; raise Unauthorized when that is not proven."""
    credential = domain.credential_in(request.headers)
    parts = domain.parts_of(credential)
    if parts is None:
        return request.app[MINT].accept(credential)
    return await _by_key(request.app[POOL], parts, now())


async def _by_key(pool: Pool, parts: tuple[str, str], moment: datetime) -> domain.Principal:
    key_id, secret = parts
    with translated():
        async with pool.acquire() as free, free.transaction(), accounts.door(free):
            key = await accounts.api_key(free, key_id)
        if key is None:
            raise Unauthorized("the API key is not valid")
        principal = key.accept(secret, moment)
        if key.was_idle(moment):
            async with tenant_transaction(pool, key.tenant_id) as conn:
                await accounts.touch_api_key(conn, key_id, moment)
    return principal


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
