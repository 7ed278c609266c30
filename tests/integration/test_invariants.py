"""The whole chain: however orders are told, and whatever is killed, the end is the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

import asyncpg
import orjson
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from services.analytics.app import ROLE
from services.analytics.drain import drain
from services.syncer import refetch
from services.syncer.context import Context
from shared.bus.connect import open_bus
from shared.bus.topology import QUEUES
from shared.deliveries import Delivery
from shared.keyring import generate_key
from shared.postgres import close_pool, open_pool
from shared.shopify.snapshots import Owner
from tests.integration.histories import (
    EDITS_OF_DUTIES,
    Clients,
    Notice,
    Shops,
    Step,
    steps,
    whole_orders,
)
from tests.integration.outcomes import (
    World,
    connected_tenant,
    deliver,
    equal_to_recompute,
    rows_of,
)
from tests.integration.processes import Process, Sender
from tests.integration.syncer.test_deliveries import RecordingBus
from tests.simulator.money import exponent

SECRET = "shpss_chain"
KILLS = 4
SEED = 20_261_121
EVENTS = "SELECT count(*) FROM commerce.webhook_events"
MARKS = "SELECT count(*) FROM analytics.order_marks"
KEPT = """
SELECT sum(gross_sales - discounts - gross_reversals + discount_reversals - adjustments
           + shipping + duties + additional_fees + taxes + tips + gift_card_sales)
FROM analytics.contributions WHERE tenant_id = $1 AND shop_id = $2
"""
WAITING = "SELECT count(*) FROM commerce.refetches"


@pytest.fixture
async def world(dsn: str, db: asyncpg.Connection) -> AsyncIterator[World]:
    syncer = await open_pool(dsn, role="tillstream_syncer", max_size=4)
    analytics = await open_pool(dsn, role=ROLE, max_size=2)
    yield World(db, syncer, analytics)
    await close_pool(analytics)
    await close_pool(syncer)


@dataclass(frozen=True)
class Told:
    """Shops, and two tenants who hear what happens in them."""

    shops: Shops
    tidy: list[Owner]
    wild: list[Owner]

    @property
    def places(self) -> dict[Owner, int]:
        return {owner: n for owners in (self.tidy, self.wild) for n, owner in enumerate(owners)}


async def _forget_what_waits(world: World) -> None:
    for table in ("commerce.refetches", "analytics.order_marks"):
        await world.db.execute(f"DELETE FROM {table}")


async def _settle(world: World, context: Context) -> None:
    for _ in range(20):
        while await refetch.drain_once(context):
            pass
        if not await world.db.fetchval(WAITING):
            break
        # As if the time between two readings had passed.
        await world.db.execute("UPDATE commerce.refetches SET not_before = now()")
    assert await world.db.fetchval(WAITING) == 0
    while await drain(world.analytics):
        pass


class Disorder:
    """Deliveries under way: late, shuffled, some twice and some bodies sent again."""

    def __init__(self, owners: Sequence[Owner], chance: random.Random) -> None:
        self._owners = owners
        self._chance = chance
        self._under_way: list[Delivery] = []

    def send(self, notices: Sequence[Notice]) -> None:
        for notice in notices:
            once = notice.to(self._owners[notice.shop])
            again = [once] if self._chance.random() < 0.3 else []
            resent = [notice.to(self._owners[notice.shop])] if self._chance.random() < 0.2 else []
            self._under_way += [once, *again, *resent]

    def arriving(self) -> list[Delivery]:
        """Take a random part of what is under way."""
        self._chance.shuffle(self._under_way)
        size = self._chance.choice((1, 1, 2, 5, 20))
        arrived, self._under_way = self._under_way[:size], self._under_way[size:]
        return arrived


async def _tell(
    world: World, context: Context, told: Told, history: list[Step], chance: random.Random
) -> None:
    """Let *history* happen; one tenant hears of it at once and in order, the other does not."""
    disorder = Disorder(told.wild, chance)
    for notices in told.shops.live(history):
        for notice in notices:
            await deliver(world, [notice.to(told.tidy[notice.shop])])
        disorder.send(notices)
        if chance.random() < 0.5:
            await deliver(world, disorder.arriving())
        if chance.random() < 0.3:
            await drain(world.analytics, batch_max=chance.randint(1, 4))
        if chance.random() < 0.2:
            await refetch.drain_once(context)
    while arrived := disorder.arriving():
        await deliver(world, arrived)
    await _settle(world, context)


@settings(
    max_examples=12,
    deadline=None,
    # Shrinking would take minutes: each example is a database's work.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.large_base_example,
    ],
)
@given(history=steps(most=30), seed=st.integers(0, 2**32))
@example(history=EDITS_OF_DUTIES, seed=98257)
@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_history_ends_in_the_same_rows_and_sales_however_it_is_delivered(
    world: World, history: list[Step], seed: int
) -> None:
    await _forget_what_waits(world)
    told = Told(
        Shops(), tidy=await connected_tenant(world.db), wild=await connected_tenant(world.db)
    )
    context = Context(pool=world.syncer, bus=RecordingBus(), shops=Clients(told.shops, told.places))

    await _tell(world, context, told, history, random.Random(seed))

    for place, (one, other) in enumerate(zip(told.tidy, told.wild, strict=True)):
        rows = await rows_of(world.db, other)
        assert await rows_of(world.db, one) == rows
        assert await _kept(world.db, other) == _left(told.shops, place, rows)
        await equal_to_recompute(world.analytics, other)


async def _kept(db: asyncpg.Connection, owner: Owner) -> Decimal:
    return await db.fetchval(KEPT, owner.tenant_id, owner.shop_id) or Decimal(0)


def _left(shops: Shops, place: int, rows: dict[str, list[object]]) -> Decimal:
    """What the simulator says is left of the orders that we were told of."""
    world = shops.stores[place].world
    orders = [world.orders.get(row["order_id"]) for row in rows["orders"]]
    assert None not in orders
    counted = [one for one in orders if not one.test and one.cancelled is None]
    whole = sum(one.totals.current_total.shop + one.totals.discrepancy.shop for one in counted)
    return Decimal(whole).scaleb(-exponent(world.shop.currency))


@asynccontextmanager
async def _running(dsn: str, bus_url: str) -> AsyncIterator[dict[str, Process]]:
    environment = {
        "DATABASE_URL": dsn,
        "AMQP_URL": bus_url,
        "APP_ENV": "test",
        "SHOPIFY_CLIENT_SECRET": SECRET,
        "SHOPIFY_ENCRYPTION_KEY": generate_key(),
        "SHOPIFY_BASE_URL": "http://127.0.0.1:9/{shop}",
        "ANALYTICS_BATCH_MAX": "50",
    }
    names = ("webhooks", "syncer", "analytics")
    processes = {name: Process(name, environment) for name in names}
    try:
        await asyncio.gather(*(one.start() for one in processes.values()))
        yield processes
    finally:
        for one in processes.values():
            await one.kill()


async def _killed_again_and_again(
    db: asyncpg.Pool, process: Process, sender: Sender, chance: random.Random
) -> None:
    """Kill *process* at moments of its work's progress, and start it again a little later."""
    for moment in sorted(chance.uniform(0.03, 0.85) for _ in range(KILLS)):
        while await _done(db, process, sender) < moment * sender.total:
            await asyncio.sleep(chance.uniform(0.005, 0.05))
        await process.kill()
        # As if the dead one's leases had run out; waiting would take thirty seconds.
        await db.execute(
            "UPDATE bus.messages SET available_at = now(), lease_id = NULL"
            " WHERE lease_id IS NOT NULL AND queue LIKE $1",
            f"%{process.name}.%",
        )
        await asyncio.sleep(chance.uniform(0, 0.5))
        await process.start()


