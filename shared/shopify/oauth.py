"""OAuth with Shopify as values: URLs, signed callbacks, token requests and answers. No I/O.

Source: https://shopify.dev/docs/apps/build/authentication-authorization
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

import msgspec

from shared.errors import Rejected, Unauthorized, Unavailable
from shared.shopify.admin_api import Request, origin, raise_for_status, shop_domain
from shared.shopify.signature import query_is_signed

# Shopify's own library allows 90 s; a merchant's browser may take longer over a redirect.
CALLBACK_AGE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """Our app as Shopify knows it. *base_url* is the simulator's template, or empty."""

    client_id: str
    client_secret: str
    base_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """What a verified callback carries."""

    shop_domain: str
    code: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A token answer. Non-expiring tokens have no *expires_at*; never log a Grant."""

    access_token: str
    scopes: tuple[str, ...]
    expires_at: datetime | None = None
    refresh_token: str | None = None
    refresh_expires_at: datetime | None = None


class _Token(msgspec.Struct):
    access_token: str
    scope: str = ""
    expires_in: int | None = None
    refresh_token: str | None = None
    refresh_token_expires_in: int | None = None


class _Refusal(msgspec.Struct):
    error: str = ""


def authorize_url(
    shop: str, *, app: App, scopes: Sequence[str], redirect_uri: str, state: str
) -> str:
    """Return where the merchant grants *scopes* (an offline token)."""
    query = urlencode(
        {
            "client_id": app.client_id,
            "scope": ",".join(scopes),
            "redirect_uri": redirect_uri,
            "state": state,
        }
    )
    return f"{origin(shop, app.base_url)}/admin/oauth/authorize?{query}"


def verified_callback(
    params: Mapping[str, str], *, secrets: Collection[str], now: datetime
) -> Callback:
    """Return what Shopify sent back with the merchant.

    Raises Unauthorized ``bad_hmac`` unless one of *secrets* signed it; Rejected
    ``stale_callback``, ``access_denied``, ``incomplete_callback`` or ``invalid_shop_domain``.
    """
    if not any(query_is_signed(params, secret) for secret in secrets):
        raise Unauthorized("the callback is not signed by Shopify", code="bad_hmac")
    if not _is_fresh(params.get("timestamp", ""), now):
        raise Rejected("the callback is too old", code="stale_callback")
    if "error" in params:
        raise Rejected("the merchant declined", code="access_denied")
    if not (params.get("code") and params.get("state")):
        raise Rejected("the callback lacks its code or state", code="incomplete_callback")
    return Callback(
        shop_domain=shop_domain(params.get("shop", "")), code=params["code"], state=params["state"]
    )


def _is_fresh(timestamp: str, now: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit()):
        return False
    return abs(now.timestamp() - int(timestamp)) <= CALLBACK_AGE.total_seconds()


def code_request(shop: str, code: str, *, app: App) -> Request:
    """Build the exchange of *code* for an expiring offline token."""
    return _request(shop, app, {"code": code, "expiring": "1"})


def refresh_request(shop: str, refresh_token: str, *, app: App) -> Request:
    """Build the exchange of a refresh token for a new pair."""
    return _request(shop, app, {"grant_type": "refresh_token", "refresh_token": refresh_token})


def client_credentials_request(shop: str, *, app: App) -> Request:
    """Build the request of an app for its own organisation's store; the token lasts 24 h."""
    return _request(shop, app, {"grant_type": "client_credentials"})


def _request(shop: str, app: App, fields: Mapping[str, str]) -> Request:
    client = {"client_id": app.client_id, "client_secret": app.client_secret}
    return Request(
        url=f"{origin(shop, app.base_url)}/admin/oauth/access_token",
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        body=msgspec.json.encode(client | dict(fields)),
    )


def decipher_grant(status: int, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Grant:
    """Return the tokens of an answer.

    Raises Unauthorized ``invalid_grant`` for a dead code or refresh token, Rejected
    ``invalid_client`` or ``oauth_refused``, Throttled and Unavailable as the Admin API does.
    """
    if status in (400, 401, 403):
        raise _refusal(status, body)
    if status != 200:
        raise_for_status(status, headers, body)
    try:
        token = msgspec.json.decode(body, type=_Token)
    except msgspec.MsgspecError as exc:
        raise Unavailable("Shopify's answer is not a token", code="bad_answer") from exc
    return Grant(
        access_token=token.access_token,
        scopes=tuple(filter(None, token.scope.replace(" ", "").split(","))),
        expires_at=_after(now, token.expires_in),
        refresh_token=token.refresh_token,
        refresh_expires_at=_after(now, token.refresh_token_expires_in),
    )


def _refusal(status: int, body: bytes) -> Rejected:
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except msgspec.MsgspecError:
        error = ""
    details = {"status": status, "shopify_error": error[:100]}
    if error in ("invalid_grant", "invalid_subject_token"):
        return Unauthorized("the grant is used, expired or unknown", code="invalid_grant")
    if error == "invalid_client":
        return Rejected("Shopify does not know this client", code="invalid_client", details=details)
    return Rejected("Shopify refused the token request", code="oauth_refused", details=details)


def _after(now: datetime, seconds: int | None) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=seconds)


def missing_scopes(asked: Collection[str], granted: Collection[str]) -> list[str]:
    """Return the scopes of *asked* that *granted* lacks; writing implies reading."""
    held = set(granted) | {
        scope.replace("write_", "read_", 1) for scope in granted if scope.startswith("write_")
    }
    return sorted(set(asked) - held)
