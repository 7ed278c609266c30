"""Who may write what, as the catalogue of the migrated database says."""

from __future__ import annotations

import uuid

import asyncpg
import pytest

from shared.tables import COLUMNS

OWNED = {
    "tillstream_gateway": "accounts",
    "tillstream_webhooks": "intake",
    "tillstream_syncer": "commerce",
    "tillstream_analytics": "analytics",
}
# Written by somebody else than the owner, on purpose: who, where, and what they may do.
INBOXES = {
    ("tillstream_syncer", "analytics.order_marks"): {"INSERT"},
    ("tillstream_gateway", "commerce.sync_jobs"): {"INSERT", "UPDATE"},
    ("tillstream_gateway", "commerce.replays"): {"INSERT"},
    ("tillstream_gateway", "commerce.domain_events"): {"INSERT"},
    ("tillstream_gateway", "commerce.outgoing_messages"): {"INSERT", "UPDATE"},
    # How an endpoint fares is known to whoever delivers.
    ("tillstream_syncer", "accounts.webhook_endpoints"): {"UPDATE"},
    # Whoever asks Shopify keeps the shop's points; nobody owns them.
    ("tillstream_syncer", "pacing.buckets"): {"INSERT", "UPDATE", "DELETE"},
    ("tillstream_syncer", "pacing.usage_daily"): {"INSERT", "UPDATE", "DELETE"},
    ("tillstream_gateway", "pacing.buckets"): {"INSERT", "UPDATE"},
    ("tillstream_gateway", "pacing.usage_daily"): {"INSERT", "UPDATE"},
}

PRIVILEGES = """
SELECT format('%s.%s', n.nspname, c.relname) AS name, n.nspname AS schema,
       array_agg(p.privilege ORDER BY p.privilege) AS held
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p (privilege)
WHERE c.relkind IN ('r', 'p')
  AND n.nspname IN ('accounts', 'intake', 'commerce', 'analytics', 'pacing')
  AND (
      has_table_privilege($1, c.oid, p.privilege)
      OR p.privilege IN ('INSERT', 'UPDATE') AND has_any_column_privilege($1, c.oid, p.privilege)
  )
GROUP BY n.nspname, c.relname
"""


@pytest.mark.parametrize("role", OWNED)
async def test_a_role_writes_its_own_schema_and_the_declared_inboxes_only(
    db: asyncpg.Connection, role: str
) -> None:
    held = {
        row["name"]: (row["schema"], set(row["held"])) for row in await db.fetch(PRIVILEGES, role)
    }

    elsewhere = {
        name: privileges for name, (schema, privileges) in held.items() if schema != OWNED[role]
    }
    assert OWNED[role] in {schema for schema, _ in held.values()}
    assert elsewhere == {table: what for (who, table), what in INBOXES.items() if who == role}


async def test_tokens_are_read_by_those_who_use_them(db: asyncpg.Connection) -> None:
    readers = {
        role
        for role in (*OWNED, "tillstream_auth")
        if await db.fetchval(
            "SELECT has_any_column_privilege($1, 'accounts.credentials', 'SELECT')", role
        )
    }

    assert readers == {*OWNED, "tillstream_auth"} - {"tillstream_analytics"}


@pytest.mark.parametrize("role", [*OWNED, "tillstream_auth"])
async def test_no_role_is_above_the_rules(db: asyncpg.Connection, role: str) -> None:
    row = await db.fetchrow(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin"
        " FROM pg_roles WHERE rolname = $1",
        role,
    )

    assert row is not None
    assert not any(row.values())


async def test_the_door_across_tenants_writes_nothing(db: asyncpg.Connection) -> None:
    assert await db.fetch(PRIVILEGES, "tillstream_auth") == []


async def test_the_gateway_sees_one_tenant_and_without_one_nobody(
    db: asyncpg.Connection, dsn: str
) -> None:
    tenants = {str(uuid.uuid4()): name for name in ("mine", "theirs")}
    for tenant, name in tenants.items():
        await db.execute(
            "INSERT INTO accounts.tenants (tenant_id, name) VALUES ($1, $2)", tenant, name
        )
    gateway = await asyncpg.connect(dsn, server_settings={"role": "tillstream_gateway"})

    unnamed = await gateway.fetch("SELECT name FROM accounts.tenants")
    await gateway.execute("SELECT set_config('app.tenant_id', $1, false)", next(iter(tenants)))
    named = await gateway.fetch("SELECT name FROM accounts.tenants")

    assert [row["name"] for row in unnamed] == []
    assert [row["name"] for row in named] == ["mine"]
    await gateway.close()


async def test_the_gateway_cannot_switch_row_security_off(db: asyncpg.Connection, dsn: str) -> None:
    await db.execute("INSERT INTO accounts.tenants (name) VALUES ('theirs')")
    gateway = await asyncpg.connect(dsn, server_settings={"role": "tillstream_gateway"})
    await gateway.execute("SET row_security = off")

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await gateway.fetch("SELECT name FROM accounts.tenants")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await gateway.execute("ALTER TABLE accounts.tenants DISABLE ROW LEVEL SECURITY")
    await gateway.close()


async def test_the_loader_adds_rows_of_shopify_s_objects_and_nothing_else(
    db: asyncpg.Connection,
) -> None:
    row = await db.fetchrow(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolcanlogin FROM pg_roles"
        " WHERE rolname = 'tillstream_loader'"
    )
    members = await db.fetch(
        "SELECT member::regrole::text AS name FROM pg_auth_members"
        " WHERE roleid = 'tillstream_loader'::regrole"
    )
    held = {
        row["name"]: (row["schema"], set(row["held"]))
        for row in await db.fetch(PRIVILEGES, "tillstream_loader")
    }
    read = await db.fetchval(
        "SELECT count(*) FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'commerce'::regnamespace"
        " AND has_any_column_privilege('tillstream_loader', oid, 'SELECT')"
    )

    assert row is not None
    assert not any(row.values())
    assert {one["name"] for one in members} <= {"tillstream_syncer", "postgres"}
    assert {f"commerce.{table}" for table in COLUMNS} <= held.keys()
    assert set(map(str, held.values())) == {str(("commerce", {"INSERT"}))}
    assert read == 0
