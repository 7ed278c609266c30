"""One case's world: a database, a bus, the services as processes, a bad network between them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import aio_pika
import asyncpg

from shared.bus.rabbitmq_topology import Names
from shared.bus.topology import BINDINGS, RETRY_DELAYS_SECONDS
from shared.keyring import KeyRing, generate_key
from tests.chaos_proxy import ChaosProxy, proxied
from tests.faults.driver import Driver
from tests.faults.ledger import Ledger
from tests.faults.orders import Histories, Shop
from tests.faults.servers import Servers
from tests.integration.histories import SHOPS
from tests.integration.outcomes import connected_tenant
from tests.integration.processes import Process

BusName = Literal["rabbitmq", "postgres"]
SECRET = "shpss_faults"
# With which the first shop's own webhooks are signed.
OWN_SECRET = "shpss_first_shop"
TENANTS = 2
LONGEST_RECOVERY_SECONDS = 90.0
# What docker-compose.yml gives a service to stop.
GRACE_SECONDS = 20.0
_ARRIVED = "SELECT count(*) FROM commerce.webhook_events WHERE webhook_id = ANY ($1::text[])"
_MARKED = "SELECT count(*) FROM analytics.order_marks WHERE marked_at < $1"
_PENDING = """
SELECT (SELECT count(*) FROM intake.spool) + (SELECT count(*) FROM bus.messages)
    + (SELECT count(*) FROM analytics.order_marks)
