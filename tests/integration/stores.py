"""Two simulated stores that live through a history, told of by bad webhooks and a bad Admin API.

Everything the syncer sees comes over HTTP or as a delivery; time is the stores' own, in seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
import orjson
from aiohttp import web
from hypothesis import strategies as st

from services.gateway.handlers.stores import on_store_renamed
from services.syncer import refetch
from services.syncer.context import Context
from services.syncer.domain.subscriptions import namespaces_of
from services.syncer.handlers import jobs as handler
from services.syncer.handlers.deliveries import apply
from services.syncer.shops import Access, Shops
from services.syncer.store import jobs
from shared.deliveries import Delivery
from shared.events import StoreRenamed
from shared.keyring import KeyRing
from shared.postgres import Pool
from shared.shopify.client import Patience
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Owner
from shared.shopify.topics import TOPICS
from tests.integration.syncer.shopify import CLIENT_ID, CLIENT_SECRET, ask_for, new_keys
from tests.integration.syncer.test_deliveries import RecordingBus
from tests.simulator import actions
from tests.simulator.app import build_app
from tests.simulator.payloads.extras import add_metafields
from tests.simulator.platform import Options, Platform
from tests.simulator.store import Store
from tests.simulator.world import Recipe

NAMESPACE = "custom"
SHOPS = (
    {"currency": "USD", "timezone": "America/New_York", "orders": 30},
    {"currency": "KWD", "timezone": "Asia/Kuwait", "orders": 24, "taxes_included": True},
)
# What happens; twice or more what happens more often. The last ones are the syncer's own work.
ACTIONS = (
    "rest",
    *("create_order", "update_order", "edit_order", "refund_order", "cancel_order") * 3,
    *("fulfill_order", "pay_order", "delete_order", "return_order", "assess_risk") * 2,
    *("create_product", "update_product", "delete_product", "retag_product", "set_inventory") * 2,
    *("create_customer", "update_customer", "delete_customer", "merge_customers") * 2,
    *("connect_inventory", "disconnect_inventory", "update_location", "change_timezone", "rename"),
    *("create_collection", "update_collection", "delete_collection", "set_metafield"),
    *("create_discount", "update_discount", "delete_discount"),
    *("add_discount_code", "remove_discount_code"),
    *("create_gift_card", "use_gift_card", "disable_gift_card"),
    *("create_draft_order", "update_draft_order", "complete_draft_order", "delete_draft_order"),
    *("abandon_checkout", "recover_checkout"),
    *("hold_fulfillment_order", "release_fulfillment_order", "move_fulfillment_order"),
    *("pay_out", "open_dispute", "decide_dispute"),
    *("poll", "read again", "read again"),
)
# The kinds of a store's objects, and where the simulator keeps them.
SHELVES = {
    "order": "orders",
    "order_details": "orders",
    "product": "products",
    "customer": "customers",
    "inventory_item": "items",
    "fulfillment_order": "fulfillment_orders",
    "draft_order": "draft_orders",
    "abandoned_checkout": "checkouts",
    "collection": "collections",
    "discount": "discounts",
    "gift_card": "gift_cards",
    "payout": "payouts",
    "dispute": "disputes",
    "balance_transaction": "balance_transactions",
}
_FIVE_PERCENT = 0.05
ADMIN_FAULTS = {
    "throttle": _FIVE_PERCENT,
    "malformed": _FIVE_PERCENT,
    "cut": _FIVE_PERCENT,
    "internal_error": _FIVE_PERCENT,
    "status": dict.fromkeys(("429", "500", "502", "503"), _FIVE_PERCENT),
    "slow": _FIVE_PERCENT,
    "slow_seconds": 0.05,
    "retry_after": 0.02,
}
DROPPED, DOUBLED, REORDERED = 0.03, 0.10, 0.30
_ZONES = ("Europe/London", "Asia/Kolkata", "America/St_Johns", "Pacific/Chatham", "UTC")
# Which metafields are set on what.
_KEYS = {
    "Product": "material",
    "ProductVariant": "material",
    "Customer": "level",
    "Order": "gift_note",
    "Collection": "material",
}

Step = tuple[int, str, int, int]


@st.composite
def steps(draw: st.DrawFn, *, least: int, most: int, in_turn: bool) -> list[Step]:
    """Draw what happens: in which store, what, by which seed, seconds after the last.

    Most things happen within the second of the one before. *in_turn*: the simplest history, which
    is tried first, is every action in its turn; else it is a long rest, so that failures shrink.
    """
    step = st.tuples(
        st.sampled_from(range(len(SHOPS))),
        st.sampled_from(range(len(ACTIONS))),
        st.integers(0, 2**32),
        st.sampled_from((0, 0, 0, 0, 1)),
    )
    drawn = draw(st.lists(step, min_size=least, max_size=most))
    turns = range(len(drawn)) if in_turn else [0] * len(drawn)
    return [
        ((shop + turn) % len(SHOPS), ACTIONS[(what + turn) % len(ACTIONS)], number + turn, gap)
        for turn, (shop, what, number, gap) in zip(turns, drawn, strict=True)
    ]


@dataclass
class Clock:
    """The stores' time; never behind the machine's when a full sync begins."""

    at: int = field(default_factory=lambda: int(time.time()))

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def catch_up(self) -> None:
        self.at = max(self.at, int(time.time()) + 1)

    async def be_overtaken(self) -> None:
        """Let the machine's time pass this one: a full sync reads what is made before it."""
        while time.time() <= self.at + 1:
            await asyncio.sleep(0.05)


