"""The OAuth flow: send the merchant to Shopify, take them back with a token."""

from __future__ import annotations

import secrets
from datetime import datetime

from aiohttp import web

from services.gateway import connecting, domain
from services.gateway.metrics import OAUTH_FLOWS_TOTAL
from services.gateway.models import Authorization, AuthorizationStarted, CallbackParams, Store
from services.gateway.routing import Call, Reply
from services.gateway.shopify import SHOPIFY, facts_of, refusals_told
from services.gateway.store import accounts
from shared.clock import now
from shared.errors import Rejected, Unauthorized, Unavailable
from shared.postgres import POOL, tenant_transaction, translated
from shared.shopify import oauth

_STATE_BYTES = 32
_COOKIE = "till_oauth"


async def start(call: Call[Authorization]) -> Reply:
    """Return the URL at which the merchant authorises us."""
    url, expires_at = await _begun(call, browser=None)
    started = AuthorizationStarted(url=url, state_expires_at=expires_at)
    return Reply(data=started, headers={"Cache-Control": "no-store"})


async def redirect(call: Call[Authorization]) -> web.StreamResponse:
    """Send the browser to Shopify; only the same browser may come back."""
    browser = secrets.token_urlsafe(_STATE_BYTES)
    url, _ = await _begun(call, browser=browser)
    response = web.Response(status=302, headers={"Location": url, "Cache-Control": "no-store"})
    secure = call.app[SHOPIFY].redirect_uri.startswith("https://")
    response.set_cookie(
        _cookie(secure),
        browser,
        max_age=round(domain.STATE_LIFE.total_seconds()),
        httponly=True,
        secure=secure,
        samesite="Lax",
    )
    return response


async def _begun(call: Call[Authorization], *, browser: str | None) -> tuple[str, datetime]:
    shopify, principal, moment = call.app[SHOPIFY], call.principal, now()
    if not shopify.app.client_id:
        raise Rejected("SHOPIFY_CLIENT_ID is not set", code="oauth_not_configured")
    nonce = secrets.token_urlsafe(_STATE_BYTES)
    state = domain.OAuthState(
        tenant_id=principal.tenant_id,
        shop_domain=call.asked.shop_domain,
        redirect_uri=shopify.redirect_uri,
        browser_hash=domain.digest(browser) if browser else None,
        created_by=principal.subject,
        expires_at=moment + domain.STATE_LIFE,
        used_at=None,
    )
    with translated():
        async with tenant_transaction(call.app[POOL], principal.tenant_id) as conn:
            await accounts.forget_states(conn, moment - domain.STATE_LIFE)
            await accounts.insert_state(conn, domain.digest(nonce), state)
    url = oauth.authorize_url(
        state.shop_domain,
        app=shopify.app,
        scopes=shopify.scopes,
        redirect_uri=state.redirect_uri,
        state=nonce,
    )
    return url, state.expires_at


async def finish(call: Call[CallbackParams]) -> Reply:
    """Take the merchant back from Shopify and connect the store."""
    try:
        store = await _connected(call)
    except (Rejected, Unavailable) as exc:
        OAUTH_FLOWS_TOTAL.labels(exc.code).inc()
        raise
    OAUTH_FLOWS_TOTAL.labels("connected").inc()
    return Reply(data=store)


async def _connected(call: Call[CallbackParams]) -> Store:
    shopify, moment = call.app[SHOPIFY], now()
    callback = oauth.verified_callback(_signed(call), secrets=shopify.secrets, now=moment)
    secure = shopify.redirect_uri.startswith("https://")
    browser = call.request.cookies.get(_cookie(secure), "")
    state = await _used(call.app, callback, browser=browser, moment=moment)
    with refusals_told():
        grant = await shopify.grant(
            oauth.code_request(callback.shop_domain, callback.code, app=shopify.app)
        )
    domain.check_scopes(oauth.missing_scopes(shopify.scopes, grant.scopes))
    with refusals_told():
        shop, _ = await facts_of(shopify.client(callback.shop_domain, grant.access_token))
    arrival = connecting.Arrival(
        tenant_id=state.tenant_id,
        by=state.created_by,
        shop=shop,
        grant=grant,
        grant_type="authorization_code",
        request_id=call.request_id,
    )
    return await connecting.connect(call.app, arrival)


def _signed(call: Call[CallbackParams]) -> dict[str, str]:
    if call.request.method == "GET":
        return dict(call.request.query)
    return {name: str(value) for name, value in call.asked.model_dump(exclude_unset=True).items()}


async def _used(
    app: web.Application, callback: oauth.Callback, *, browser: str, moment: datetime
) -> domain.OAuthState:
    # Committed before the code is exchanged: whatever happens next, the state is gone.
    pool, state_hash = app[POOL], domain.digest(callback.state)
    with translated():
        async with pool.acquire() as free, free.transaction(), accounts.door(free):
            found = await accounts.oauth_state(free, state_hash)
        state = domain.check_state(
            found,
            shop_domain=callback.shop_domain,
            redirect_uri=app[SHOPIFY].redirect_uri,
            browser=browser,
            now=moment,
        )
        async with tenant_transaction(pool, state.tenant_id) as conn:
            if not await accounts.use_state(conn, state_hash):
                raise Unauthorized("this OAuth state is unknown or used", code="bad_state")
    return state


def _cookie(secure: bool) -> str:
    return f"__Host-{_COOKIE}" if secure else _COOKIE
