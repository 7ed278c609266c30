"""What the gateway asks Shopify: tokens, and who a shop is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import aiohttp
import msgspec
from aiohttp import web

from services.gateway.store.accounts import Credentials, NewCredentials, Shop
from shared.clock import now
from shared.errors import (
    BadGateway,
    GatewayTimeout,
    Rejected,
    Throttled,
    Unavailable,
    Unprocessable,
)
from shared.keyring import KeyRing
from shared.shopify import oauth
from shared.shopify.admin_api import Request
from shared.shopify.client import Patience, ShopClient, Terms, send
from shared.shopify.documents import document
from shared.shopify.nodes.shops import ShopNode
from shared.shopify.pacing import Pacing
from shared.shopify.snapshots import Owner

# Somebody waits for the answer. Each question is a single one, so no breaker is kept.
_PATIENCE = Patience(attempts=2, delay_seconds=0.25, timeout_seconds=10)
_UPSTREAM = {
    "shopify_error": BadGateway,
    "internal_error": BadGateway,
    "bad_answer": BadGateway,
    "shopify_silent": GatewayTimeout,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shopify:
    """Our app at Shopify, and the ring that seals what Shopify gives us."""

    session: aiohttp.ClientSession
    app: oauth.App
    secrets: tuple[str, ...]
    scopes: tuple[str, ...]
    # Where a flow begins in the browser, without its state; empty when we know no address of ours.
    start_url: str
    redirect_uri: str
    # The only tenant that may connect by our client credentials, which prove nothing of the caller.
    own_tenant: str
    api_version: str
    ring: KeyRing

    # The points of each connected shop, which the syncer spends too.
    pacing: Pacing = field(default_factory=Pacing)

    def client(self, shop_domain: str, access_token: str, owner: Owner | None = None) -> ShopClient:
        """Return a client that uses one token; *owner* is None until the shop is connected."""

        async def token() -> str:
            return access_token

        return ShopClient(
            self.session,
            shop_domain=shop_domain,
            token=token,
            api_version=self.api_version,
            base_url=self.app.base_url,
            terms=Terms(patience=_PATIENCE, pace=self.pacing.pace(owner, priority="interactive")),
        )

    async def grant(self, request: Request) -> oauth.Grant:
        """Send a token request, once."""
        answer = await send(self.session, request, timeout_seconds=_PATIENCE.timeout_seconds)
        return oauth.decipher_grant(*answer, now=now())

    def sealed(
        self, grant: oauth.Grant, *, grant_type: str, tenant_id: str, shop_id: int
    ) -> NewCredentials:
        """Return *grant* with its tokens encrypted for one store."""
        refresh = grant.refresh_token and self.ring.seal(
            grant.refresh_token, tenant_id=tenant_id, shop_id=shop_id, purpose="refresh_token"
        )
        return NewCredentials(
            grant_type=grant_type,
            access_token_enc=self.ring.seal(
                grant.access_token, tenant_id=tenant_id, shop_id=shop_id, purpose="access_token"
            ),
            refresh_token_enc=refresh or None,
            scopes=grant.scopes,
            expires_at=grant.expires_at,
            refresh_expires_at=grant.refresh_expires_at,
            token_last4=grant.access_token[-4:],
        )

    def opened(self, held: Credentials, purpose: str) -> str:
        """Return a store's token in the clear."""
        sealed = held.access_token_enc if purpose == "access_token" else held.refresh_token_enc
        return self.ring.open(
            sealed or "", tenant_id=held.tenant_id, shop_id=held.shop_id, purpose=purpose
        )


SHOPIFY: web.AppKey[Shopify] = web.AppKey("SHOPIFY")


class _Scope(msgspec.Struct):
    handle: str


class _Installation(msgspec.Struct, rename="camel"):
    access_scopes: list[_Scope]


class _ShopAnswer(msgspec.Struct, rename="camel"):
    shop: ShopNode
    current_app_installation: _Installation


async def facts_of(client: ShopClient) -> tuple[Shop, tuple[str, ...]]:
    """Return who a shop says it is, and the scopes that the token holds.

    Raises what the client raises, and Rejected ``shop_mismatch`` when another shop answers.
    """
    try:
        answer = msgspec.json.decode(await client.execute(document("shop")), type=_ShopAnswer)
    except msgspec.MsgspecError as exc:
        raise Unavailable("Shopify's answer is not a shop", code="bad_answer") from exc
    shop = answer.shop
    if shop.myshopify_domain != client.shop_domain:
        raise Rejected("another shop answers there", code="shop_mismatch")
    facts = Shop(
        shop_domain=shop.myshopify_domain,
        shopify_shop_id=int(shop.id.rpartition("/")[2]),
        name=shop.name,
        plan=shop.plan.public_display_name if shop.plan else None,
        currency=shop.currency_code,
        iana_timezone=shop.iana_timezone,
    )
    return facts, tuple(scope.handle for scope in answer.current_app_installation.access_scopes)


@contextlib.contextmanager
def failures_told() -> Iterator[None]:
    """Tell the caller that it was Shopify: its 401 or 429 must not read as ours.

    A refusal becomes Unprocessable ``connection_failed`` with Shopify's code as ``reason``.
    """
    try:
        yield
    except Rejected as exc:
        raise Unprocessable(
            f"Shopify refused: {exc}",
            code="connection_failed",
            details={**exc.details, "reason": exc.code},
        ) from exc
    except Unavailable as exc:
        raise _told(exc) from exc


def _told(exc: Unavailable) -> Unavailable:
    if isinstance(exc, Throttled):
        return Unavailable(str(exc), code="shopify_throttled", retry_after=exc.retry_after)
    kind = _UPSTREAM.get(exc.code, Unavailable)
    return kind(str(exc), code=exc.code, retry_after=exc.retry_after)
