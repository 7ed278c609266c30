"""Who may do what, OAuth states, cursors and progress: decisions on values."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias, TypeVar

import msgspec

from shared.errors import Conflict, Forbidden, Rejected, Unauthorized

Position = TypeVar("Position", bound=tuple[object, ...])
Scope: TypeAlias = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "write", "admin")
STATE_LIFE = timedelta(minutes=10)
LAST_USED_STEP = timedelta(minutes=1)

_KEY_MARK = "till"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls, as the credential proves; nothing else names a tenant."""

    tenant_id: str
    subject: str
    scopes: frozenset[Scope]
    by_key: bool = False

    def require(self, scope: Scope) -> None:
        """Raise Forbidden unless a scope held reaches *scope*: admin > write > read."""
        reached = max((SCOPES.index(held) for held in self.scopes), default=-1)
        if reached < SCOPES.index(scope):
            raise Forbidden(
                f"this needs the scope {scope}",
                code="insufficient_scope",
                details={"required_scopes": [scope]},
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as stored: the hash of its secret, never the secret."""

    tenant_id: str
    key_id: str
    secret_hash: bytes
    scopes: tuple[Scope, ...]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    tenant_status: str

    def accept(self, secret: str, now: datetime) -> Principal:
        """Return whose key it is; raise Unauthorized unless *secret* fits and the key is live."""
        if self.refusal(secret, now):
            raise Unauthorized("the API key is not valid")
        return Principal(
            tenant_id=self.tenant_id,
            subject=f"key:{self.key_id}",
            scopes=frozenset(self.scopes),
            by_key=True,
        )

    def refusal(self, secret: str, now: datetime) -> str | None:
        """Return why the key does not open; who calls must not be told."""
        if not hmac.compare_digest(digest(secret), self.secret_hash):
            return "wrong_secret"
        if self.revoked_at is not None:
            return "revoked"
        if (self.expires_at or now) < now:
            return "expired"
        return "tenant_suspended" if self.tenant_status != "active" else None

    def was_idle(self, now: datetime) -> bool:
        """Return whether last_used_at is old enough to be worth a write."""
        return self.last_used_at is None or now - self.last_used_at > LAST_USED_STEP


def new_api_key() -> tuple[str, str, bytes]:
    """Return a key's text, to be shown once, its id, and the hash to store."""
    key_id, secret = secrets.token_hex(6), secrets.token_hex(32)
    return f"{_KEY_MARK}_{key_id}_{secret}", key_id, digest(secret)


def public_part(key_id: str) -> str:
    """Return what a key may be called by: its text without the secret."""
    return f"{_KEY_MARK}_{key_id}"


def parts_of(key: str) -> tuple[str, str] | None:
    """Return a key's id and secret, or None when *key* does not look like one."""
    mark, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    return (key_id, secret) if mark == _KEY_MARK and key_id and secret else None


def digest(secret: str) -> bytes:
    """Return the SHA-256 of *secret*; enough for secrets of 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def credential_in(headers: Mapping[str, str]) -> str:
    """Return the API key or token of a request; raise Unauthorized when there is none."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    credential = headers.get("X-API-Key") or (token.strip() if scheme.lower() == "bearer" else "")
    # What is not ASCII is no key of ours, and cannot be hashed or decoded as one.
    if not credential or not credential.isascii():
        raise Unauthorized("send Authorization: Bearer <token or key>, or X-API-Key")
    return credential


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthState:
    """A flow in progress, as stored."""

    tenant_id: str
    shop_domain: str
    redirect_uri: str
    browser_hash: bytes | None
    created_by: str
    expires_at: datetime
    used_at: datetime | None


def check_open(state: OAuthState | None, now: datetime) -> OAuthState:
    """Return *state* if its flow may still go on."""
    if state is None or state.used_at is not None:
        raise Unauthorized("this OAuth state is unknown or used", code="bad_state")
    if state.expires_at <= now:
        raise Unauthorized("this OAuth state has expired; start again", code="state_expired")
    return state


def check_state(
    state: OAuthState | None, *, shop_domain: str, redirect_uri: str, browser: str, now: datetime
) -> OAuthState:
    """Return *state* if the callback may end it: same shop, same address, same browser."""
    known = check_open(state, now)
    if known.redirect_uri != redirect_uri:
        raise Unauthorized("this OAuth state is unknown or used", code="bad_state")
    if known.shop_domain != shop_domain:
        raise Unauthorized("the callback is for another shop", code="shop_mismatch")
    # A flow that no browser agreed to has no hash, and ends nowhere.
    if not hmac.compare_digest(known.browser_hash or b"", digest(browser)):
        raise Unauthorized("the flow was started in another browser", code="browser_mismatch")
    return known


def check_scopes(missing: Collection[str]) -> None:
    """Raise Forbidden when the merchant granted less than we need."""
    if missing:
        raise Forbidden(
            "the merchant did not grant every scope",
            code="missing_scopes",
            details={"required_scopes": list(missing)},
        )


def check_grant_type(grant_type: str, principal: Principal, *, own_tenant: str) -> None:
    """Raise Forbidden when *principal* may not connect this way.

    Client credentials are the app's, not the caller's: they open every store of the app's
    organisation, so only the organisation's own tenant may use them.
    """
    if grant_type == "client_credentials" and principal.tenant_id != own_tenant:
        raise Forbidden("client credentials are not for this tenant", code="grant_not_allowed")


def check_refreshable(grant_type: str, status: str, *, renewable: bool) -> None:
    """Raise Conflict when a store's token cannot be renewed; *renewable* by a refresh token."""
    if status != "active":
        raise Conflict(f"the store is {status}", code="store_not_active")
    if grant_type == "client_credentials":
        return
    if grant_type != "authorization_code" or not renewable:
        raise Conflict("this token does not expire", code="token_not_refreshable")


def encode_cursor(*position: object) -> str:
    """Return where a page ended, as opaque text."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def decode_cursor(cursor: str | None, kind: type[Position]) -> Position | None:
    """Return the position that *cursor* names; raise Rejected when it is not one of ours."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = msgspec.json.decode(raw, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as exc:
        raise _bad_cursor() from exc
    if not all(map(_is_storable, position)):
        raise _bad_cursor()
    return position


def _bad_cursor() -> Rejected:
    details = {"field": "cursor"}
    return Rejected("the cursor is not one of ours", code="bad_cursor", details=details)


def _is_storable(part: object) -> bool:
    if isinstance(part, datetime):
        return part.tzinfo is not None and 1970 <= part.year < 3000
    if isinstance(part, int):
        return 0 <= part < 2**63
    return "\0" not in str(part)
