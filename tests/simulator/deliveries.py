"""Webhook deliveries: signed, sent with keep-alive, tried again and given up as Shopify does."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import hmac
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from tests.simulator import search
from tests.simulator.payloads.extras import add_metafields
from tests.simulator.store import Store, Subscription

# Eight retries within four hours; Shopify publishes only the count and the span.
RETRY_SECONDS = (60, 120, 300, 600, 1_200, 2_400, 4_000, 5_720)
TIMEOUT = aiohttp.ClientTimeout(total=5, connect=1)


def signature(secret: str, body: bytes) -> str:
    """``X-Shopify-Hmac-Sha256`` of *body*."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


@dataclass(slots=True)
class Delivery:
    store: Store
    subscription: Subscription
    topic: str
    body: bytes
    headers: dict[str, str]
    attempt: int = 0


@dataclass(slots=True)
class Courier:
    """Sends deliveries, at most ``concurrency`` at a time."""

    secret: str
    faults: Any
    retry_scale: float = 1.0
    concurrency: int = 64
    sent: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    dropped: int = 0
    retried: int = 0
    removed: int = 0
    given_up: int = 0
    on_removed: Any = None
    _queue: asyncio.Queue[Delivery] = field(default_factory=asyncio.Queue)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _later: set[asyncio.Task[None]] = field(default_factory=set)
    _busy: int = 0
    _session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        connector = aiohttp.TCPConnector(limit=self.concurrency, keepalive_timeout=30)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=TIMEOUT, auto_decompress=False
        )
        self._tasks = [
            asyncio.create_task(self._work(), name=f"courier {n}") for n in range(self.concurrency)
        ]

    async def close(self) -> None:
        for task in [*self._tasks, *self._later]:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._later, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    @property
    def pending(self) -> int:
        return self._queue.qsize() + self._busy + len(self._later)

    def announce(self, store: Store, topic: str, body: Any, *, event: str | None = None) -> int:
        """Queue one event to every subscription of its topic; return how many."""
        name = topic.upper().replace("/", "_").replace(".", "_")
        wanted = [one for one in store.subscriptions.values() if one.topic == name]
        if not wanted:
            return 0
        raw = orjson.dumps(body)
        triggered = time.time_ns()
        event = event or str(uuid.uuid4())
        wanted = [one for one in wanted if passes(one, raw)]
        for one in wanted:
            self._enqueue(self._delivery(store, one, topic, raw, event=event, at=triggered))
        return len(wanted)

    def _delivery(
        self, store: Store, one: Subscription, topic: str, raw: bytes, *, event: str, at: int
    ) -> Delivery:
        body = _only(_with_metafields(store, one, topic, raw), one.include_fields)
        seconds, nanoseconds = divmod(at, 10**9)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": signature(self.secret, body),
            "X-Shopify-Shop-Domain": store.domain,
            "X-Shopify-API-Version": one.api_version,
            "X-Shopify-Webhook-Id": str(uuid.uuid4()),
            "X-Shopify-Event-Id": event,
            "X-Shopify-Triggered-At": f"{stamp}.{nanoseconds:09d}Z",
        }
        if one.name:
            headers["X-Shopify-Name"] = one.name
        return Delivery(store, one, topic, body, headers)

    def _enqueue(self, delivery: Delivery) -> None:
        faults = self.faults
        if faults.strikes("webhooks", "drop"):
            self.dropped += 1
            return
        copies = 2 if faults.strikes("webhooks", "duplicate") else 1
        delay = faults.seconds("webhooks", "delay_seconds")
        if faults.strikes("webhooks", "late"):
            delay += faults.seconds("webhooks", "late_seconds") or 2.0
        for _ in range(copies):
            if delay:
                self._wait(delivery, delay)
            else:
                self._queue.put_nowait(delivery)

    def _wait(self, delivery: Delivery, seconds: float) -> None:
        async def later() -> None:
            await asyncio.sleep(seconds)
            self._queue.put_nowait(delivery)

        task = asyncio.create_task(later(), name="late delivery")
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _work(self) -> None:
        while True:
            delivery = await self._queue.get()
            self._busy += 1
            try:
                await self._send(delivery)
            finally:
                self._busy -= 1

    async def _send(self, delivery: Delivery) -> None:
        assert self._session is not None
        if delivery.subscription.id not in delivery.store.subscriptions:
            return
        self.sent[delivery.topic] += 1
        try:
            async with self._session.post(
                delivery.subscription.uri,
                data=delivery.body,
                headers=delivery.headers,
                allow_redirects=False,
            ) as response:
                await response.read()
                good = 200 <= response.status < 300
        except (aiohttp.ClientError, TimeoutError):
            good = False
        if good:
            self.acknowledged[delivery.topic] += 1
            delivery.subscription.failures = 0
        else:
            self._failed(delivery)

    def _failed(self, delivery: Delivery) -> None:
        self.failed[delivery.topic] += 1
        if delivery.attempt < len(RETRY_SECONDS):
            seconds = RETRY_SECONDS[delivery.attempt] * self.retry_scale
            delivery.attempt += 1
            self.retried += 1
            self._wait(delivery, seconds)
            return
        self.given_up += 1
        gone = delivery.store.subscriptions.pop(delivery.subscription.id, None)
        if gone is not None:
            self.removed += 1
            if self.on_removed is not None:
                self.on_removed(delivery.store, gone.id)

    def stats(self) -> dict[str, Any]:
        return {
            "sent": sum(self.sent.values()),
            "acknowledged": sum(self.acknowledged.values()),
            "failed": sum(self.failed.values()),
            "dropped": self.dropped,
            "retried": self.retried,
            "given_up": self.given_up,
            "subscriptions_removed": self.removed,
            "pending": self.pending,
            "topics": {
                topic: {
                    "sent": count,
                    "acknowledged": self.acknowledged[topic],
                    "failed": self.failed[topic],
                }
                for topic, count in sorted(self.sent.items())
            },
        }


def _with_metafields(store: Store, one: Subscription, topic: str, raw: bytes) -> bytes:
    if not one.metafield_namespaces:
        return raw
    body = orjson.loads(raw)
    add_metafields(body, topic, one.metafield_namespaces, store.world)
    return orjson.dumps(body)


def passes(one: Subscription, raw: bytes) -> bool:
    """Whether a body is what the subscription's filter lets through.

    Dotted paths lead into the body, any element of a list will do, and a field that is not there
    lets nothing through.
    """
    if not one.filter:
        return True
    body = orjson.loads(_only(raw, one.include_fields))
    return any(_satisfied(body, terms) for terms in search.parse_filter(one.filter))


def _satisfied(body: Any, terms: list[search.Term]) -> bool:
    for term in terms:
        found = list(_at(body, term.field.split(".")))
        getters: dict[str, search.Getter] = {term.field: lambda one: one}
        positive = dataclasses.replace(term, negated=False)
        values = [_number(value) if term.operator else value for value in found]
        hit = any(search.matches(value, [positive], getters) for value in values)
        if not found or hit is term.negated:
            return False
    return True


def _number(value: Any) -> Any:
    """Money is text in a body, but is compared as a number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _at(body: Any, path: list[str]) -> Iterator[Any]:
    if isinstance(body, list):
        for one in body:
            yield from _at(one, path)
    elif not path:
        yield body
    elif isinstance(body, dict) and path[0] in body:
        yield from _at(body[path[0]], path[1:])


def _only(raw: bytes, names: list[str]) -> bytes:
    if not names:
        return raw
    body = orjson.loads(raw)
    tops = {name.partition(".")[0] for name in names}
    return orjson.dumps({key: value for key, value in body.items() if key in tops})