"""


@dataclass(kw_only=True)
class Rig:
    """What a fault can lay hands on. *dsn* and *amqp_url* go around the proxies."""

    bus: BusName
    servers: Servers
    dsn: str
    amqp_url: str
    database: ChaosProxy
    broker: ChaosProxy | None
    processes: list[Process]
    shops: Sequence[Shop]
    driver: Driver
    ledger: Ledger
    path: Path
    clock: Path
    db: asyncpg.Pool
    died: list[str] = field(default_factory=list)
    recoveries: list[asyncio.Task[float]] = field(default_factory=list)
    held: set[Process] = field(default_factory=set)

    def named(self, name: str) -> list[Process]:
        """Return the replicas of a service."""
        return [one for one in self.processes if one.name == name]

    @property
    def link(self) -> ChaosProxy:
        """The network to the broker."""
        assert self.broker is not None
        return self.broker

    @contextlib.asynccontextmanager
    async def down(self, process: Process, *, gently: bool = False) -> AsyncIterator[None]:
        """Kill -9 *process*, or stop it *gently*, and start it again after the context."""
        self.held.add(process)
        await (self._terminate(process) if gently else process.kill())
        try:
            yield
        finally:
            await process.start()
            self.held.discard(process)

    def begin_recovery(self, *, since: float | None = None) -> None:
        """Count the seconds from *since* until all that was accepted so far is in the numbers."""
        accepted = list(self.driver.accepted)
        began = time.monotonic() if since is None else since
        self.recoveries.append(asyncio.create_task(self._recovered(accepted, began)))

    async def spooled(self) -> int:
        return int(await self.db.fetchval("SELECT count(*) FROM intake.spool"))

    async def quiesce(self, *, seconds: float = LONGEST_RECOVERY_SECONDS) -> bool:
        """Wait until nothing is under way; return whether that was so in time."""
        accepted = list(self.driver.accepted)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            arrived = await self.db.fetchval(_ARRIVED, accepted)
            pending = await self.db.fetchval(_PENDING)
            if (
                arrived == len(accepted)
                and not pending
                and not any((await self.on_broker()).values())
            ):
                return True
            await asyncio.sleep(0.1)
        return False

    async def on_broker(self) -> dict[str, int]:
        """Count what lies in each of our queues; nothing without a broker."""
        if not self.amqp_url:
            return {}
        plain, _, prefix = self.amqp_url.partition("?prefix=")
        async with await aio_pika.connect(plain) as connection:
            channel = await connection.channel()
            left = {}
            for name in all_queues(names_of(prefix)):
                queue = await channel.declare_queue(name, passive=True)
                left[f"messages in {name}"] = queue.declaration_result.message_count or 0
            return left

    async def stop(self) -> None:
        """Stop every service."""
        self.held.update(self.processes)
        await asyncio.gather(*map(self._terminate, self.processes))

    async def _terminate(self, process: Process) -> None:
        """Stop *process* as compose would; note when it fails at it."""
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                code = await process.terminate()
        except TimeoutError:
            self.died.append(f"{process.name} did not stop within {GRACE_SECONDS:.0f} s")
            await process.kill()
            return
        if code:
            self.died.append(f"{process.name} stopped with {code}")

    async def supervise(self) -> None:
        """Start again what ended by itself, as systemd or compose would, and remember it."""
        while True:
            for process in self.processes:
                if process not in self.held and process.ended is not None:
                    self.died.append(f"{process.name} ended by itself with {process.ended}")
                    await self._revive(process)
            await asyncio.sleep(0.2)

    async def _revive(self, process: Process) -> None:
        while process not in self.held:
            with contextlib.suppress(AssertionError, TimeoutError):
                await process.start()
                return
            await asyncio.sleep(1)

    async def _recovered(self, accepted: Sequence[str], since: float) -> float:
        arrived = None
        while time.monotonic() < since + LONGEST_RECOVERY_SECONDS:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                if arrived is None and await self.db.fetchval(_ARRIVED, accepted) == len(accepted):
                    arrived = await self.db.fetchval("SELECT clock_timestamp()")
                if arrived is not None and not await self.db.fetchval(_MARKED, arrived):
                    break
            await asyncio.sleep(0.1)
        return time.monotonic() - since


@contextlib.asynccontextmanager
async def rigged(
    servers: Servers,
    bus: BusName,
    folder: Path,
    *,
    seed: int,
    rate: float,
    syncers: int = 1,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Rig]:
    """Start everything; the load runs until the driver is told to finish."""
    async with contextlib.AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(servers.database())
        amqp_url = await stack.enter_async_context(_queues(servers, bus))
        database = await stack.enter_async_context(proxied(dsn, 5432))
        broker = await stack.enter_async_context(proxied(amqp_url, 5672)) if amqp_url else None
        db = await stack.enter_async_context(asyncpg.create_pool(dsn, min_size=0, max_size=4))
        shops, key = await _shops(db), generate_key()
        await _give_own_secret(db, shops[0], key)
        settings = {
            "DATABASE_URL": database.through(dsn),
            "AMQP_URL": broker.through(amqp_url) if broker else "",
            "APP_ENV": "test",
            "SHOPIFY_CLIENT_SECRET": SECRET,
            "SHOPIFY_ENCRYPTION_KEY": key,
            "SHOPIFY_BASE_URL": "http://127.0.0.1:9/{shop}",
            "ANALYTICS_BATCH_MAX": "50",
            **(environment or {}),
        }
        names = ("webhooks", *(["syncer"] * syncers), "analytics")
        processes = [Process(name, settings, log=folder / "services.log") for name in names]
        stack.push_async_callback(_kill, processes)
        await asyncio.gather(*(one.start() for one in processes))
        ledger = Ledger(folder / "ledger")
        driver = Driver(processes[0].port, SECRET, ledger, Histories(shops, seed), rate=rate)
        stack.push_async_callback(ledger.close)
        stack.push_async_callback(driver.close)
        rig = Rig(
            bus=bus,
            servers=servers,
            dsn=dsn,
            amqp_url=amqp_url,
            database=database,
            broker=broker,
            processes=processes,
            shops=shops,
            driver=driver,
            ledger=ledger,
            path=folder / "ledger",
            clock=folder / "clock",
            db=db,
        )
        supervisor = asyncio.create_task(rig.supervise())
        stack.callback(supervisor.cancel)
        yield rig


async def _kill(processes: Sequence[Process]) -> None:
    for one in processes:
        await one.kill()


async def _shops(db: asyncpg.Pool) -> list[Shop]:
    async with db.acquire() as conn:
        owners = [await connected_tenant(conn) for _ in range(TENANTS)]
        domains = dict(await conn.fetch("SELECT shop_id, shop_domain FROM accounts.stores"))
    return [
        Shop(owner.tenant_id, owner.shop_id, domains[owner.shop_id], str(SHOPS[place]["currency"]))
        for two in owners
        for place, owner in enumerate(two)
    ]


async def _give_own_secret(db: asyncpg.Pool, shop: Shop, key: str) -> None:
    ids = {"tenant_id": shop.tenant_id, "shop_id": shop.shop_id}
    sealed = KeyRing.parse(key).seal(OWN_SECRET, **ids, purpose="webhook_secret")
    statement = "UPDATE accounts.credentials SET webhook_secret_enc = $1 WHERE shop_id = $2"
    await db.execute(statement, sealed, shop.shop_id)


@contextlib.asynccontextmanager
async def _queues(servers: Servers, bus: BusName) -> AsyncIterator[str]:
    """Give names of this case's own on the broker; they are deleted with the context."""
    if bus == "postgres":
        yield ""
        return
    prefix = f"faults.{time.monotonic_ns()}."
    yield f"{servers.amqp_url}?prefix={prefix}"
    names = names_of(prefix)
    async with await aio_pika.connect(servers.amqp_url) as connection:
        channel = await connection.channel()
        for name in all_queues(names):
            await channel.queue_delete(name)


def names_of(prefix: str) -> Names:
    """Return every name that the services use on the broker."""
    return Names(bindings=BINDINGS, delays=RETRY_DELAYS_SECONDS, prefix=prefix)


def all_queues(names: Names) -> list[str]:
    """Return the queues, what lies beside each and the waiting rooms."""
    kinds = (names.queue, names.dead, names.visits)
    each = [name(queue) for queue in names.queues for name in kinds]
    return [*each, *(names.waiting(delay) for delay in names.delays)]
