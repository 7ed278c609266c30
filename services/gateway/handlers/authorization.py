"""The OAuth flow: send the merchant to Shopify, take them back with a token."""

from __future__ import annotations

import secrets
from datetime import datetime

from aiohttp import web

from services.gateway import connecting, domain
from services.gateway.handlers.consent import browser_of, state_of
from services.gateway.metrics import counted_flow
from services.gateway.models import Authorization, AuthorizationStarted, CallbackParams, Store
from services.gateway.routing import Call, Reply
from services.gateway.shopify import SHOPIFY, facts_of, failures_told
from services.gateway.store import accounts
from shared.clock import now
from shared.errors import Rejected, Unauthorized
from shared.postgres import POOL, tenant_transaction, translated
from shared.shopify import oauth

_STATE_BYTES = 32


async def start(call: Call[Authorization]) -> Reply:
    """Return the page to open in the merchant's browser."""
    url, expires_at = await _begun(call)
    started = AuthorizationStarted(url=url, state_expires_at=expires_at)
    return Reply(data=started, headers={"Cache-Control": "no-store"})


async def redirect(call: Call[Authorization]) -> web.StreamResponse:
    """Send on to the page to open in the merchant's browser."""
    url, _ = await _begun(call)
    return web.Response(status=302, headers={"Location": url, "Cache-Control": "no-store"})


async def _begun(call: Call[Authorization]) -> tuple[str, datetime]:
    shopify, principal, moment = call.app[SHOPIFY], call.principal, now()
    if not (shopify.app.client_id and shopify.start_url):
        raise Rejected(
            "SHOPIFY_CLIENT_ID or PUBLIC_BASE_URL is not set", code="oauth_not_configured"
        )
    nonce = secrets.token_urlsafe(_STATE_BYTES)
    state = domain.OAuthState(
        tenant_id=principal.tenant_id,
        shop_domain=call.asked.shop_domain,
        redirect_uri=shopify.redirect_uri,
        browser_hash=None,
        created_by=principal.subject,
        expires_at=moment + domain.STATE_LIFE,
        used_at=None,
    )
    with translated():
        async with tenant_transaction(call.app[POOL], principal.tenant_id) as conn:
            await accounts.forget_states(conn, moment - domain.STATE_LIFE)
            await accounts.insert_state(conn, domain.digest(nonce), state)
    return shopify.start_url + nonce, state.expires_at


async def finish(call: Call[CallbackParams]) -> Reply:
    """Take the merchant back from Shopify and connect the store."""
    with counted_flow():
        return Reply(data=await _connected(call))


async def _connected(call: Call[CallbackParams]) -> Store:
    shopify = call.app[SHOPIFY]
    callback = oauth.verified_callback(_signed(call), secrets=shopify.secrets, now=now())
    state = await _used(call.app, callback, browser=browser_of(call.request))
    with failures_told():
        grant = await shopify.grant(
            oauth.code_request(callback.shop_domain, callback.code, app=shopify.app)
        )
    domain.check_scopes(oauth.missing_scopes(shopify.scopes, grant.scopes))
    with failures_told():
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
    app: web.Application, callback: oauth.Callback, *, browser: str
) -> domain.OAuthState:
    # Committed before the code is exchanged: whatever happens next, the state is gone.
    pool = app[POOL]
    state = domain.check_state(
        await state_of(pool, callback.state),
        shop_domain=callback.shop_domain,
        redirect_uri=app[SHOPIFY].redirect_uri,
        browser=browser,
        now=now(),
    )
    with translated():
        async with tenant_transaction(pool, state.tenant_id) as conn:
            if not await accounts.use_state(conn, domain.digest(callback.state)):
                raise Unauthorized("this OAuth state is unknown or used", code="bad_state")
    return state
