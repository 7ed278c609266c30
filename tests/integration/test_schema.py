"""What the catalogue of the migrated database must say."""

from __future__ import annotations

import asyncpg

OURS = ("accounts", "intake", "commerce", "analytics")

UNPROTECTED = """
SELECT format('%s.%s', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY ($1)
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
      SELECT FROM pg_policies p
      WHERE p.schemaname = n.nspname AND p.tablename = c.relname AND p.policyname = 'tenant'))
"""

KEYS = """
SELECT format('%s.%s', n.nspname, c.relname) AS name,
       array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum)) AS columns
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
WHERE i.indisprimary AND n.nspname = ANY ($1)
GROUP BY n.nspname, c.relname
"""


async def test_every_table_is_protected_by_row_level_security(db: asyncpg.Connection) -> None:
    assert await db.fetch(UNPROTECTED, list(OURS)) == []


async def test_every_key_starts_with_the_tenant(db: asyncpg.Connection) -> None:
    keys = {row["name"]: row["columns"] for row in await db.fetch(KEYS, list(OURS))}

    assert len(keys) > 25
    assert {name for name, columns in keys.items() if columns[0] != "tenant_id"} == set()
    outside_accounts = {name: c for name, c in keys.items() if not name.startswith("accounts.")}
    assert {name for name, c in outside_accounts.items() if c[1] != "shop_id"} == set()
