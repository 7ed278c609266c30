"""When a request may go to a shop: one bucket per shop, kept in Postgres for all processes.

A process that cannot reach Postgres goes on with the bucket as it last knew it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import msgspec
import structlog
from aiohttp import web
from prometheus_client import Counter, Gauge, Histogram

from shared.metrics import SECONDS_BUCKETS
from shared.postgres import PASSING, Connection, Pool, Record, close_pool, load_queries, open_pool
from shared.shopify.cost import Bucket, Cost, Costs, Hold, Outcome, Priority, Request
from shared.shopify.snapshots import Owner

log = structlog.get_logger()

WAIT_SECONDS = Histogram(
    "tillstream_shopify_wait_seconds",
    "Time a request waited for points before it was sent, by priority.",
    ["priority"],
    buckets=SECONDS_BUCKETS,
)
POINTS_TOTAL = Counter(
    "tillstream_shopify_points_total",
    "Query points that Shopify charged for requests, by priority: interactive or background.",
    ["priority"],
)
POINTS_AVAILABLE = Gauge(
    "tillstream_shopify_points_available",
    "Query points left at the shops that this process asks, as it last knew them.",
)
POINTS_MAXIMUM = Gauge(
    "tillstream_shopify_points_maximum",
    "Query points that the shops this process asks can hold.",
)
SHARED = Gauge(
    "tillstream_shopify_pacing_shared",
    "Whether this process shares the shops' points with others: 0 while Postgres is away.",
)

_QUERIES = load_queries("shared.shopify", "pacing.sql")
_SLEEP_MAX_SECONDS = 1.0
_DATABASE_SECONDS = 2.0
_AWAY_SECONDS = 5.0
_CONNECTIONS = 2
_decode_holds = msgspec.json.Decoder(dict[str, Hold]).decode
_T = TypeVar("_T")


@dataclass(slots=True, kw_only=True)
class Usage:
    """Requests that are not yet counted in ``pacing.usage_daily``."""

    requests: int = 0
    interactive: int = 0
    points: float = 0.0
    throttled: int = 0
    errors: int = 0

    def add(self, request: Request, cost: Cost | None, failure: str) -> None:
        """Count one request; *failure* is its error's code or empty."""
        self.requests += 1
        self.interactive += request.priority == "interactive"
        self.points += (cost.actual_query_cost or 0.0) if cost else 0.0
        self.throttled += failure == "throttled"
        self.errors += failure not in {"", "throttled"}

    def less(self, counted: Usage) -> None:
        """Take off what has been *counted*."""
        for field in fields(self):
            value = getattr(self, field.name) - getattr(counted, field.name)
            setattr(self, field.name, value)


class Keeper:
    """One shop's bucket as this process sees it, in Postgres or, without a pool, here alone."""

    def __init__(self, owner: Owner | None, pool: Pool | None) -> None:
        self._owner = owner
        self._pool = pool
        self._known = Bucket()
        # By how much the clock of whoever keeps the bucket is ahead of ours.
        self._ahead = 0.0
        self._away_until = 0.0
        self._usage = Usage()
        self._one_at_a_time = asyncio.Lock()

    @property
    def points(self) -> tuple[float, float]:
        """Return the points left and the most there can be, as last known."""
        return self._known.available(time.monotonic() + self._ahead), self._known.maximum

    async def claim(self, request: Request) -> float:
        """Return 0 when *request* may and must go now, else seconds after which to ask again."""
        return await self._change(lambda bucket, now: bucket.claim(request, now))

    async def settle(self, request: Request, outcome: Outcome, failure: str = "") -> None:
        """Tell what came of *request*, and count it."""
        self._usage.add(request, outcome.cost, failure)
        if outcome.cost is not None:
            POINTS_TOTAL.labels(request.priority).inc(outcome.cost.actual_query_cost or 0.0)
        await self._change(lambda bucket, now: bucket.settle(request, outcome, now))

    async def _change(self, decide: Callable[[Bucket, float], _T]) -> _T:
        if self._pool is not None and self._owner is not None:
            async with self._one_at_a_time:
                if time.monotonic() >= self._away_until:
                    with self._tolerated():
                        return await self._shared(self._pool, self._owner, decide)
        return decide(self._known, time.monotonic() + self._ahead)

    async def _shared(self, pool: Pool, owner: Owner, decide: Callable[[Bucket, float], _T]) -> _T:
        async with (
            asyncio.timeout(_DATABASE_SECONDS),
            pool.acquire(timeout=_DATABASE_SECONDS) as conn,
        ):
            await conn.execute(_QUERIES["as_tenant"], owner.tenant_id)
            while True:
                (row,) = await conn.fetch(_QUERIES["read"], owner.tenant_id, owner.shop_id)
                bucket, now = _bucket_of(row), row["now"]
                decided = decide(bucket, now)
                usage = replace(self._usage)
                if await _swapped(conn, owner, row["version"], bucket, usage):
                    self._usage.less(usage)
                    self._known, self._ahead = bucket, now - time.monotonic()
                    self._away_until = 0.0
                    SHARED.set(1)
                    return decided

    @contextlib.contextmanager
    def _tolerated(self) -> Iterator[None]:
        try:
            yield
        except (*PASSING, TimeoutError) as exc:
            if self._away_until == 0.0:
                log.warning("points are not shared: Postgres is away", error=type(exc).__name__)
            self._away_until = time.monotonic() + _AWAY_SECONDS
            SHARED.set(0)