class Channel:
    """Deliveries under way: some lost, some twice, some late."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._under_way: list[tuple[int, int, Delivery]] = []
        self._step = self._sent = 0
        self.counts: dict[str, int] = defaultdict(int)

    def send(self, delivery: Delivery) -> None:
        self.counts["sent"] += 1
        if self._chance.random() < DROPPED:
            self.counts["dropped"] += 1
            return
        doubled = self._chance.random() < DOUBLED
        self.counts["doubled"] += doubled
        for _ in range(1 + doubled):
            late = self._chance.random() < REORDERED
            self.counts["late"] += late
            due = self._step + (self._chance.randint(1, 9) if late else 0)
            self._sent += 1
            self._under_way.append((due, self._sent, delivery))

    def arriving(self, *, everything: bool = False) -> list[Delivery]:
        """Take what arrives with this step."""
        self._step += 1
        due = sorted(
            (one for one in self._under_way if everything or one[0] < self._step),
            key=lambda one: one[:2],
        )
        self._under_way = [one for one in self._under_way if one not in due]
        return [delivery for _, _, delivery in due]


@dataclass
class Place:
    """One store: Shopify's side of it and ours; *ever* holds the ids of all that was ever there."""

    store: Store
    owner: Owner
    ever: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    merged: dict[int, int] = field(default_factory=dict)

    def look(self) -> None:
        for kind, there in self.there().items():
            self.ever[kind] |= there

    def there(self) -> dict[str, set[int]]:
        """Return the ids of what is in the store now, by kind."""
        world = self.store.world
        found = {kind: {one.id for one in getattr(world, shelf)} for kind, shelf in SHELVES.items()}
        return found | {"location": set(world.locations)}


