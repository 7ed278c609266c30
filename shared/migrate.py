"""Forward-only migrations: numbered ``.sql`` files, run once each, in order, under a lock."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import structlog

from shared.errors import Conflict, Rejected, Unavailable
from shared.postgres import PASSING

log = structlog.get_logger()

DIRECTORY = Path(__file__).parent.parent / "deploy" / "migrations"
SCHEMAS = ("accounts", "bus", "pacing", "intake", "commerce", "analytics")

_FILE = re.compile(r"^\d{4}_\w+\.sql$")
_LOCK = 7_415_552  # any number, the same in every replica
_REFUSING = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
_LEDGER = """
CREATE TABLE IF NOT EXISTS public.schema_migrations (
    version text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file: its name within the directory, and its text."""

    version: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(directory: Path = DIRECTORY) -> list[Migration]:
    """List all migrations, schema by schema, in the order they run."""
    return [
        Migration(version=f"{schema}/{path.stem}", sql=path.read_text())
        for schema in SCHEMAS
        for path in sorted((directory / schema).glob("*.sql"))
        if _FILE.match(path.name)
    ]


def pending(known: list[Migration], applied: dict[str, str]) -> list[Migration]:
    """Return what is still to run; raise Conflict when an applied file was changed."""
    for migration in known:
        checksum = applied.get(migration.version)
        if checksum is not None and checksum != migration.checksum:
            raise Conflict(
                f"{migration.version} was changed after it ran; add a new migration instead",
                code="migration_changed",
            )
    return [migration for migration in known if migration.version not in applied]


async def migrate(dsn: str, *, directory: Path = DIRECTORY) -> list[str]:
    """Bring the database up to date; return the versions that ran."""
    try:
        conn = await asyncpg.connect(dsn)
    except (*PASSING, *_REFUSING) as exc:
        raise Unavailable("PostgreSQL does not let us in", code="database_unavailable") from exc
    try:
        return await _migrate(conn, migrations(directory))
    except asyncpg.InsufficientPrivilegeError as exc:
        raise Rejected("the database user may not migrate", code="not_the_owner") from exc
    finally:
        await conn.close()


async def _migrate(conn: asyncpg.Connection[asyncpg.Record], known: list[Migration]) -> list[str]:
    await conn.execute("SELECT pg_advisory_lock($1)", _LOCK)
    await conn.execute(_LEDGER)
    rows = await conn.fetch("SELECT version, checksum FROM public.schema_migrations")
    todo = pending(known, {row["version"]: row["checksum"] for row in rows})
    for migration in todo:
        async with conn.transaction():
            await conn.execute(migration.sql)
            await conn.execute(
                "INSERT INTO public.schema_migrations (version, checksum) VALUES ($1, $2)",
                migration.version,
                migration.checksum,
            )
        log.info("migration applied", version=migration.version)
    return [migration.version for migration in todo]
