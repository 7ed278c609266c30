"""A shop as it runs: its world, the app's tokens and subscriptions, its limits."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.simulator import moments
from tests.simulator.bucket import Bucket, Calls
from tests.simulator.world import World

API_VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10", "2027-01", "unstable")
CURRENT = "2026-10"
ORDER_WINDOW = 60 * moments.DAY


@dataclass(slots=True)
class Token:
    """An access token: ``expires`` is 0 for one that never does."""

    text: str
    scopes: list[str]
    expires: int = 0
    refresh: str | None = None
    refresh_expires: int = 0


@dataclass(slots=True)
class Subscription:
    id: int
    topic: str
    uri: str
    created: int
    updated: int
    api_version: str = CURRENT
    include_fields: list[str] = field(default_factory=list)
    metafield_namespaces: list[str] = field(default_factory=list)
    filter: str | None = None
    name: str | None = None
    failures: int = 0


@dataclass(slots=True)
class Operation:
    """A bulk operation."""

    id: int
    query: str
    created: int
    base_url: str
    scopes: list[str]
    grouped: bool = False
    kind: str = "QUERY"
    status: str = "CREATED"
    objects: int = 0
    roots: int = 0
    size: int = 0
    completed: int | None = None
    error_code: str | None = None
    url: str | None = None
    partial_url: str | None = None
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class Store:
    world: World
    bucket: Bucket
    tokens: dict[str, Token] = field(default_factory=dict)
    refreshes: dict[str, Token] = field(default_factory=dict)
    codes: dict[str, list[str]] = field(default_factory=dict)
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    operations: dict[int, Operation] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    calls: Calls = field(default_factory=lambda: Calls("standard"))
    # What was done under each idempotency key: when, what, and its answer.
    idempotent: dict[str, tuple[int, str, Any]] = field(default_factory=dict)
    # myshopify.com domains the shop had before.
    former: list[str] = field(default_factory=list)
    installed: bool = False
    suspended: int = 0
    sequence: int = 0

    @property
    def domain(self) -> str:
        return self.world.shop.domain

    @property
    def key(self) -> str:
        """The name the simulator knows the shop by, whatever its domain has become."""
        return self.world.recipe.domain

    def next_id(self, kind: str) -> int:
        self.sequence += 1
        return self.world.ids.of(kind, self.sequence)

    def forget_tokens(self) -> None:
        self.tokens.clear()
        self.refreshes.clear()
        self.installed = False

    def token(self, text: str | None) -> Token | None:
        """The living token *text*."""
        found = self.tokens.get(text or "")
        if found is None or (found.expires and found.expires < moments.now()):
            return None
        return found

    def floor(self, scopes: list[str]) -> int | None:
        """The oldest creation time of orders these scopes may see."""
        if "read_all_orders" in scopes:
            return None
        return moments.now() - ORDER_WINDOW


def new_secret(prefix: str) -> str:
    return prefix + secrets.token_hex(16)
