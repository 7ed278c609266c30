"""One machine that runs everything: Postgres, the four services and, for the demo, a Shopify."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp

from services.embedded import EmbeddedPostgres
from services.home import Access, Home, Secrets
from services.processes import Processes
from services.settings import MachineSettings, environment_with
from shared.bus.rabbitmq import RabbitBus
from shared.errors import Rejected, Unavailable
from shared.migrate import migrate

SERVICES = ("gateway", "webhooks", "syncer", "analytics")
_READY_SECONDS = 60
_API_KEY = re.compile(r"till_\w+")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What runs, for those who drive it."""

    settings: MachineSettings
    home: Home
    secrets: Secrets
    database_url: str
    environment: dict[str, str]
    processes: Processes

    async def alongside(self, work: Awaitable[Answer]) -> Answer:
        """Return what *work* returns; raise Unavailable at once when a child ends meanwhile."""
        watch = asyncio.ensure_future(self.processes.watch())
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((watch, task), return_when=asyncio.FIRST_COMPLETED)
            if watch.done():
                watch.result()
            return task.result()
        finally:
            watch.cancel()
            task.cancel()
            await asyncio.gather(watch, task, return_exceptions=True)

    async def run(self, module: str, *arguments: str) -> tuple[int, str]:
        """Run *module* to its end; return its status and what it printed."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *arguments),
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode(errors="replace").strip()

    async def access(self) -> Access:
        """Return the first tenant's API key, making both on the first call."""
        database = without_password(self.database_url)
        if access := self.home.access(database):
            return access
        _, said = await self.run("services.gateway", "create-tenant", "First tenant")
        tenant, key = _UUID.search(said), _API_KEY.search(said)
        if tenant is None or key is None:
            raise Unavailable(f"no tenant could be made: {said[-400:]}")
        access = Access(tenant_id=tenant[0], api_key=key[0], database=database)
        self.home.keep_access(access)
        return access


@contextlib.asynccontextmanager
async def running(
    settings: MachineSettings,
    *,
    simulator: Callable[[Home], Sequence[str]] | None = None,
    say: Callable[[str], None],
) -> AsyncIterator[Machine]:
    """Start everything, yield when all of it is ready, and stop everything.

    *simulator* returns the command of a Shopify to run beside the services. Raises Rejected or
    Unavailable with one readable line when something is in the way.
    """
    names = (*SERVICES, *(("simulator",) if simulator else ()))
    home = Home(settings.tillstream_home)
    with home.claimed():
        _require_free_ports(settings, names)
        async with _postgres(settings, home) as (database_url, server_pid):
            say(f"PostgreSQL is up ({'DATABASE_URL' if settings.database_url else 'embedded'})")
            if applied := await _migrated(database_url, settings):
                say(f"{len(applied)} migrations applied")
            if settings.amqp_url:
                await _require_broker(settings.amqp_url)
            machine = Machine(
                settings=settings,
                home=home,
                secrets=home.secrets(),
                database_url=database_url,
                environment=_environment(settings, home.secrets(), database_url, bool(simulator)),
                processes=Processes(home.logs, server_pid=server_pid),
            )
            try:
                await _start(machine, simulator(home) if simulator else ())
                await machine.alongside(_all_ready(settings, names))
                say(f"ready: {', '.join(names)}; logs in {home.logs}")
                yield machine
            finally:
                await asyncio.shield(machine.processes.stop())


async def _start(machine: Machine, simulator: Sequence[str]) -> None:
    if simulator:
        await machine.processes.start("simulator", simulator, environment=machine.environment)
    for name in SERVICES:
        command = (sys.executable, "-m", f"services.{name}")
        await machine.processes.start(name, command, environment=machine.environment)


def _environment(
    settings: MachineSettings, secrets: Secrets, database_url: str, simulated: bool
) -> dict[str, str]:
    """Return what the services are told; Shopify's side may come from our own environment."""
    told = {
        "DATABASE_URL": database_url,
        "AMQP_URL": settings.amqp_url,
        "APP_ENV": "development",
        "HOST": settings.host,
        "PUBLIC_BASE_URL": settings.public_base_url or settings.url_of("gateway"),
        "SHOPIFY_ENCRYPTION_KEY": settings.shopify_encryption_key or secrets.encryption_key,
        "JWT_SECRET": settings.jwt_secret or secrets.jwt_secret,
        "SHOPIFY_CLIENT_SECRET": settings.shopify_client_secret or secrets.client_secret,
        **{f"{name.upper()}_PORT": str(settings.port_of(name)) for name in SERVICES},
    }
    if simulated:
        told |= {
            "PUBLIC_BASE_URL": settings.url_of("gateway"),
            "SHOPIFY_CLIENT_ID": "demo-app",
            "SHOPIFY_CLIENT_SECRET": secrets.client_secret,
            "SHOPIFY_BASE_URL": settings.url_of("simulator") + "/shops/{shop}",
            "SHOPIFY_WEBHOOK_URL": settings.url_of("webhooks") + "/api/v1/shopify/webhooks",
        }
    return environment_with(told)


@contextlib.asynccontextmanager
async def _postgres(settings: MachineSettings, home: Home) -> AsyncIterator[tuple[str, int]]:
    if settings.database_url:
        yield settings.database_url, 0
        return
    server = EmbeddedPostgres(home.path)
    await asyncio.to_thread(server.start)
    try:
        yield server.url, server.pid
    finally:
        await asyncio.shield(asyncio.to_thread(server.stop))


async def _migrated(database_url: str, settings: MachineSettings) -> list[str]:
    try:
        return await migrate(database_url)
    except (Rejected, Unavailable) as exc:
        if not settings.database_url:
            raise
        raise _about("DATABASE_URL", database_url, exc) from exc


async def _require_broker(amqp_url: str) -> None:
    bus = RabbitBus(amqp_url)
    try:
        await bus.connect()
    except (Rejected, Unavailable) as exc:
        raise _about("AMQP_URL", amqp_url, exc) from exc
    finally:
        await bus.close()


def _about(name: str, url: str, exc: Exception) -> Unavailable:
    reason = f"{exc} ({exc.__cause__})" if exc.__cause__ else str(exc)
    return Unavailable(f"{name} {without_password(url)}: {reason}")


def without_password(url: str) -> str:
    """Return *url* fit for a terminal."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _require_free_ports(settings: MachineSettings, names: Sequence[str]) -> None:
    for name in names:
        port = settings.port_of(name)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, port))
            except OSError as exc:
                raise Rejected(
                    f"port {port} for {name} is taken ({exc.strerror}); "
                    f"free it or choose another with {name.upper()}_PORT=…",
                    code="port_taken",
                ) from exc


async def _all_ready(settings: MachineSettings, names: Sequence[str]) -> None:
    async with aiohttp.ClientSession() as session:
        for name in names:
            path = "/_sim/stats" if name == "simulator" else "/readyz"
            await _ready(session, name, settings.url_of(name) + path)


async def _ready(session: aiohttp.ClientSession, name: str, url: str) -> None:
    said = "nothing"
    for _ in range(_READY_SECONDS * 10):
        with contextlib.suppress(aiohttp.ClientConnectionError, TimeoutError):
            async with session.get(url, timeout=aiohttp.ClientTimeout(total=5)) as answer:
                if answer.ok:
                    return
                said = f"{answer.status} {(await answer.text())[:200]}"
        await asyncio.sleep(0.1)
    raise Unavailable(f"{name} was not ready in {_READY_SECONDS} s; {url} said {said}")
