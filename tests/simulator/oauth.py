"""The authorization pages and the token endpoint."""

from __future__ import annotations

import base64
import hashlib
import hmac
import urllib.parse
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.simulator import moments
from tests.simulator.store import Store, Token, new_secret

ACCESS_SECONDS = 3_600
REFRESH_SECONDS = 7_776_000
CLIENT_CREDENTIALS_SECONDS = 86_399
ALL_SCOPES = (
    "read_orders,read_all_orders,read_products,read_customers,read_inventory,read_locations,"
    "read_fulfillments,read_returns,read_discounts,read_draft_orders,read_customer_merge,"
    "read_merchant_managed_fulfillment_orders,read_gift_cards,read_shopify_payments_payouts,"
    "read_shopify_payments_disputes"
)


def query_hmac(parameters: Mapping[str, str], secret: str) -> str:
    """Sign a query as Shopify does: sorted, percent-encoded, lower-case hex."""
    rest = {key: value for key, value in parameters.items() if key not in ("hmac", "signature")}
    message = urllib.parse.urlencode(sorted(rest.items()), quote_via=urllib.parse.quote)
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


async def authorize(request: web.Request, store: Store, platform: Any) -> web.Response:
    """Approve at once and send the merchant back with a signed code."""
    query = request.query
    redirect = query.get("redirect_uri", "")
    parts = urllib.parse.urlsplit(redirect)
    if query.get("client_id") != platform.client_id:
        return _page("Oauth error invalid_request: Could not find Shopify API application", 400)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return _page("Oauth error invalid_request: The redirect_uri is missing", 400)
    if platform.redirects and redirect not in platform.redirects:
        return _page("Oauth error invalid_request: The redirect_uri is not whitelisted", 400)
    if platform.faults.strikes("oauth", "deny"):
        return web.HTTPFound(f"{redirect}?error=access_denied")
    code = new_secret("")
    store.codes[code] = granted_scopes(query.get("scope"), platform)
    handle = store.domain.partition(".")[0]
    answer = {
        "code": code,
        "host": base64.b64encode(f"admin.shopify.com/store/{handle}".encode()).decode().rstrip("="),
        "shop": store.domain,
        "state": query.get("state", ""),
        "timestamp": str(moments.now()),
    }
    answer["hmac"] = query_hmac(answer, platform.client_secret)
    joiner = "&" if parts.query else "?"
    location = f"{redirect}{joiner}{urllib.parse.urlencode(answer, quote_via=urllib.parse.quote)}"
    return web.Response(status=302, headers={"Location": location})


def granted_scopes(asked: str | None, platform: Any) -> list[str]:
    wanted = [one.strip() for one in (asked or ALL_SCOPES).split(",") if one.strip()]
    return [one for one in wanted if one not in platform.withheld_scopes]


def _page(text: str, status: int) -> web.Response:
    return web.Response(text=f"<h1>{text}</h1>", status=status, content_type="text/html")


async def access_token(request: web.Request, store: Store, platform: Any) -> web.Response:
    """``POST /admin/oauth/access_token``: codes, refreshes and client credentials."""
    form = await _form(request)
    platform.stats["oauth requests"] += 1
    status = int(platform.faults.seconds("oauth", "status"))
    if status:
        return web.json_response({"errors": "An unexpected error occurred"}, status=status)
    if form.get("client_id") != platform.client_id or not hmac.compare_digest(
        form.get("client_secret", ""), platform.client_secret
    ):
        return _error("invalid_client", "Client authentication failed")
    grant = form.get("grant_type") or "authorization_code"
    if grant == "refresh_token":
        return _refresh(store, platform, form)
    if grant == "client_credentials":
        scopes = granted_scopes(None, platform)
        token = Token(new_secret("shpat_"), scopes, moments.now() + CLIENT_CREDENTIALS_SECONDS)
        body = {
            "access_token": token.text,
            "scope": ",".join(token.scopes),
            "expires_in": CLIENT_CREDENTIALS_SECONDS,
        }
        return _issued(store, platform, token, body)
    if grant == "authorization_code":
        return _exchange(store, platform, form)
    return _error("unsupported_grant_type", f"The grant type {grant} is not supported")


async def _form(request: web.Request) -> dict[str, str]:
    if request.content_type == "application/json":
        try:
            found = await request.json()
        except ValueError:
            return {}
        return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}
    return {key: str(value) for key, value in (await request.post()).items()}


def _error(code: str, text: str) -> web.Response:
    return web.json_response({"error": code, "error_description": text}, status=400)


def _exchange(store: Store, platform: Any, form: dict[str, str]) -> web.Response:
    scopes = store.codes.pop(form.get("code", ""), None)
    if scopes is None:
        text = "The authorization code was not found or was already used"
        return _error("invalid_request", text)
    store.installed = True
    if form.get("expiring") in ("1", "true", "True"):
        return _pair(store, platform, scopes)
    token = Token(new_secret("shpat_"), scopes)
    body = {"access_token": token.text, "scope": ",".join(scopes)}
    return _issued(store, platform, token, body)


def _pair(store: Store, platform: Any, scopes: list[str]) -> web.Response:
    """A token that expires, and its successor's key; earlier keys die."""
    token = Token(
        new_secret("shpat_"),
        scopes,
        moments.now() + platform.token_seconds,
        new_secret("shprt_"),
        moments.now() + REFRESH_SECONDS,
    )
    store.refreshes = {token.refresh or "": token}
    body = {
        "access_token": token.text,
        "scope": ",".join(scopes),
        "expires_in": platform.token_seconds,
        "refresh_token": token.refresh,
        "refresh_token_expires_in": REFRESH_SECONDS,
    }
    return _issued(store, platform, token, body)


def _refresh(store: Store, platform: Any, form: dict[str, str]) -> web.Response:
    """Rotate; the used key may be replayed until its replacement is used."""
    text = form.get("refresh_token", "")
    found = store.refreshes.get(text)
    if found is None or found.refresh_expires < moments.now():
        return _error("invalid_grant", "The refresh token is invalid or expired")
    answer = _pair(store, platform, found.scopes)
    store.refreshes[text] = found
    return answer


def _issued(store: Store, platform: Any, token: Token, body: dict[str, Any]) -> web.Response:
    store.tokens[token.text] = token
    store.installed = True
    platform.journal.issued(store, token)
    return web.json_response(body)
