"""The process: its shops, the app they know, and what runs beside the requests."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import shutil
import tempfile
import traceback
import weakref
import zoneinfo
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from tests.simulator import actions, live, moments
from tests.simulator.bucket import SIZES, Bucket, Calls
from tests.simulator.bulk import BulkRunner
from tests.simulator.deliveries import Courier
from tests.simulator.faults import Faults
from tests.simulator.journal import Journal
from tests.simulator.schema import admin_schema
from tests.simulator.store import Store, Subscription, Token
from tests.simulator.world import Recipe, build_world


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the platform behaves; the shops come separately."""

    client_id: str = "sim-client"
    client_secret: str = "sim-secret"
    bulk_seconds: float = 0.5
    retry_scale: float = 1.0
    token_seconds: int = 3_600
    plain_webhooks: bool = True
    redirects: tuple[str, ...] = ()
    withheld_scopes: tuple[str, ...] = ()
    state: Path | None = None
    live: float = 0.0
    concurrency: int = 64


class Platform:
    """Everything that outlives a request."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.client_id, self.client_secret = options.client_id, options.client_secret
        self.redirects, self.withheld_scopes = options.redirects, options.withheld_scopes
        self.token_seconds, self.plain_webhooks = options.token_seconds, options.plain_webhooks
        self.stats: Counter[str] = Counter()
        self.faults = Faults()
        self.stores: dict[str, Store] = {}
        self.streams: dict[str, live.Stream] = {}
        self.journal = Journal(options.state)
        self.courier = Courier(
            secret=options.client_secret,
            faults=self.faults,
            retry_scale=options.retry_scale,
            concurrency=options.concurrency,
            on_removed=self.journal.unsubscribed,
        )
        self.folder = Path(tempfile.mkdtemp(prefix="simulator-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self.bulk = BulkRunner(self, self.folder, seconds=options.bulk_seconds)
        # Keys under which a file may be uploaded.
        self.staged: set[str] = set()
        self.crashes: list[str] = []

    def note_crash(self, error: BaseException) -> None:
        self.stats["crashes"] += 1
        self.crashes.append("".join(traceback.format_exception(error))[-2000:])
        del self.crashes[:-20]

    def open_shops(self, recipes: list[Recipe]) -> None:
        """Restore what the journal tells, then make the shops it does not know."""
        for entry in self.journal.read():
            self._restore(entry)
        self.journal.open()
        for recipe in recipes:
            if recipe.domain not in self.stores:
                self.add_shop(recipe)

    def add_shop(self, recipe: Recipe) -> Store:
        """Make a shop; ValueError says what is wrong with its recipe."""
        if recipe.timezone not in zoneinfo.available_timezones():
            raise ValueError(f"there is no time zone {recipe.timezone}")
        if recipe.currency not in admin_schema().type_map["CurrencyCode"].values:
            raise ValueError(f"there is no currency {recipe.currency}")
        if recipe.plan not in SIZES:
            raise ValueError(f"plan is one of {', '.join(SIZES)}")
        if not recipe.as_of:
            today = moments.now() // moments.DAY * moments.DAY
            recipe = dataclasses.replace(recipe, as_of=today)
        store = self._make(recipe)
        self.journal.made(store)
        return store

    def _make(self, recipe: Recipe) -> Store:
        store = Store(build_world(recipe), Bucket(recipe.plan), calls=Calls(recipe.plan))
        self.stores[recipe.domain] = store
        return store

    def _restore(self, entry: dict[str, Any]) -> None:
        if entry["kind"] == "shop":
            self._make(Recipe(**entry["recipe"]))
            return
        store = self.stores[entry["shop"]]
        if entry["kind"] == "action":
            with contextlib.suppress(actions.Impossible):
                actions.act(
                    store, entry["name"], entry["parameters"], seed=entry["seed"], at=entry["at"]
                )
            if entry["name"] == "uninstall":
                store.forget_tokens()
        else:
            _RESTORERS[entry["kind"]](store, entry)

    def find(self, name: str) -> Store | None:
        """The shop whose domain is, or once was, *name*."""
        for store in self.stores.values():
            if store.domain == name:
                return store
        return next((one for one in self.stores.values() if name in one.former), None)

    def revoke(self, store: Store) -> None:
        store.forget_tokens()
        self.journal.revoked(store)

    def go_live(self, store: Store, stream: live.Stream) -> None:
        self.stop_live(store.key)
        stream.started = asyncio.get_running_loop().time()
        stream.task = asyncio.create_task(live.stream(self, store, stream), name="live actions")
        self.streams[store.key] = stream

    def stop_live(self, domain: str) -> None:
        stream = self.streams.get(domain)
        if stream is not None and stream.task is not None:
            stream.task.cancel()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.courier.open()
        if self.options.live:
            for store in self.stores.values():
                self.go_live(store, live.Stream(self.options.live, 0, seed=store.world.recipe.seed))
        try:
            yield
        finally:
            for domain in self.streams:
                self.stop_live(domain)
            await self.bulk.close(list(self.stores.values()))
            await self.courier.close()
            self.journal.close()
            shutil.rmtree(self.folder, ignore_errors=True)


def _restore_token(store: Store, entry: dict[str, Any]) -> None:
    token = Token(**entry["token"])
    store.tokens[token.text] = token
    if token.refresh:
        store.refreshes = {token.refresh: token}
    store.installed = True


def _restore_subscription(store: Store, entry: dict[str, Any]) -> None:
    one = Subscription(**entry["subscription"])
    store.subscriptions[one.id] = one
    place = store.world.ids.sequence("WebhookSubscription", one.id)
    store.sequence = max(store.sequence, place)


_RESTORERS: dict[str, Callable[[Store, dict[str, Any]], object]] = {
    "token": _restore_token,
    "subscription": _restore_subscription,
    "revoked": lambda store, entry: store.forget_tokens(),
    "unsubscribed": lambda store, entry: store.subscriptions.pop(entry["id"], None),
}
