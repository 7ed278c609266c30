"""Short-lived tokens that an API key is exchanged for."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from services.gateway.domain import SCOPES, Principal
from shared.errors import Unauthorized

AUDIENCE = "tillstream-api"

_ALGORITHM = "HS256"
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "jti", "tid", "scopes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mint:
    """Makes and checks tokens; the algorithm is fixed, whatever a token's header claims."""

    secret: str
    issuer: str
    life: timedelta

    def issue(self, principal: Principal, now: datetime) -> str:
        """Return a token that says what *principal* may do until *life* is over."""
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": principal.subject,
            "tid": principal.tenant_id,
            "scopes": sorted(principal.scopes),
            "iat": now,
            "exp": now + self.life,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self.secret, algorithm=_ALGORITHM)

    def accept(self, token: str) -> Principal:
        """Return whose *token* it is; raise Unauthorized unless we made it and it is live."""
        try:
            claims = jwt.decode(
                token,
                self.secret,
                algorithms=[_ALGORITHM],
                issuer=self.issuer,
                audience=AUDIENCE,
                options={"require": _REQUIRED},
            )
        except jwt.PyJWTError as exc:
            raise Unauthorized("the token is not valid") from exc
        return Principal(
            tenant_id=claims["tid"],
            subject=claims["sub"],
            scopes=frozenset(scope for scope in SCOPES if scope in claims["scopes"]),
        )
