"""The connection pool, tenant transactions, and SQL kept in .sql files."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import resources
from typing import TypeAlias

import asyncpg
from aiohttp import web
from asyncpg.pool import PoolConnectionProxy

from shared.errors import Unavailable

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Record: TypeAlias = asyncpg.Record

POOL = web.AppKey("POOL", asyncpg.Pool)

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_SET_TENANT = "SELECT set_config('app.tenant_id', $1, true)"

# What says that the server is away or that this attempt lost a race, not that the SQL is wrong.
PASSING = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.DiskFullError,
    asyncpg.exceptions.OutOfMemoryError,
    # The server that was our primary is a replica since.
    asyncpg.ReadOnlySQLTransactionError,
    # A connection cut in the middle of its release is in a state the driver does not expect.
    asyncpg.InternalClientError,
)

# What says that the server understood the statement and will never accept these values.
REFUSED = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.CardinalityViolationError,
)


def load_queries(package: str, file: str = "store.sql") -> dict[str, str]:
    """Read *file* of *package*: each query follows a ``-- name:`` line."""
    text = (resources.files(package) / file).read_text()
    _, *parts = _NAME.split(text)
    return dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))


async def open_pool(dsn: str, *, role: str, min_size: int = 1, max_size: int = 10) -> Pool:
    """Open a pool whose connections act as *role*, so that grants and row security hold.

    Raises Unavailable when the server does not answer.
    """
    try:
        return await asyncpg.create_pool(
            dsn,
            min_size=min_size,
            max_size=max_size,
            server_settings={"role": role, "application_name": role, "timezone": "UTC"},
        )
    except PASSING as exc:
        raise Unavailable("PostgreSQL does not answer", code="database_unavailable") from exc


def pool_of(
    dsn: str, *, role: str, min_size: int = 1, max_size: int = 10
) -> Callable[[web.Application], AsyncIterator[None]]:
    """Return a ``cleanup_ctx`` that keeps ``app[POOL]`` open."""

    async def pool(app: web.Application) -> AsyncIterator[None]:
        app[POOL] = await open_pool(dsn, role=role, min_size=min_size, max_size=max_size)
        yield
        await close_pool(app[POOL])

    return pool


async def close_pool(pool: Pool) -> None:
    """Close *pool*; a connection that will not come back within 5 s is cut off."""
    try:
        async with asyncio.timeout(5):
            await pool.close()
    except TimeoutError:
        pool.terminate()


@contextlib.asynccontextmanager
async def tenant_transaction(pool: Pool, tenant_id: str) -> AsyncIterator[Connection]:
    """Open a transaction in which only *tenant_id*'s rows exist."""
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute(_SET_TENANT, tenant_id)
        yield conn


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn driver errors that may pass into Unavailable."""
    try:
        yield
    except PASSING as exc:
        raise Unavailable("PostgreSQL is not available", code="database_unavailable") from exc
