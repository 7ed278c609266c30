"""Random histories of simulated shops, and the webhooks that Shopify would send about them."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from hypothesis import strategies as st

from shared.deliveries import Delivery
from shared.shopify.client import Partial
from shared.shopify.snapshots import Owner
from tests.simulator import actions, graphql_api, schema
from tests.simulator.platform import Options, Platform
from tests.simulator.store import Store, Token
from tests.simulator.world import Recipe

AS_OF = 1_793_000_000
SHOPS = (
    {"currency": "GBP", "timezone": "Europe/London", "taxes_included": True},
    {"currency": "JPY", "timezone": "Asia/Tokyo"},
)
SCOPES = [
    "read_orders",
    "read_all_orders",
    "read_returns",
    "read_products",
    "read_customers",
    "read_locations",
]
ABOUT_ORDERS = ("orders/", "refunds/", "order_transactions/", "fulfillments/")
# Updates are told by their webhooks alone; nearly everything else also makes the syncer ask.
ACTIONS = (
    *("create_order", "create_order", "update_order", "update_order", "update_order"),
    *("update_order", "edit_order", "refund_order", "refund_order", "cancel_order"),
    *("fulfill_order", "pay_order", "delete_order"),
)
GAPS = (0, 1, 1, 40, 3_600, 30_000)

Step = tuple[int, str, int, int]
# Two units of one line with a duty are edited off, one after the other.
EDITS_OF_DUTIES: list[Step] = [
    (0, "update_order", 29, 40),
    (1, "create_order", 38028, 1),
    (0, "update_order", 1474, 30000),
    (0, "edit_order", 215081, 0),
    (1, "update_order", 1022642933, 30000),
    (0, "update_order", 4288221, 1),
    (1, "edit_order", 0, 0),
    (0, "create_order", 274, 40),
    (1, "update_order", 35171, 1),
    (0, "update_order", 2353008015, 1),
    (1, "refund_order", 243, 40),
    (0, "create_order", 30338, 30000),
    (1, "pay_order", 47929, 1),
    (0, "create_order", 7577, 3600),
    (1, "create_order", 82999834, 1),
    (1, "refund_order", 1497, 30000),
    (0, "update_order", 35053, 0),
    (1, "create_order", 44971, 1),
    (0, "edit_order", 392, 0),
    (0, "delete_order", 78450, 0),
    (1, "refund_order", 765939, 1),
    (1, "edit_order", 2231, 1),
    (0, "edit_order", 367535, 30000),
    (0, "update_order", 3464, 3600),
    (0, "edit_order", 3643024, 1),
    (1, "update_order", 5657, 3600),
    (0, "update_order", 3174615174, 3600),
    (0, "pay_order", 517, 0),
]


def steps(*, most: int) -> st.SearchStrategy[list[Step]]:
    """Draw what happens: in which shop, what, by which seed, how long after the last."""
    seeds = st.integers(0, 2**32)
    step = st.tuples(
        st.sampled_from(range(len(SHOPS))), st.sampled_from(ACTIONS), seeds, st.sampled_from(GAPS)
    )
    return st.lists(step, min_size=8, max_size=most)


@dataclasses.dataclass(frozen=True)
class Notice:
    """One webhook of one shop."""

    shop: int
    topic: str
    body: bytes

    def to(self, owner: Owner, *, domain: str = "history.myshopify.com") -> Delivery:
        """Address it; each call is a delivery of its own."""
        return Delivery(
            tenant_id=owner.tenant_id,
            shop_id=owner.shop_id,
            shop_domain=domain,
            topic=self.topic,
            webhook_id=str(uuid.uuid4()),
            event_id="",
            triggered_at="2026-11-01T00:00:00Z",
            received_at="2026-11-01T00:00:00+00:00",
            api_version="2026-10",
            body=self.body,
        )


class Shops:
    """Simulated shops in this process, and the Admin API over them."""

    def __init__(self, *, orders: int = 2) -> None:
        self.platform = Platform(Options(bulk_seconds=0))
        self.stores = [self._shop(place, changes, orders) for place, changes in enumerate(SHOPS)]

    def _shop(self, place: int, changes: dict[str, Any], orders: int) -> Store:
        small = {"orders": orders, "products": 4, "customers": 3, "as_of": AS_OF}
        domain = f"history-{place}.myshopify.com"
        return self.platform.add_shop(Recipe(domain=domain, **(small | changes)))

    def live(self, history: Sequence[Step]) -> Iterator[list[Notice]]:
        """Let *history* happen step by step; give each step's webhooks about orders."""
        at = AS_OF
        for shop, name, seed, gap in history:
            at += gap
            with contextlib.suppress(actions.Impossible):
                deed = actions.act(self.stores[shop], name, {}, seed=seed, at=at)
                yield [
                    Notice(shop, topic, orjson.dumps(body()))
                    for topic, body in deed.events
                    if topic.startswith(ABOUT_ORDERS)
                ]


def whole_orders(seed: int) -> list[Notice]:
    """Return some 2,000 webhooks that each tell a whole order, no two versions in one second."""
    chance = random.Random(seed)
    history = [
        (chance.randrange(len(SHOPS)), name, chance.randrange(2**32), 20 + chance.randrange(400))
        for _ in range(115)
        for name in ACTIONS
    ]
    return [
        notice
        for notices in Shops(orders=60).live(history)
        for notice in notices
        if notice.topic.startswith("orders/") and notice.topic != "orders/edited"
    ]


@dataclasses.dataclass(frozen=True)
class Clients:
    """Stands where the syncer finds a shop's client; answers from the simulators' own state."""

    shops: Shops
    place_of: dict[Owner, int]

    async def client(self, owner: Owner) -> Client:
        return Client(self.shops.platform, self.shops.stores[self.place_of[owner]])

    def resting(self) -> list[int]:
        return []


@dataclasses.dataclass(frozen=True)
class Client:
    """Stands where the Admin API client stands."""

    platform: Platform
    store: Store
    namespaces: tuple[str, ...] = ()
    lacking: frozenset[str] = frozenset()

    async def execute_partial(
        self, document: str, variables: dict[str, Any] | None = None
    ) -> Partial:
        return Partial(data=await self.execute(document, variables), denied=[])

    async def execute(self, document: str, variables: dict[str, Any] | None = None) -> bytes:
        token = Token("shpat_test", SCOPES)
        call = schema.Call(self.store, token, "http://127.0.0.1:9400", self.platform)
        answer = graphql_api.run(call, document, variables or {})
        assert "errors" not in answer, answer["errors"]
        return orjson.dumps(answer["data"])
