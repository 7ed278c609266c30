"""Small shops for the tests of the simulator."""

from __future__ import annotations

import functools
from typing import Any

from tests.simulator import graphql_api, schema
from tests.simulator.platform import Options, Platform
from tests.simulator.store import Store, Token
from tests.simulator.world import Recipe, World, build_world

AS_OF = 1_793_000_000
DOMAIN = "small.myshopify.com"
SCOPES = [
    "read_orders", "read_all_orders", "read_products", "read_customers", "read_inventory",
    "read_locations",
]  # fmt: skip


def a_recipe(**changes: Any) -> Recipe:
    small = {"orders": 60, "products": 12, "customers": 25, "as_of": AS_OF, "domain": DOMAIN}
    return Recipe(**(small | changes))


@functools.lru_cache(maxsize=8)
def a_world(**changes: Any) -> World:
    """A shop nobody changes: shared between tests."""
    return build_world(a_recipe(**changes))


def a_platform(tmp_path: Any = None, **changes: Any) -> tuple[Platform, Store]:
    platform = Platform(Options(state=tmp_path / "journal" if tmp_path else None, bulk_seconds=0))
    platform.open_shops([a_recipe(**changes)])
    return platform, platform.stores[DOMAIN]


def a_call(platform: Platform, store: Store, scopes: list[str] | None = None) -> schema.Call:
    token = Token("shpat_test", list(SCOPES if scopes is None else scopes))
    return schema.Call(store, token, "http://127.0.0.1:9400", platform)


def ask(call: schema.Call, query: str, /, **variables: Any) -> dict[str, Any]:
    return graphql_api.run(call, query, variables)
