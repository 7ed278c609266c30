"""Tenants, keys, OAuth states, stores and their credentials."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import orjson

from services.gateway.domain import ApiKey, OAuthState
from services.gateway.models import Store, TokenHealth
from shared.postgres import Connection, Pool, load_queries

SQL = load_queries("services.gateway.store", "accounts.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A store's grant with its tokens still sealed."""

    tenant_id: str
    shop_id: int
    shop_domain: str
    status: str
    grant_type: str
    access_token_enc: str
    refresh_token_enc: str | None
    expires_at: datetime | None
    scopes: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredentials:
    """A grant about to be stored, already sealed."""

    grant_type: str
    access_token_enc: str
    refresh_token_enc: str | None
    scopes: Sequence[str]
    expires_at: datetime | None
    refresh_expires_at: datetime | None
    token_last4: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What Shopify says of a shop when it is connected."""

    shop_domain: str
    shopify_shop_id: int
    name: str
    plan: str | None
    currency: str
    iana_timezone: str


async def ready(pool: Pool) -> None:
    """Return when Postgres answers."""
    await pool.fetchval(SQL["ready"])


@asynccontextmanager
async def door(conn: Connection) -> AsyncIterator[None]:
    """See the few tables that tell whose a thing is, in every tenant."""
    await conn.execute(SQL["enter_door"])
    yield
    await conn.execute(SQL["leave_door"])


async def api_key(conn: Connection, key_id: str) -> ApiKey | None:
    """Return a key by its public part; needs the door."""
    row = await conn.fetchrow(SQL["api_key"], key_id)
    return ApiKey(**row) if row else None


async def touch_api_key(conn: Connection, key_id: str, now: datetime) -> None:
    """Note that a key was used."""
    await conn.execute(SQL["touch_api_key"], key_id, now)


async def insert_tenant(conn: Connection, tenant_id: str, name: str) -> None:
    """Create a tenant."""
    await conn.execute(SQL["insert_tenant"], tenant_id, name)


async def tenant_name(conn: Connection, tenant_id: str) -> str | None:
    """Return a tenant's name, or None when there is no such tenant."""
    name: str | None = await conn.fetchval(SQL["tenant_name"], tenant_id)
    return name


async def revoke_api_key(conn: Connection, key_id: str) -> bool:
    """End a key; return whether it was live."""
    return await conn.fetchval(SQL["revoke_api_key"], key_id) is not None


async def set_tenant_status(conn: Connection, tenant_id: str, status: str) -> bool:
    """Suspend a tenant or let it work again; return whether that changed anything."""
    return await conn.fetchval(SQL["set_tenant_status"], tenant_id, status) is not None


async def store_of_domain(conn: Connection, shop_domain: str) -> tuple[str, int] | None:
    """Return the tenant_id and shop_id of a connected shop; needs the door."""
    row = await conn.fetchrow(SQL["store_of_domain"], shop_domain)
    return (row["tenant_id"], row["shop_id"]) if row else None


async def set_webhook_secret(conn: Connection, shop_id: int, sealed: str | None) -> bool:
    """Store a shop's own webhook secret, None: forget it; return whether it has a token too."""
    return await conn.fetchval(SQL["set_webhook_secret"], shop_id, sealed) is not None


