"""What an operator does from a shell: tenants, keys, a shop's own webhook secret."""

from __future__ import annotations

import argparse
import asyncio
import sys
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.gateway import domain
from services.gateway.store import accounts
from shared.clock import now
from shared.errors import NotFound, Rejected, Unavailable
from shared.keyring import KeyRing
from shared.postgres import (
    Connection,
    Pool,
    close_pool,
    open_pool,
    tenant_transaction,
    translated,
)
from shared.shopify.admin_api import shop_domain


def run_command(dsn: str, ring: KeyRing, asked: argparse.Namespace) -> int:
    """Run the command *asked* for against *dsn*; print what it did and return the exit status."""
    try:
        print(asyncio.run(_run(dsn, ring, asked)))  # noqa: T201 - a key is shown once, here
    except (Rejected, Unavailable) as exc:
        print(f"{asked.command}: {exc}", file=sys.stderr)  # noqa: T201 - a command's answer
        return 1
    return 0


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; ``--help`` and mistakes end the process as argparse does."""
    parser = argparse.ArgumentParser(prog="python -m services.gateway", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("serve", help="answer the API (the default)")
    tenant = commands.add_parser("create-tenant", help="make a tenant and its first admin key")
    tenant.add_argument("name")
    key = commands.add_parser("create-key", help="make an API key for a tenant")
    key.add_argument("tenant_id", type=uuid.UUID)
    key.add_argument("name")
    key.add_argument("--scope", choices=domain.SCOPES, default="read")
    key.add_argument("--days", type=int, help="until the key expires; never, if not given")
    revoked = commands.add_parser("revoke-key", help="end an API key at once")
    revoked.add_argument("key", help="the key, or its first two parts: till_0123456789ab")
    for command, text in (
        ("suspend-tenant", "refuse a tenant's keys and OAuth flows; its data stays and syncs"),
        ("resume-tenant", "accept them again"),
    ):
        commands.add_parser(command, help=text).add_argument("tenant_id", type=uuid.UUID)
    secret = commands.add_parser(
        "set-webhook-secret",
        help="keep the secret that signs the webhooks made by hand in one shop's admin",
    )
    secret.add_argument("shop_domain", type=shop_domain, help="the secret is read from stdin")
    return parser.parse_args(arguments)


async def _run(dsn: str, ring: KeyRing, asked: argparse.Namespace) -> str:
    pool = await open_pool(dsn, role="tillstream_gateway", max_size=1)
    try:
        match asked.command:
            case "create-tenant":
                tenant_id, key = await create_tenant(pool, asked.name)
                return f"tenant {tenant_id}\nkey    {key}"
            case "create-key":
                return f"key {await _created(pool, asked)}"
            case "revoke-key":
                return await revoke_key(pool, asked.key)
            case "set-webhook-secret":
                secret = sys.stdin.readline().strip()
                return await set_webhook_secret(pool, ring, asked.shop_domain, secret=secret)
            case _:
                status = "suspended" if asked.command == "suspend-tenant" else "active"
                return await set_tenant_status(pool, str(asked.tenant_id), status)
    finally:
        await close_pool(pool)


async def _created(pool: Pool, asked: argparse.Namespace) -> str:
    return await create_key(
        pool,
        str(asked.tenant_id),
        name=asked.name,
        scope=asked.scope,
        expires_at=now() + timedelta(days=asked.days) if asked.days else None,
    )


async def revoke_key(pool: Pool, key: str) -> str:
    """End *key*, given whole or by its id; raise NotFound when there is no such live key."""
    key_id = key.removeprefix("till_").partition("_")[0]
    with translated():
        async with pool.acquire() as free, free.transaction(), accounts.door(free):
            found = await accounts.api_key(free, key_id)
        if found is None:
            raise NotFound("no such key")
        async with tenant_transaction(pool, found.tenant_id) as conn:
            if not await accounts.revoke_api_key(conn, key_id):
                raise NotFound("the key is revoked already")
            await _note(conn, found.tenant_id, "key.revoked", domain.public_part(key_id))
    return f"key till_{key_id} of tenant {found.tenant_id} is revoked"


async def set_tenant_status(pool: Pool, tenant_id: str, status: str) -> str:
    """Suspend a tenant or resume it; raise NotFound when there is no such tenant."""
    with translated():
        async with tenant_transaction(pool, tenant_id) as conn:
            if await accounts.tenant_name(conn, tenant_id) is None:
                raise NotFound("no such tenant")
            if await accounts.set_tenant_status(conn, tenant_id, status):
                await _note(conn, tenant_id, f"tenant.{status}", tenant_id)
    return f"tenant {tenant_id} is {status}"


async def set_webhook_secret(pool: Pool, ring: KeyRing, shop: str, *, secret: str) -> str:
    """Keep *secret*, sealed, for deliveries of *shop* alone; raise NotFound without a token."""
    if not secret:
        raise Rejected("the secret on standard input is empty")
    with translated():
        async with pool.acquire() as free, free.transaction(), accounts.door(free):
            found = await accounts.store_of_domain(free, shop)
        if found is None:
            raise NotFound("no such store")
        tenant_id, shop_id = found
        sealed = ring.seal(secret, tenant_id=tenant_id, shop_id=shop_id, purpose="webhook_secret")
        async with tenant_transaction(pool, tenant_id) as conn:
            if not await accounts.set_webhook_secret(conn, shop_id, sealed):
                raise NotFound("the store has no token; connect it first")
            await _note(conn, tenant_id, "store.webhook_secret_set", shop, shop_id=shop_id)
    return f"deliveries of {shop} may be signed with this secret"


async def create_tenant(pool: Pool, name: str) -> tuple[str, str]:
    """Make a tenant; return its id and its first admin key, which is stored nowhere."""
    tenant_id = str(uuid.uuid4())
    with translated():
        async with tenant_transaction(pool, tenant_id) as conn:
            await accounts.insert_tenant(conn, tenant_id, name)
            key = await _insert_key(conn, tenant_id, name="first key", scope="admin")
            await _note(conn, tenant_id, "tenant.created", tenant_id, key=_public(key))
    return tenant_id, key


async def create_key(
    pool: Pool, tenant_id: str, *, name: str, scope: domain.Scope, expires_at: datetime | None
) -> str:
    """Make a key for a tenant and return it; raise NotFound when there is no such tenant."""
    with translated():
        async with tenant_transaction(pool, tenant_id) as conn:
            if await accounts.tenant_name(conn, tenant_id) is None:
                raise NotFound("no such tenant")
            key = await _insert_key(conn, tenant_id, name=name, scope=scope, expires_at=expires_at)
            await _note(conn, tenant_id, "key.created", _public(key), name=name, scope=scope)
    return key


async def _insert_key(
    conn: Connection,
    tenant_id: str,
    *,
    name: str,
    scope: domain.Scope,
    expires_at: datetime | None = None,
) -> str:
    text, key_id, secret_hash = domain.new_api_key()
    key = domain.ApiKey(
        tenant_id=tenant_id,
        key_id=key_id,
        secret_hash=secret_hash,
        scopes=(scope,),
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
        tenant_status="active",
    )
    await accounts.insert_api_key(conn, key, name)
    return text


def _public(key: str) -> str:
    return key.rpartition("_")[0]


async def _note(
    conn: Connection, tenant_id: str, action: str, target: str, **details: object
) -> None:
    entry = accounts.Entry(
        tenant_id=tenant_id, actor="operator", action=action, target=target, details=details
    )
    await accounts.audit(conn, entry)