class Pace:
    """One caller's requests to one shop: each waits for its turn, and tells what it cost."""

    def __init__(
        self, keeper: Keeper, costs: Costs, *, priority: Priority, per_second: float | None
    ) -> None:
        self._keeper = keeper
        self._costs = costs
        self._priority: Priority = priority
        self._per_second = per_second

    async def turn(
        self, document: str, variables: Mapping[str, object] | None, *, lasts_seconds: float
    ) -> Request:
        """Wait until *document* may be sent. It must be sent then, and settled when it is over."""
        request = Request(
            name=uuid.uuid4().hex[:16],
            points=self._costs.expected(document, variables),
            priority=self._priority,
            lasts_seconds=lasts_seconds,
            per_second=self._per_second,
        )
        started = time.monotonic()
        while True:
            wait = await self._keeper.claim(request)
            if wait <= 0:
                break
            await asyncio.sleep(min(wait, _SLEEP_MAX_SECONDS))
        WAIT_SECONDS.labels(self._priority).observe(time.monotonic() - started)
        return request

    async def settle(self, request: Request, outcome: Outcome, failure: str = "") -> None:
        """Tell what came of *request*; *failure* is an error's code or empty."""
        await self._keeper.settle(request, outcome, failure)

    def learn(self, document: str, variables: Mapping[str, object] | None, cost: Cost) -> None:
        """Remember what Shopify asked for *document*."""
        self._costs.learn(document, variables, cost.requested_query_cost)


class Pacing:
    """The shops that one process asks.

    *per_second* caps the requests to each shop, over all processes.
    """

    def __init__(self, pool: Pool | None = None, *, per_second: float | None = None) -> None:
        self._pool = pool
        self._per_second = per_second
        self._costs = Costs()
        self._keepers: dict[Owner, Keeper] = {}

    def pace(self, owner: Owner | None = None, *, priority: Priority = "background") -> Pace:
        """Return the pace of *owner*'s shop; without an owner, of a shop that nobody else asks."""
        keeper = self._keepers.get(owner) if owner is not None else None
        if keeper is None:
            keeper = Keeper(owner, self._pool)
            _KEEPERS.add(keeper)
            if owner is not None:
                self._keepers[owner] = keeper
        return Pace(keeper, self._costs, priority=priority, per_second=self._per_second)


PACING = web.AppKey("PACING", Pacing)


def pacing_of(
    dsn: str, *, role: str, per_second: float
) -> Callable[[web.Application], AsyncIterator[None]]:
    """Return a ``cleanup_ctx`` that keeps ``app[PACING]``.

    It has connections of its own: no job that waits for its turn may hold the last one.
    """

    async def pacing(app: web.Application) -> AsyncIterator[None]:
        pool = await open_pool(dsn, role=role, min_size=1, max_size=_CONNECTIONS)
        app[PACING] = Pacing(pool, per_second=per_second)
        yield
        await close_pool(pool)

    return pacing


_KEEPERS: weakref.WeakSet[Keeper] = weakref.WeakSet()
POINTS_AVAILABLE.set_function(lambda: sum(keeper.points[0] for keeper in list(_KEEPERS)))
POINTS_MAXIMUM.set_function(lambda: sum(keeper.points[1] for keeper in list(_KEEPERS)))


def _bucket_of(row: Record) -> Bucket:
    if row["version"] == 0:
        return Bucket()
    return Bucket(
        maximum=row["maximum"],
        restore_rate=row["restore_rate"],
        level=row["level"],
        seen_at=row["seen_at"],
        spent=row["spent"],
        slots=row["slots"],
        paused_until=row["paused_until"],
        answered=row["answered"],
        holds=_decode_holds(row["holds"]),
    )


async def _swapped(
    conn: Connection, owner: Owner, version: int, bucket: Bucket, usage: Usage
) -> bool:
    swapped: bool = await conn.fetchval(
        _QUERIES["swap"],
        owner.tenant_id,
        owner.shop_id,
        version,
        bucket.maximum,
        bucket.restore_rate,
        bucket.level,
        bucket.seen_at,
        bucket.spent,
        bucket.slots,
        bucket.paused_until,
        bucket.answered,
        msgspec.json.encode(bucket.holds).decode(),
        usage.requests,
        usage.interactive,
        usage.points,
        usage.throttled,
        usage.errors,
    )
    return swapped
