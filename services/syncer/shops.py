"""One Admin API client per shop, with the access token that the gateway keeps fresh."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import aiohttp

from services.syncer import schema_drift
from services.syncer.store import shops as store
from services.syncer.store.shops import Credential
from shared.clock import Clock, now
from shared.errors import NotFound, Unavailable
from shared.keyring import KeyRing
from shared.postgres import Pool
from shared.shopify.client import Patience, ShopClient, Terms
from shared.shopify.documents import Namespaces
from shared.shopify.pacing import Pacing
from shared.shopify.snapshots import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach Shopify."""

    api_version: str
    base_url: str = ""
    patience: Patience = field(default_factory=Patience)
    pacing: Pacing = field(default_factory=Pacing)
    namespaces: Namespaces = ()


class Shops:
    """The clients this process has; a client holds its shop's circuit breaker, so it is kept."""

    def __init__(
        self,
        pool: Pool,
        session: aiohttp.ClientSession,
        *,
        keys: KeyRing,
        access: Access,
        clock: Clock = now,
    ) -> None:
        self._pool = pool
        self._session = session
        self._keys = keys
        self._access = access
        self._clock = clock
        self._clients: dict[Owner, ShopClient] = {}
        self._opened: dict[Owner, tuple[str, str]] = {}

    async def client(self, owner: Owner) -> ShopClient:
        """Return the client of *owner*; raise NotFound unless the store is active."""
        credential = await self._credential(owner)
        client = self._clients.get(owner)
        if client is None or client.shop_domain != credential.shop_domain:
            client = self._clients[owner] = self._opened_for(owner, credential.shop_domain)
        client.lacking = credential.lacking
        return client

    def resting(self) -> list[int]:
        """Return the shops that are not asked for a while, because Shopify failed."""
        return [owner.shop_id for owner, one in self._clients.items() if one.is_resting]

    def _opened_for(self, owner: Owner, domain: str) -> ShopClient:
        async def token() -> str:
            return await self._token(owner)

        return ShopClient(
            self._session,
            shop_domain=domain,
            token=token,
            api_version=self._access.api_version,
            base_url=self._access.base_url,
            terms=Terms(
                patience=self._access.patience,
                pace=self._access.pacing.pace(owner),
                namespaces=self._access.namespaces,
                on_version=partial(schema_drift.other_version, owner),
            ),
        )

    async def _token(self, owner: Owner) -> str:
        credential = await self._credential(owner)
        if credential.expires_at is not None and credential.expires_at <= self._clock():
            raise Unavailable("the access token has expired", code="token_expired", retry_after=5)
        # A store connected again begins its versions anew; no two seals are alike.
        sealed, plain = self._opened.get(owner, ("", ""))
        if sealed != credential.sealed:
            plain = self._keys.open(
                credential.sealed,
                tenant_id=owner.tenant_id,
                shop_id=owner.shop_id,
                purpose="access_token",
            )
            self._opened[owner] = (credential.sealed, plain)
        return plain

    async def _credential(self, owner: Owner) -> Credential:
        async with self._pool.acquire() as conn:
            credential = await store.credential(conn, owner)
        if credential is None:
            raise NotFound("the store is not active", code="store_not_active")
        return credential
