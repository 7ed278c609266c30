"""The connection pool, tenant transactions, and SQL kept in .sql files."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from importlib import resources
from types import MappingProxyType
from typing import TypeAlias

import asyncpg
from aiohttp import web
from asyncpg.pool import PoolConnectionProxy

from shared.errors import Rejected, Unavailable

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Record: TypeAlias = asyncpg.Record

POOL = web.AppKey("POOL", asyncpg.Pool)

# A process that is frozen in a transaction keeps its locks from everybody else for so long at most,
# well within a lease on the bus.
_IDLE_SECONDS = "10s"
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
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
    asyncpg.IdleInTransactionSessionTimeoutError,
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
    # As a name that is longer than an index can hold.
    asyncpg.ProgramLimitExceededError,
)


# What says that the server answers and this URL or this user is wrong.
_SHUT = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
# What says that migrations have not made what we ask for. A role that is not there is called an
# invalid value.
_UNMADE = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.InvalidParameterValueError,
)

# What says that a row with this key is there already.
TAKEN = asyncpg.UniqueViolationError


def load_queries(package: str, file: str = "store.sql") -> dict[str, str]:
    """Read *file* of *package*: each query follows a ``-- name:`` line."""
    text = (resources.files(package) / file).read_text()
    _, *parts = _NAME.split(text)
    return dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))


async def open_pool(
    dsn: str,
    *,
    role: str,
    min_size: int = 1,
    max_size: int = 10,
    own: Mapping[str, str] = _NO_SETTINGS,
    answers_within: float | None = None,
) -> Pool:
    """Open a pool whose connections act as *role*, so that grants and row security hold.

    *own* are settings of ours that SQL asks for by ``current_setting``. *answers_within* bounds in
    seconds each statement that is given no timeout of its own; also the end of one that was
    cancelled, for which a connection otherwise waits as long as the server is mute.

    Raises Unavailable when the server does not answer or does not let us in, Rejected when *dsn*
    is no URL of it or the database was not migrated.
    """
    settings = {
        "role": role,
        "application_name": role,
        "timezone": "UTC",
        "idle_in_transaction_session_timeout": _IDLE_SECONDS,
        **own,
    }
    try:
        with migrated():
            return await asyncpg.create_pool(
                dsn,
                min_size=min_size,
                max_size=max_size,
                server_settings=settings,
                command_timeout=answers_within,
            )
    except _SHUT as exc:
        message = f"PostgreSQL does not let us in: {exc}"
        raise Unavailable(message, code="database_unavailable") from exc
    except ValueError:
        # Its message may quote a part of the password.
        message = "DATABASE_URL must read postgresql://user:password@host:port/name"
        raise Rejected(message) from None
    except PASSING as exc:
        raise Unavailable("PostgreSQL does not answer", code="database_unavailable") from exc


def pool_of(
    dsn: str,
    *,
    role: str,
    min_size: int = 1,
    max_size: int = 10,
    own: Mapping[str, str] = _NO_SETTINGS,
    answers_within: float | None = None,
) -> Callable[[web.Application], AsyncIterator[None]]:
    """Return a ``cleanup_ctx`` that keeps ``app[POOL]`` open; see open_pool."""

    async def pool(app: web.Application) -> AsyncIterator[None]:
        app[POOL] = await open_pool(
            dsn,
            role=role,
            min_size=min_size,
            max_size=max_size,
            own=own,
            answers_within=answers_within,
        )
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


def said(error: BaseException) -> str:
    """Return what *error* is, to be kept and shown.

    Of PostgreSQL's only the kind and the place: message and detail quote values of the row.
    """
    kind = type(error).__name__
    if not isinstance(error, asyncpg.PostgresError):
        return f"{kind}: {error}"
    place = ".".join(filter(None, (error.schema_name, error.table_name, error.column_name)))
    parts = (kind, error.sqlstate, place and f"in {place}", error.constraint_name)
    return " ".join(part for part in parts if part)


@contextlib.contextmanager
def migrated() -> Iterator[None]:
    """Turn errors that tell of missing migrations into Rejected."""
    try:
        yield
    except _UNMADE as exc:
        message = "the database is not up to date: run python -m services migrate"
        raise Rejected(message, code="not_migrated") from exc


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn driver errors that may pass into Unavailable."""
    try:
        yield
    except PASSING as exc:
        raise Unavailable("PostgreSQL is not available", code="database_unavailable") from exc
