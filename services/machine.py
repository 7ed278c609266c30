"""One machine that runs everything: Postgres, the four services and, for the demo, a Shopify."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import aiohttp

from services import tenancy
from services.database import about, migrated
from services.embedded import EmbeddedPostgres
from services.home import Access, Home, Secrets
from services.processes import Processes
from services.settings import MachineSettings, environment_with
from shared.bus.rabbitmq import RabbitBus
from shared.errors import Rejected, Unavailable

SERVICES = ("gateway", "webhooks", "syncer", "analytics")
_READY_SECONDS = 60

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

    async def access(self) -> Access:
        """Return the first tenant's API key, making both on the first call."""
        return await tenancy.access(self.home, self.environment, self.database_url)


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
        async with _postgres(settings, home, say) as (database_url, server_pid):
            where = "DATABASE_URL" if settings.database_url else "embedded"
            applied = await migrated(database_url, name=where)
            say(f"PostgreSQL is up ({where}), {len(applied)} migrations applied")
            if not settings.database_url:
                say(f"for the command line: export DATABASE_URL='{database_url}'")
            if settings.amqp_url:
                await _require_broker(settings.amqp_url)
            machine = Machine(
                settings=settings,
                home=home,
                secrets=home.secrets(),
                database_url=database_url,
                environment=environment_of(
                    settings, home.secrets(), database_url, simulated=bool(simulator)
                ),
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


def environment_of(
    settings: MachineSettings, secrets: Secrets, database_url: str, *, simulated: bool
) -> dict[str, str]:
    """Return what the services are told; Shopify's side may come from our own environment."""
    told = {
        "DATABASE_URL": database_url,
        "AMQP_URL": settings.amqp_url,
        "APP_ENV": "development" if simulated else settings.app_env,
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
            "SIMULATOR_CLIENT_SECRET": secrets.client_secret,
            "SHOPIFY_SCOPES": settings.demo_scopes,
            "SHOPIFY_BASE_URL": settings.url_of("simulator") + "/shops/{shop}",
            "SHOPIFY_WEBHOOK_URL": settings.url_of("webhooks") + "/api/v1/shopify/webhooks",
        }
    return environment_with(told, simulated=simulated)


@contextlib.asynccontextmanager
async def _postgres(
    settings: MachineSettings, home: Home, say: Callable[[str], None]
) -> AsyncIterator[tuple[str, int]]:
    if settings.database_url:
        yield settings.database_url, 0
        return
    server = EmbeddedPostgres(home.path)
    starting = asyncio.ensure_future(asyncio.to_thread(server.start))
    try:
        await asyncio.shield(starting)
        for folder in server.opened:
            say(f"{folder} may now be passed through (chmod o+x): PostgreSQL never runs as root")
        yield server.url, server.pid
    finally:
        # A thread cannot be cancelled: whoever gives up waits for it, or a server stays behind.
        await asyncio.wait([starting])
        await asyncio.shield(asyncio.to_thread(server.stop))


async def _require_broker(amqp_url: str) -> None:
    bus = RabbitBus(amqp_url)
    try:
        await bus.connect()
    except (Rejected, Unavailable) as exc:
        raise about("AMQP_URL", amqp_url, exc) from exc
    finally:
        await bus.close()


def _require_free_ports(settings: MachineSettings, names: Sequence[str]) -> None:
    for name in names:
        port, address = settings.port_of(name), settings.address_of(name)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
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
