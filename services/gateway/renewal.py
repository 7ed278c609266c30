"""Renewing tokens ahead of their end, one shop at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from aiohttp import web

from services.gateway import domain
from services.gateway.metrics import RENEWALS_TOTAL
from services.gateway.shopify import SHOPIFY, Shopify, failures_told
from services.gateway.store import accounts
from shared.background import Work, pause
from shared.clock import now
from shared.errors import NotFound, Rejected, Unavailable, Unprocessable
from shared.postgres import POOL, Connection, Pool, tenant_transaction, translated
from shared.shopify import oauth
from shared.shopify.admin_api import Request

log = structlog.get_logger()


def renewing(*, ahead: timedelta, every_seconds: float) -> Work:
    """Return the loop that renews tokens ending within *ahead*."""

    async def renew_tokens(app: web.Application, stop: asyncio.Event) -> None:
        going_on = True
        while going_on:
            try:
                await renew_due(app[POOL], app[SHOPIFY], before=now() + ahead)
            except Unavailable as exc:
                log.warning("tokens not looked up", code=exc.code)
            going_on = await pause(stop, every_seconds)

    return renew_tokens


async def renew_due(pool: Pool, shopify: Shopify, *, before: datetime) -> None:
    """Renew every token that ends before *before*; one that fails holds up no other."""
    with translated():
        async with pool.acquire() as conn, conn.transaction(), accounts.door(conn):
            due = await accounts.due_for_refresh(conn, before)
    for tenant_id, shop_id in due:
        try:
            await renew(pool, shopify, tenant_id=tenant_id, shop_id=shop_id, before=before)
        except (Rejected, Unavailable) as exc:
            code = _code(exc)
            log.warning("token not renewed", shop_id=shop_id, code=code)
            RENEWALS_TOTAL.labels(code).inc()


def _code(exc: Rejected | Unavailable) -> str:
    """Return Shopify's reason where it refused, which says more than that it did."""
    return str(exc.details.get("reason", exc.code)) if isinstance(exc, Rejected) else exc.code


async def renew(
    pool: Pool, shopify: Shopify, *, tenant_id: str, shop_id: int, before: datetime | None = None
) -> None:
    """Exchange a store's refresh token; both new tokens are stored in one transaction.

    The shop's lock is held over the exchange, so that two replicas never refresh at once: the
    second one finds a token that ends after *before* and leaves it. A dead refresh token turns
    the store to ``reauth_required`` and raises Unprocessable ``reauth_required``.
    """
    with translated():
        async with tenant_transaction(pool, tenant_id) as conn:
            await accounts.lock_shop(conn, shop_id)
            held = await accounts.credentials(conn, shop_id)
            if held is None:
                raise NotFound("the store has no token")
            domain.check_refreshable(
                held.grant_type, held.status, renewable=held.refresh_token_enc is not None
            )
            if before and held.expires_at and held.expires_at >= before:
                return
            alive = await _exchanged(conn, shopify, held)
    if not alive:
        raise Unprocessable("the merchant must authorise again", code="reauth_required")


async def _exchanged(conn: Connection, shopify: Shopify, held: accounts.Credentials) -> bool:
    try:
        with failures_told():
            grant = await shopify.grant(_request(shopify, held))
    except Unprocessable as exc:
        if exc.details["reason"] != "invalid_grant":
            raise
        await accounts.set_status(conn, held.shop_id, "reauth_required", "invalid_grant")
        await accounts.audit(conn, _entry(held, "token.refused"))
        return False
    sealed = shopify.sealed(
        replace(grant, scopes=grant.scopes or tuple(held.scopes)),
        grant_type=held.grant_type,
        tenant_id=held.tenant_id,
        shop_id=held.shop_id,
    )
    await accounts.save_credentials(conn, held.tenant_id, held.shop_id, sealed)
    await accounts.audit(conn, _entry(held, "token.renewed"))
    RENEWALS_TOTAL.labels("renewed").inc()
    return True


def _request(shopify: Shopify, held: accounts.Credentials) -> Request:
    if held.grant_type == "client_credentials":
        return oauth.client_credentials_request(held.shop_domain, app=shopify.app)
    token = shopify.opened(held, "refresh_token")
    return oauth.refresh_request(held.shop_domain, token, app=shopify.app)


def _entry(held: accounts.Credentials, action: str) -> accounts.Entry:
    return accounts.Entry(
        tenant_id=held.tenant_id,
        actor="gateway",
        action=action,
        target=held.shop_domain,
        details={"shop_id": held.shop_id},
    )