async def insert_api_key(conn: Connection, key: ApiKey, name: str) -> None:
    """Store a key's hash."""
    await conn.execute(
        SQL["insert_api_key"],
        key.tenant_id,
        key.key_id,
        key.secret_hash,
        name,
        list(key.scopes),
        key.expires_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the audit log; *details* may hold no secret."""

    tenant_id: str
    actor: str
    action: str
    target: str
    details: dict[str, object]
    request_id: str | None = None


async def audit(conn: Connection, entry: Entry) -> None:
    """Write who did what."""
    await conn.execute(
        SQL["insert_audit"],
        entry.tenant_id,
        entry.actor,
        entry.action,
        entry.target,
        orjson.dumps(entry.details).decode(),
        entry.request_id,
    )


async def insert_state(conn: Connection, state_hash: bytes, state: OAuthState) -> None:
    """Remember a flow that begins."""
    await conn.execute(
        SQL["insert_state"],
        state.tenant_id,
        state_hash,
        state.shop_domain,
        state.redirect_uri,
        state.browser_hash,
        state.created_by,
        state.expires_at,
    )


async def forget_states(conn: Connection, before: datetime) -> None:
    """Delete this tenant's states that expired before *before*."""
    await conn.execute(SQL["forget_states"], before)


async def oauth_state(conn: Connection, state_hash: bytes) -> OAuthState | None:
    """Return a flow; needs the door."""
    row = await conn.fetchrow(SQL["oauth_state"], state_hash)
    return OAuthState(**row) if row else None


async def bind_state(conn: Connection, state_hash: bytes, browser_hash: bytes) -> bool:
    """Tie a flow to a browser; return False when another one has it, or it is used."""
    return await conn.fetchval(SQL["bind_state"], state_hash, browser_hash) is not None


async def use_state(conn: Connection, state_hash: bytes) -> bool:
    """Mark a state used; return whether it was still unused."""
    return await conn.fetchval(SQL["use_state"], state_hash) is not None


async def lock_domain(conn: Connection, shop_domain: str) -> None:
    """Let one connection of a shop happen at a time, in every tenant."""
    await conn.execute(SQL["lock_domain"], shop_domain)


async def holder_of_domain(conn: Connection, shop_domain: str) -> str | None:
    """Return the tenant that has a shop; needs the door."""
    holder: str | None = await conn.fetchval(SQL["holder_of_domain"], shop_domain)
    return holder


async def save_store(conn: Connection, tenant_id: str, shop: Shop) -> int:
    """Insert a store, or revive the one this tenant had; return its shop_id."""
    facts = (shop.shopify_shop_id, shop.name, shop.plan, shop.currency, shop.iana_timezone)
    shop_id: int | None = await conn.fetchval(SQL["revive_store"], shop.shop_domain, *facts)
    if shop_id is None:
        shop_id = await conn.fetchval(SQL["insert_store"], tenant_id, shop.shop_domain, *facts)
    assert shop_id is not None  # noqa: S101 - RETURNING of an INSERT
    return shop_id


async def save_credentials(
    conn: Connection, tenant_id: str, shop_id: int, grant: NewCredentials
) -> None:
    """Store both tokens of a grant at once, replacing what was there."""
    await conn.execute(
        SQL["save_credentials"],
        tenant_id,
        shop_id,
        grant.grant_type,
        grant.access_token_enc,
        grant.refresh_token_enc,
        list(grant.scopes),
        grant.expires_at,
        grant.refresh_expires_at,
        grant.token_last4,
    )


async def stores(conn: Connection, named: str | None = None) -> list[Store]:
    """Return the tenant's stores, or the one *named* by number or domain."""
    return [Store.model_validate(dict(row)) for row in await conn.fetch(SQL["stores"], named)]


async def token_health(conn: Connection) -> list[TokenHealth]:
    """Return how each store's token is."""
    rows = await conn.fetch(SQL["token_health"])
    return [TokenHealth.model_validate(dict(row)) for row in rows]


async def set_status(conn: Connection, shop_id: int, status: str, reason: str) -> str | None:
    """Change a store's status; return its domain, or None when it is gone already."""
    domain: str | None = await conn.fetchval(SQL["set_status"], shop_id, status, reason)
    return domain


async def leave(
    conn: Connection, shop_id: int, *, status: str, reason: str, at: datetime
) -> str | None:
    """Note that Shopify ended a connection made before *at*; return the domain if it counted."""
    domain: str | None = await conn.fetchval(SQL["leave"], shop_id, status, reason, at)
    return domain


async def rename(conn: Connection, shop_id: int, shop_domain: str, *, at: datetime) -> str | None:
    """Give a store its new domain and remember the old; return that, None when nothing changed."""
    former: str | None = await conn.fetchval(SQL["rename"], shop_id, shop_domain, at)
    return former


async def erase_credentials(conn: Connection, shop_id: int) -> None:
    """Forget a store's tokens."""
    await conn.execute(SQL["erase_credentials"], shop_id)


async def due_for_refresh(conn: Connection, before: datetime) -> list[tuple[str, int]]:
    """Return (tenant_id, shop_id) of tokens that end before *before*; needs the door."""
    return [(row[0], row[1]) for row in await conn.fetch(SQL["due_for_refresh"], before)]


async def lock_shop(conn: Connection, shop_id: int) -> None:
    """Let one refresh of a shop's token happen at a time."""
    await conn.execute(SQL["lock_shop"], shop_id)


async def credentials(conn: Connection, shop_id: int) -> Credentials | None:
    """Return a store's sealed grant."""
    row = await conn.fetchrow(SQL["credentials"], shop_id)
    return Credentials(**row) if row else None
