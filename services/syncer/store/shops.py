"""Which token reaches which shop; the gateway keeps both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.postgres import Connection, load_queries
from shared.shopify.snapshots import Owner

SQL = load_queries(__package__, "shops.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A store's sealed access token."""

    shop_domain: str
    sealed: str
    expires_at: datetime | None


async def credential(conn: Connection, owner: Owner) -> Credential | None:
    """Return the credential of an active store."""
    row = await conn.fetchrow(SQL["credential"], owner.tenant_id, owner.shop_id)
    if row is None:
        return None
    return Credential(
        shop_domain=row["shop_domain"],
        sealed=row["access_token_enc"],
        expires_at=row["expires_at"],
    )
