"""What an operator does from a shell: make a tenant, make a key."""

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
from shared.postgres import (
    Connection,
    Pool,
    close_pool,
    open_pool,
    tenant_transaction,
    translated,
)


def run_command(dsn: str, arguments: Sequence[str]) -> int:
    """Run one command against *dsn*; print what it made and return the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        print(asyncio.run(_run(dsn, asked)))  # noqa: T201 - a key is shown once, here
    except (Rejected, Unavailable) as exc:
        print(f"{asked.command}: {exc}", file=sys.stderr)  # noqa: T201 - a command's answer
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.gateway")
    commands = parser.add_subparsers(dest="command", required=True)
    tenant = commands.add_parser("create-tenant", help="make a tenant and its first admin key")
    tenant.add_argument("name")
    key = commands.add_parser("create-key", help="make an API key for a tenant")
    key.add_argument("tenant_id", type=uuid.UUID)
    key.add_argument("name")
    key.add_argument("--scope", choices=domain.SCOPES, default="read")
    key.add_argument("--days", type=int, help="until the key expires; never, if not given")
    return parser


async def _run(dsn: str, asked: argparse.Namespace) -> str:
    pool = await open_pool(dsn, role="tillstream_gateway", max_size=1)
    try:
        if asked.command == "create-tenant":
            tenant_id, key = await create_tenant(pool, asked.name)
            return f"tenant {tenant_id}\nkey    {key}"
        expires_at = now() + timedelta(days=asked.days) if asked.days else None
        key = await create_key(
            pool, str(asked.tenant_id), name=asked.name, scope=asked.scope, expires_at=expires_at
        )
        return f"key {key}"
    finally:
        await close_pool(pool)


async def create_tenant(pool: Pool, name: str) -> tuple[str, str]:
    """Make a tenant; return its id and its first admin key, which is stored nowhere."""
    tenant_id = str(uuid.uuid4())
    with translated():
        async with tenant_transaction(pool, tenant_id) as conn:
            await accounts.insert_tenant(conn, tenant_id, name)
            key = await _insert_key(conn, tenant_id, name="first key", scope="admin")
            await _note(conn, tenant_id, "tenant.created")
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
            await _note(conn, tenant_id, "key.created")
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


async def _note(conn: Connection, tenant_id: str, action: str) -> None:
    entry = accounts.Entry(
        tenant_id=tenant_id, actor="operator", action=action, target=tenant_id, details={}
    )
    await accounts.audit(conn, entry)
