"""Before Shopify: who asks for the store, shown to the browser that the flow is then bound to."""

from __future__ import annotations

import re
import secrets
from html import escape

from aiohttp import web

from services.gateway import domain
from services.gateway.routing import Call, Nothing
from services.gateway.shopify import SHOPIFY
from services.gateway.store import accounts
from shared.clock import now
from shared.errors import Unauthorized
from shared.postgres import POOL, Pool, tenant_transaction, translated
from shared.shopify import oauth

_COOKIE = "till_oauth"
_COOKIE_BYTES = 32
_COOKIE_TEXT = re.compile(r"[A-Za-z0-9_-]{43}")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
}
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Connect {shop}</title>
<h1>Connect {shop} to {tenant}?</h1>
<p>{tenant} asks for access to the orders, products, customers and stock of {shop}.
Continue only if you know {tenant} and came here to connect this store to it.</p>
<form method="post"><button>Continue to Shopify</button></form>
</html>
"""


async def show(call: Call[Nothing]) -> web.StreamResponse:
    """Show the merchant who asks for which store."""
    pool = call.app[POOL]
    state = domain.check_open(await state_of(pool, call.text("state")), now())
    with translated():
        async with tenant_transaction(pool, state.tenant_id) as conn:
            tenant = await accounts.tenant_name(conn, state.tenant_id) or ""
    page = _PAGE.format(shop=escape(state.shop_domain), tenant=escape(tenant))
    response = web.Response(text=page, content_type="text/html", headers=_HEADERS)
    secure = _is_secure(call.app)
    response.set_cookie(
        _cookie(secure),
        browser_of(call.request) or secrets.token_urlsafe(_COOKIE_BYTES),
        max_age=round(domain.STATE_LIFE.total_seconds()),
        httponly=True,
        secure=secure,
        # Not sent along by a form of another site: nobody skips the page for the merchant.
        samesite="Lax",
    )
    return response


async def go_on(call: Call[Nothing]) -> web.StreamResponse:
    """Bind the flow to this browser and send it to Shopify."""
    nonce, browser, pool = call.text("state"), browser_of(call.request), call.app[POOL]
    state = domain.check_open(await state_of(pool, nonce), now())
    with translated():
        async with tenant_transaction(pool, state.tenant_id) as conn:
            bound = browser and await accounts.bind_state(
                conn, domain.digest(nonce), domain.digest(browser)
            )
    if not bound:
        raise Unauthorized("open the page in this browser first", code="browser_mismatch")
    shopify = call.app[SHOPIFY]
    url = oauth.authorize_url(
        state.shop_domain,
        app=shopify.app,
        scopes=shopify.scopes,
        redirect_uri=state.redirect_uri,
        state=nonce,
    )
    return web.Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})


async def state_of(pool: Pool, nonce: str) -> domain.OAuthState | None:
    """Return the flow that *nonce* began, whoever's it is."""
    with translated():
        async with pool.acquire() as free, free.transaction(), accounts.door(free):
            return await accounts.oauth_state(free, domain.digest(nonce))


def browser_of(request: web.Request) -> str:
    """Return what our page left in the browser, or nothing."""
    text = request.cookies.get(_cookie(_is_secure(request.app)), "")
    return text if _COOKIE_TEXT.fullmatch(text) else ""


def _is_secure(app: web.Application) -> bool:
    return app[SHOPIFY].start_url.startswith("https://")


def _cookie(secure: bool) -> str:
    return f"__Host-{_COOKIE}" if secure else _COOKIE
