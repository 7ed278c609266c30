"""Every named query is one that its service may prepare on the migrated database."""

from __future__ import annotations

import re
from pathlib import Path

import asyncpg
import pytest

from shared.postgres import load_queries

ROOT = Path(__file__).parents[2]
# The statements made from them are prepared in syncer/test_sql.py.
TEMPLATES = {
    "services/syncer/store/write.sql",
    "services/syncer/store/privacy_rows.sql",
    "services/syncer/store/compare.sql",
    "services/gateway/store/objects.sql",
}
# Whose queries these are, where the folder does not say.
ROLES = {
    "services": "tillstream_syncer",
    "shared": "tillstream_gateway",
    "shared.bus": "tillstream_webhooks",
    "shared.shopify": "tillstream_syncer",
}
# What a session makes for itself before it asks the rest.
TEMPORARY = re.compile(r"\bCREATE TEMP", re.IGNORECASE)


def sql_files() -> list[Path]:
    return sorted(
        path
        for folder in ("services", "shared")
        for path in (ROOT / folder).rglob("*.sql")
        if str(path.relative_to(ROOT)) not in TEMPLATES
    )


def role_of(path: Path) -> str:
    return ROLES.get(package_of(path)) or f"tillstream_{path.relative_to(ROOT).parts[1]}"


def package_of(path: Path) -> str:
    return ".".join(path.parent.relative_to(ROOT).parts)


def temporary_tables(role: str) -> list[str]:
    return [
        text
        for path in sql_files()
        if role_of(path) == role
        for text in load_queries(package_of(path), path.name).values()
        if TEMPORARY.search(text)
    ]


async def refusals(conn: asyncpg.Connection, queries: dict[str, str]) -> dict[str, str]:
    """What the server says about each query that it will not prepare."""
    refused = {}
    for name, text in queries.items():
        try:
            async with conn.transaction():
                await conn.prepare(text)
        except asyncpg.PostgresError as exc:
            refused[name] = str(exc)
    return refused


def test_every_service_has_queries_to_prepare() -> None:
    assert {role_of(path) for path in sql_files()} == {
        "tillstream_gateway",
        "tillstream_webhooks",
        "tillstream_syncer",
        "tillstream_analytics",
    }


@pytest.mark.parametrize("path", sql_files(), ids=lambda path: str(path.relative_to(ROOT)))
async def test_every_query_is_prepared_under_its_services_role(dsn: str, path: Path) -> None:
    queries = load_queries(package_of(path), path.name)
    conn = await asyncpg.connect(dsn, server_settings={"role": role_of(path)})
    session = conn.transaction()
    await session.start()
    try:
        for text in temporary_tables(role_of(path)):
            await conn.execute(text)
        rest = {name: text for name, text in queries.items() if not TEMPORARY.search(text)}

        assert queries
        assert await refusals(conn, rest) == {}
    finally:
        await session.rollback()
        await conn.close()


async def test_a_query_of_a_missing_table_is_refused(dsn: str) -> None:
    conn = await asyncpg.connect(dsn)

    refused = await refusals(conn, {"good": "SELECT 1", "bad": "SELECT 1 FROM nowhere"})

    assert refused == {"bad": 'relation "nowhere" does not exist'}
    await conn.close()
