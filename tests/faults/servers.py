"""A PostgreSQL and a RabbitMQ that belong to the run, so that they may be killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from services.embedded import EmbeddedPostgres
from shared.migrate import migrate
from tests import infrastructure, private_rabbitmq

_TEMPLATE = "till_template"
_SMALL_DISK = "1g"


class Servers:
    """PostgreSQL as careful as in production, with fsync; *rabbitmq* is None where none is."""

    def __init__(self, folder: Path, rabbitmq: private_rabbitmq.PrivateRabbitMQ | None) -> None:
        self.folder = folder
        self.postgres = EmbeddedPostgres(folder)
        self.rabbitmq = rabbitmq
        self._url = ""

    async def start(self) -> None:
        self._url = await asyncio.to_thread(self.postgres.start)
        await self.on_server(f"CREATE DATABASE {_TEMPLATE}")
        await migrate(self._named(_TEMPLATE))

    @property
    def amqp_url(self) -> str:
        """The private broker's URL, else that of the one that can be found; may be empty."""
        return self.rabbitmq.url if self.rabbitmq else infrastructure.rabbitmq() or ""

    @contextlib.asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """Make a migrated database; it goes with the context."""
        name = f"till_{uuid.uuid4().hex[:8]}"
        await self.on_server(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        yield self._named(name)
        await self.on_server(f"DROP DATABASE {name} WITH (FORCE)")

    async def on_server(self, statement: str) -> None:
        conn = await asyncpg.connect(self._url)
        try:
            await conn.execute(statement)
        finally:
            await conn.close()

    async def kill_postgres(self) -> None:
        """Stop at once, as a crash would: no checkpoint, recovery at the next start."""
        os.kill(self.postgres.pid, signal.SIGQUIT)
        while self.postgres_runs:
            await asyncio.sleep(0.02)

    async def revive_postgres(self) -> None:
        """Start it again if it is down."""
        if not self.postgres_runs:
            await asyncio.to_thread(self.postgres.start)

    @property
    def postgres_runs(self) -> bool:
        server = self.postgres._server
        return server is not None and server.poll() is None

    def _named(self, database: str) -> str:
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))


@contextlib.asynccontextmanager
async def serving(
    broker: private_rabbitmq.PrivateRabbitMQ | None, *, small_disk: bool = False
) -> AsyncIterator[Servers]:
    """Run a PostgreSQL of our own, on a small disk if asked, beside *broker*."""
    folder = Path(tempfile.mkdtemp(prefix="till-"))
    folder.chmod(0o711)
    if small_disk:
        _mount(folder)
    servers = Servers(folder, broker)
    try:
        await servers.start()
        yield servers
    finally:
        await asyncio.to_thread(servers.postgres.stop)
        if small_disk:
            subprocess.run(["umount", str(folder)], check=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def broking() -> AsyncIterator[private_rabbitmq.PrivateRabbitMQ | None]:
    """Run a RabbitMQ of our own, where one is installed."""
    program = private_rabbitmq.program()
    if program is None:
        yield None
        return
    broker = private_rabbitmq.PrivateRabbitMQ(program)
    await asyncio.to_thread(broker.start)
    try:
        yield broker
    finally:
        await asyncio.to_thread(broker.stop)


def can_mount() -> bool:
    """Whether this user may mount a small disk."""
    folder = Path(tempfile.mkdtemp(prefix="till-"))
    try:
        _mount(folder)
        subprocess.run(["umount", str(folder)], check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    finally:
        folder.rmdir()
    return True


def _mount(folder: Path) -> None:
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SMALL_DISK},mode=711", "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