@dataclass
class Market:
    """Both stores, and the syncer that copies them."""

    platform: Platform
    places: list[Place]
    context: Context
    gateway: Pool
    db: asyncpg.Connection
    clock: Clock
    channel: Channel
    trace: list[str] = field(default_factory=list)

    def rage(self, *, on: bool) -> None:
        """Let the Admin API fail in every way, or not at all."""
        self.platform.faults.set({"admin": ADMIN_FAULTS if on else {}, "seed": 3})

    async def live(self, history: Sequence[Step]) -> None:
        """Let *history* happen, and let the syncer hear of it."""
        for shop, name, seed, gap in history:
            self.clock.at += gap
            if name == "poll":
                kind = random.Random(seed).choice(("shop", *RESOURCES))
                self.trace.append(f"{self.clock.at} {shop} poll {kind}")
                await self.work("incremental", kind)
            elif name == "read again":
                await refetch.drain_once(self.context)
            elif name != "rest":
                self._act(shop, name, seed)
            await self.deliver(self.channel.arriving())

    def _act(self, shop: int, name: str, seed: int) -> None:
        place = self.places[shop]
        parameters = _parameters(name, seed, place.store)
        try:
            deed = actions.act(place.store, name, parameters, seed=seed, at=self.clock.at)
        except actions.Impossible:
            return
        self.trace.append(f"{self.clock.at} {shop} {name} {parameters or ''} -> {deed.touched}")
        for topic, body in deed.events:
            told = body()
            if topic == "customers/merge":
                gone, kept = (told[f"admin_graphql_api_customer_{k}_id"] for k in _MERGED)
                place.merged[int(gone.rpartition("/")[2])] = int(kept.rpartition("/")[2])
            named = topic.upper().replace("/", "_")
            if named in TOPICS:
                add_metafields(told, topic, namespaces_of(named, (NAMESPACE,)), place.store.world)
                self.channel.send(self._delivery(place, topic, told))
        place.look()

    def _delivery(self, place: Place, topic: str, body: Any) -> Delivery:
        return Delivery(
            tenant_id=place.owner.tenant_id,
            shop_id=place.owner.shop_id,
            shop_domain=place.store.domain,
            topic=topic,
            webhook_id=str(uuid.uuid4()),
            event_id="",
            triggered_at=self.clock().isoformat(),
            received_at=self.clock().isoformat(),
            api_version="2026-10",
            body=orjson.dumps(body),
        )

    async def deliver(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        parts = await apply(
            deliveries, pool=self.context.pool, bus=self.context.bus, clock=self.clock
        )
        assert [one.error for part in parts for one in part.arrivals if one.error] == []
        await self._follow_renames()

    async def _follow_renames(self) -> None:
        published = self.context.bus.published  # type: ignore[attr-defined]
        for event in published:
            if event["kind"] == "store.renamed":
                await on_store_renamed(StoreRenamed(**event), pool=self.gateway)
        published.clear()

    async def work(self, mode: str, *kinds: str) -> None:
        """Run one job of each of *kinds* in both stores to its end, however often it must wait."""
        for place in self.places:
            for kind in kinds:
                await ask_for(self.db, place.owner, kind, mode)
        waiting = "SELECT count(*) FROM commerce.sync_jobs WHERE status = 'queued'"
        while await self.db.fetchval(waiting):
            # As if the time between two attempts had passed.
            await self.db.execute("UPDATE commerce.sync_jobs SET not_before = now()")
            await asyncio.gather(*(self._worker() for _ in range(3)))
            await self._follow_renames()
        unhappy = await self.db.fetch(
            "SELECT kind, mode, status, error, warning FROM commerce.sync_jobs"
            " WHERE status <> 'succeeded' OR warning IS NOT NULL"
        )
        assert [tuple(row) for row in unhappy] == []
        await self.db.execute("DELETE FROM commerce.sync_jobs")

    async def _worker(self) -> None:
        while True:
            async with self.context.pool.acquire() as conn:
                job = await jobs.claim(conn)
            if job is None:
                return
            await handler.run(self.context, job)

    async def read_again(self) -> None:
        """Answer every wish, also those that should wait a while."""
        for _ in range(60):
            while await refetch.drain_once(self.context):
                pass
            left = await self.db.fetch("SELECT kind, id, reason FROM commerce.refetches")
            if not left:
                return
            await self.db.execute("UPDATE commerce.refetches SET not_before = now()")
        raise AssertionError(f"never read: {[tuple(row) for row in left]}")

    async def copy(self) -> None:
        """The first full sync of everything."""
        await self.work("full", "shop")
        await self.work("full", *RESOURCES)
        await self.read_again()
        self.clock.catch_up()
        for place in self.places:
            place.look()

    async def settle(self) -> None:
        """What is still under way arrives; then one poll of everything and one sweep."""
        await self.deliver(self.channel.arriving(everything=True))
        self.clock.at += 2
        await self.work("incremental", "shop")
        await self.work("incremental", *RESOURCES)
        await self.clock.be_overtaken()
        await self.work("full", *RESOURCES)
        await self.read_again()


_MERGED = ("deleted", "kept")


def _parameters(name: str, seed: int, store: Store) -> dict[str, Any]:
    """What the simulator cannot choose by itself."""
    rng = random.Random(seed)
    if name == "change_timezone":
        return {"timezone": rng.choice(_ZONES)}
    if name == "rename":
        number = rng.randrange(1000)
        domain = f"{store.key.partition('.')[0]}-{number}.myshopify.com"
        return rng.choice(({"name": f"Shop {number}"}, {"domain": domain}))
    if name == "retag_product":
        return {"tag": rng.choice(("gift", "sale", "new"))}
    if name == "update_location":
        return {"id": rng.choice(list(store.world.locations)), "active": rng.random() < 0.7}
    if name == "set_metafield":
        owner = rng.choice(list(_KEYS))
        value = rng.choice(("", f"value {rng.randrange(100)}"))
        namespace = rng.choice((NAMESPACE, NAMESPACE, "other"))
        return {"owner": owner, "key": _KEYS[owner], "namespace": namespace, "value": value}
    return {}


@contextlib.asynccontextmanager
async def open_market(
    db: asyncpg.Connection, *, syncer: Pool, gateway: Pool, seed: int
) -> AsyncIterator[Market]:
    """Two new stores, connected and not yet copied, in an emptied database."""
    platform = Platform(Options(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, bulk_seconds=0.0))
    runner = web.AppRunner(build_app(platform))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    base = f"http://127.0.0.1:{port}/shops/{{shop}}"
    try:
        async with aiohttp.ClientSession() as session:
            keys, clock = new_keys(), Clock()
            places = [
                await _connected(db, session, platform, base, keys, number)
                for number in range(len(SHOPS))
            ]
            access = Access(
                api_version="2026-10",
                base_url=base,
                patience=Patience(
                    attempts=5, delay_seconds=0.01, timeout_seconds=5, breaker_seconds=0.05
                ),
                namespaces=(NAMESPACE,),
            )
            context = Context(
                pool=syncer,
                bus=RecordingBus(),
                shops=Shops(syncer, session, keys=keys, access=access),
                overlap=timedelta(seconds=2),
                lag=timedelta(seconds=1),
                roots_per_window=200,
                clock=clock,
            )
            channel = Channel(random.Random(seed))
            yield Market(platform, places, context, gateway, db, clock, channel)
    finally:
        await runner.cleanup()
    assert platform.crashes == []


async def _connected(
    db: asyncpg.Connection,
    session: aiohttp.ClientSession,
    platform: Platform,
    base: str,
    keys: KeyRing,
    number: int,
) -> Place:
    domain = f"history-{number}.myshopify.com"
    small = {"products": 6, "customers": 12, "plan": "enterprise", "seed": 5 + number}
    store = platform.add_shop(Recipe(domain=domain, **(small | SHOPS[number])))
    form = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "grant_type": "client_credentials",
    }
    url = base.format(shop=domain) + "/admin/oauth/access_token"
    async with session.post(url, data=form) as answer:
        token = str((await answer.json())["access_token"])
    tenant = str(uuid.UUID(int=700 + number))
    await db.execute("INSERT INTO accounts.tenants (tenant_id, name) VALUES ($1, 'A')", tenant)
    shop_id = await db.fetchval(
        "INSERT INTO accounts.stores (tenant_id, shop_domain) VALUES ($1, $2) RETURNING shop_id",
        tenant,
        domain,
    )
    await db.execute(
        "INSERT INTO accounts.credentials (tenant_id, shop_id, grant_type, access_token_enc,"
        " scopes, token_last4) VALUES ($1, $2, 'client_credentials', $3, '{read_all_orders}', $4)",
        tenant,
        shop_id,
        keys.seal(token, tenant_id=tenant, shop_id=shop_id, purpose="access_token"),
        token[-4:],
    )
    return Place(store, Owner(tenant_id=tenant, shop_id=shop_id))


def readable(history: Sequence[Step]) -> Iterator[str]:
    """What happens in *history*, without what is only rest."""
    for shop, name, seed, gap in history:
        if name != "rest":
            yield f"+{gap}s store {shop}: {name} (seed {seed})"
