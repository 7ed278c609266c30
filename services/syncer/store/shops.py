"""Which token reaches which shop; the gateway keeps both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.postgres import Connection, load_queries
from shared.shopify.snapshots import Owner, ShopFacts

SQL = load_queries(__package__, "shops.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A store's sealed access token, and the scopes that it was found to lack."""

    shop_domain: str
    sealed: str
    expires_at: datetime | None
    lacking: frozenset[str]


async def is_renamed(conn: Connection, shop: ShopFacts) -> bool:
    """Return whether the store is this shop at Shopify, but under another domain."""
    found: bool = await conn.fetchval(
        SQL["is_renamed"],
        shop.owner.tenant_id,
        shop.owner.shop_id,
        shop.shopify_shop_id,
        shop.shop_domain,
    )
    return found


async def credential(conn: Connection, owner: Owner) -> Credential | None:
    """Return the credential of an active store."""
    row = await conn.fetchrow(SQL["credential"], owner.tenant_id, owner.shop_id)
    if row is None:
        return None
    return Credential(
        shop_domain=row["shop_domain"],
        sealed=row["access_token_enc"],
        expires_at=row["expires_at"],
        lacking=frozenset(row["lacking"]),
    )
