"""Where the tests find a real Postgres and a real RabbitMQ.

In this order: the environment's URLs, containers, servers on localhost, private servers started
for this run. What was started is stopped by ``close``.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import getpass
import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import aio_pika
import asyncpg

from services.embedded import EmbeddedPostgres
from shared.errors import Rejected, Unavailable
from tests import private_rabbitmq

POSTGRES_IMAGE = "postgres:17-alpine"
RABBITMQ_IMAGE = "rabbitmq:4.1-alpine"
NEWEST_RABBITMQ_IMAGE = os.environ.get("TILLSTREAM_NEWEST_RABBITMQ", "rabbitmq:4-alpine")


def nothing() -> None:
    """Stop what needs no stopping."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that answers: its URL, how it was found, how to let go of it."""

    url: str
    how: str
    stop: Callable[[], None] = nothing


Finder = Callable[[], Server | None]
_open = contextlib.ExitStack()


def first(finders: Iterable[Finder]) -> Server | None:
    """Return the first server that a finder finds; the others are not tried."""
    return next((server for find in finders if (server := find())), None)


@functools.cache
def postgres() -> str:
    """Return the URL of a Postgres where databases may be made."""
    server = first(postgres_finders(os.environ.get("DATABASE_URL", "")))
    if server is None:
        raise RuntimeError("no Postgres: set DATABASE_URL, start Docker or a server on localhost")
    return _kept(server)


@functools.cache
def rabbitmq() -> str | None:
    """Return the URL of a RabbitMQ, None when this machine has none."""
    server = first(rabbitmq_finders(os.environ.get("AMQP_URL", "")))
    if server is None and os.environ.get("TILLSTREAM_REQUIRE_RABBITMQ"):
        raise RuntimeError("no RabbitMQ, and TILLSTREAM_REQUIRE_RABBITMQ is set")
    return _kept(server) if server else None


@functools.cache
def newest_rabbitmq() -> str | None:
    """Return the URL of the newest RabbitMQ, None when Docker does not get it."""
    server = in_docker(NEWEST_RABBITMQ_IMAGE, 5672, rabbitmq_container_url)
    return _kept(server) if server else None


def close() -> None:
    """Stop the servers that were started."""
    _open.close()
    postgres.cache_clear()
    rabbitmq.cache_clear()
    newest_rabbitmq.cache_clear()


def _kept(server: Server) -> str:
    _open.callback(server.stop)
    print(f"using {server.how}")
    return server.url


def postgres_finders(said: str) -> Iterator[Finder]:
    """Yield the ways to a Postgres, best first."""
    if said:
        yield lambda: Server(url=said, how="Postgres of DATABASE_URL")
        return
    yield functools.partial(in_docker, POSTGRES_IMAGE, 5432, postgres_container_url)
    for url in local_postgres_urls():
        yield functools.partial(if_answering, url, postgres_answers, "Postgres on localhost")
    yield embedded_postgres


def rabbitmq_finders(said: str) -> Iterator[Finder]:
    """Yield the ways to a RabbitMQ, best first."""
    if said:
        yield lambda: Server(url=said, how="RabbitMQ of AMQP_URL")
        return
    yield functools.partial(in_docker, RABBITMQ_IMAGE, 5672, rabbitmq_container_url)
    local = "amqp://guest:guest@127.0.0.1:5672/"
    yield functools.partial(if_answering, local, rabbitmq_answers, "RabbitMQ on localhost")
    yield private_rabbitmq_server


def if_answering(url: str, answers: Callable[[str], bool], how: str) -> Server | None:
    """Return the server at *url* when it lets us in."""
    return Server(url=url, how=how) if answers(url) else None


def local_postgres_urls() -> Iterator[str]:
    """Yield the usual addresses of a development server."""
    for user in dict.fromkeys(("postgres", getpass.getuser())):
        yield f"postgresql://{user}@127.0.0.1:5432/postgres"
        yield f"postgresql://{user}@/postgres?host=/var/run/postgresql"


def postgres_answers(url: str) -> bool:
    """Return whether *url* lets us make databases and roles."""

    async def ask() -> bool:
        conn = await asyncpg.connect(url, timeout=3)
        try:
            return await conn.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        finally:
            await conn.close()

    try:
        return asyncio.run(ask())
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


def rabbitmq_answers(url: str) -> bool:
    """Return whether a RabbitMQ at *url* lets us in."""

    async def ask() -> None:
        await (await aio_pika.connect(url, timeout=3)).close()

    try:
        asyncio.run(ask())
    except (OSError, TimeoutError, aio_pika.exceptions.AMQPError):
        return False
    return True


def embedded_postgres() -> Server | None:
    """Start Postgres out of its wheel, on a directory that goes when it stops."""
    directory = Path(tempfile.mkdtemp(prefix="till-postgres-"))
    directory.chmod(0o711)
    try:
        server = EmbeddedPostgres(directory, throwaway=True)
        url = server.start()
    except (Rejected, Unavailable):
        shutil.rmtree(directory)
        return None

    def stop() -> None:
        server.stop()
        shutil.rmtree(directory)

    return Server(url=url, how="embedded Postgres", stop=stop)


def private_rabbitmq_server() -> Server | None:
    """Start the ``rabbitmq-server`` that is installed, if one is."""
    program = private_rabbitmq.program()
    if program is None:
        return None
    server = private_rabbitmq.PrivateRabbitMQ(program)
    return Server(url=server.start(), how=f"a private {program}", stop=server.stop)


def postgres_container_url(host: str, port: int) -> str:
    return f"postgresql://postgres@{host}:{port}/postgres"


def rabbitmq_container_url(host: str, port: int) -> str:
    return f"amqp://guest:guest@{host}:{port}/"


def in_docker(image: str, port: int, url_at: Callable[[str, int], str]) -> Server | None:
    """Start *image* in a container, if an engine answers and has or gets the image."""
    if not docker_answers():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from docker.errors import DockerException
        from testcontainers.core.container import DockerContainer

        container = DockerContainer(image).with_exposed_ports(port)
        container.with_env("POSTGRES_HOST_AUTH_METHOD", "trust")
        container.with_env("POSTGRES_PASSWORD", "unused-under-trust")
        try:
            container.start()
        except (DockerException, OSError) as exc:
            print(f"{image} does not start in Docker: {exc}")
            return None
        url = url_at(container.get_container_host_ip(), int(container.get_exposed_port(port)))
    answers = postgres_answers if url.startswith("postgres") else rabbitmq_answers
    if not until(lambda: answers(url), seconds=90):
        container.stop()
        return None
    return Server(url=url, how=f"{image} in Docker", stop=container.stop)


def until(true: Callable[[], bool], *, seconds: float) -> bool:
    """Wait for *true* to hold."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def docker_answers() -> bool:
    """Return whether a Docker engine is there and wanted."""
    if os.environ.get("TILLSTREAM_TEST_DOCKER") == "never" or not shutil.which("docker"):
        return False
    with contextlib.suppress(subprocess.SubprocessError):
        return subprocess.run(["docker", "info"], capture_output=True, timeout=10).returncode == 0
    return False