async def _done(db: asyncpg.Pool, process: Process, sender: Sender) -> int:
    """How many deliveries are past *process*; analytics follows the syncer closely."""
    return len(sender.answered) if process.name == "webhooks" else await db.fetchval(EVENTS)


async def _until(db: asyncpg.Pool, statement: str, wanted: int) -> None:
    while await db.fetchval(statement) != wanted:
        await asyncio.sleep(0.05)


def _newest(notices: Sequence[Notice]) -> list[Notice]:
    """The last word on each order; a deletion is one."""
    return list({(one.shop, _order_id(one)): one for one in notices}.values())


def _order_id(notice: Notice) -> int:
    return int(orjson.loads(notice.body)["id"])


async def _domains(db: asyncpg.Connection, owners: Sequence[Owner]) -> list[str]:
    return [
        await db.fetchval("SELECT shop_domain FROM accounts.stores WHERE shop_id = $1", one.shop_id)
        for one in owners
    ]


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_every_delivery_answered_200_counts_once_whatever_is_killed(
    dsn: str, bus_url: str, world: World
) -> None:
    notices = whole_orders(SEED)
    live, told = await connected_tenant(world.db), await connected_tenant(world.db)
    domains = await _domains(world.db, live)
    deliveries = [one.to(live[one.shop], domain=domains[one.shop]) for one in notices]
    chance = random.Random(SEED)

    async with (
        asyncpg.create_pool(dsn, min_size=1, max_size=4) as db,
        _running(dsn, bus_url) as processes,
    ):
        sender = Sender(processes["webhooks"].port, SECRET, deliveries)
        kills = (
            _killed_again_and_again(db, one, sender, random.Random(chance.random()))
            for one in processes.values()
        )
        await asyncio.gather(sender.run(clients=16), *kills)
        await _until(db, EVENTS, len(deliveries))
        await _until(db, MARKS, 0)
        codes = [await one.terminate() for one in processes.values()]

    assert codes == [0, 0, 0]
    assert sender.answered == {one.webhook_id for one in deliveries}
    assert sender.refused > 0
    await _each_once(world.db, deliveries)
    await _nothing_left(world, bus_url)
    await _newest_rows(world, notices, live=live, told=told)


async def _each_once(db: asyncpg.Connection, deliveries: Sequence[Delivery]) -> None:
    events = await db.fetch("SELECT webhook_id, state FROM commerce.webhook_events")
    assert len(events) == len(deliveries)
    assert {row["webhook_id"] for row in events} == {one.webhook_id for one in deliveries}
    assert {row["state"] for row in events} <= {"applied", "stale", "duplicate"}


async def _nothing_left(world: World, bus_url: str) -> None:
    bus = await open_bus(bus_url, world.syncer)
    try:
        left = {queue: (await bus.depth(queue), await bus.dead(queue)) for queue in QUEUES}
    finally:
        await bus.close()
    assert left == dict.fromkeys(QUEUES, (0, 0))
    assert await world.db.fetchval("SELECT count(*) FROM intake.spool") == 0


async def _newest_rows(
    world: World, notices: Sequence[Notice], *, live: Sequence[Owner], told: Sequence[Owner]
) -> None:
    """Tell another tenant only the newest version of each order, and compare."""
    await deliver(world, [one.to(told[one.shop]) for one in _newest(notices)])
    while await drain(world.analytics):
        pass
    for one, other in zip(live, told, strict=True):
        rows = await rows_of(world.db, other)
        assert len(rows["orders"]) > 100
        assert await rows_of(world.db, one) == rows
        await equal_to_recompute(world.analytics, one)
