"""Fixtures of all floors: a migrated database of its own per session, emptied before each test."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from shared.migrate import migrate
from tests import infrastructure

NO_RABBITMQ = "no RabbitMQ: set AMQP_URL, start Docker or install rabbitmq-server"

# What a developer's shell may hold for real services; the two URLs are meant for the tests.
_FOREIGN = ("SHOPIFY_", "JWT_", "TOKEN_", "SENTRY_")
_FOREIGN_NAMES = frozenset({"APP_ENV", "HOST", "PUBLIC_BASE_URL", "TILLSTREAM_HOME"})


def pytest_configure() -> None:
    for name in list(os.environ):
        if name.startswith(_FOREIGN) or name in _FOREIGN_NAMES:
            del os.environ[name]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # By a shell in whose background we run; what we start and interrupt would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _renamed(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


async def _on_server(dsn: str, statement: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder beside pytest's own, which another session of the same user closes to others.

    Embedded Postgres does not run as root, so it must be able to pass through to its data.
    """
    with tempfile.TemporaryDirectory(prefix="till-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    """The URL of a migrated database that belongs to this test session."""
    server = infrastructure.postgres()
    name = f"till_test_{uuid.uuid4().hex[:12]}"
    asyncio.run(_on_server(server, f"CREATE DATABASE {name}"))
    url = _renamed(server, name)
    asyncio.run(migrate(url))
    yield url
    asyncio.run(_on_server(server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection to the emptied database."""
    conn = await asyncpg.connect(dsn)
    await conn.execute("SET session_replication_role = replica")
    tables = await conn.fetch(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
        " WHERE schemaname IN ('accounts', 'bus', 'pacing', 'intake', 'commerce', 'analytics')"
    )
    await conn.execute(";".join(f"DELETE FROM {row['name']}" for row in tables))
    await conn.execute("SET session_replication_role = origin")
    yield conn
    await conn.close()


@pytest.fixture
def amqp_url() -> str:
    """The URL of a real RabbitMQ."""
    url = infrastructure.rabbitmq()
    if url is None:
        pytest.skip(NO_RABBITMQ)
    return url


def pytest_sessionfinish() -> None:
    infrastructure.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if NO_RABBITMQ in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.write_line(
            f"WARNING: {len(skipped)} TESTS DID NOT RUN, {NO_RABBITMQ}", red=True, bold=True
        )
