"""Compares what we hold with what the simulator says is true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import orjson

from services import store
from services.api import Api
from shared.bus.protocol import Bus
from shared.bus.topology import QUEUES
from shared.errors import Unavailable
from shared.postgres import Pool

_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One sentence that should be true, and what was found."""

    sentence: str
    passed: bool
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The numbers of one kind, ours and the simulator's."""

    ours: Mapping[str, str]
    theirs: Mapping[str, str]

    @property
    def equal(self) -> bool:
        return self.ours == self.theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where both sides of one store are read."""

    pool: Pool
    bus: Bus
    simulator: Api
    shop: str
    shop_id: int


async def sides(bench: Bench) -> Sides:
    """Read both sides: rows per kind, and the sum of all orders' current totals."""
    async with bench.pool.acquire() as conn:
        rows = await store.rows_per_kind(conn, bench.shop_id)
        total = await store.order_total(conn, bench.shop_id)
    ours = {kind: str(count) for kind, count in rows} | {"order total": f"{total:.2f}"}
    theirs = {}
    for kind, _ in rows:
        count, sum_of_totals = await _truth(bench, kind)
        theirs[kind] = str(count)
        if kind == "orders":
            theirs["order total"] = f"{sum_of_totals:.2f}"
    return Sides(ours=ours, theirs=theirs)


async def _truth(bench: Bench, kind: str) -> tuple[int, Decimal]:
    count, total = 0, Decimal(0)
    async for line in bench.simulator.lines(f"/_sim/shops/{bench.shop}/truth/{kind}"):
        one = orjson.loads(line)
        # An item is not stocked where its level is inactive, whether the row is kept or not.
        if kind != "inventory_levels" or one["active"]:
            count += 1
        total += Decimal(one.get("current_total_price", 0))
    return count, total


async def until(done: Callable[[], Awaitable[bool]], *, seconds: float, what: str) -> None:
    """Wait for *done*; raise Unavailable when *seconds* pass without it."""
    deadline = time.monotonic() + seconds
    while not await done():
        if time.monotonic() > deadline:
            raise Unavailable(f"{what} did not happen within {seconds:.0f} s")
        await asyncio.sleep(_POLL_SECONDS)


async def settled(bench: Bench, *, patience_seconds: float = 60) -> Sides:
    """Return both sides once nothing is left to do and they agree.

    Orders with refunds are read again after a backfill, and deliveries may still be on their way
    while nothing waits with us. So this waits as long as the rest shrinks, and *patience_seconds*
    after that; a difference that is still there then is a finding.
    """
    lowest, deadline = None, 0.0
    while True:
        rest = await _unfinished(bench)
        if lowest is None or rest < lowest:
            lowest, deadline = rest, time.monotonic() + patience_seconds
        late = time.monotonic() > deadline
        if late or not rest:
            found = await sides(bench)
            if late or found.equal:
                return found
        await asyncio.sleep(_POLL_SECONDS)


async def _unfinished(bench: Bench) -> int:
    async with bench.pool.acquire() as conn:
        rest = await store.unfinished(conn, bench.shop_id)
    return rest + sum([await bench.bus.depth(queue) for queue in QUEUES])


async def none_dead(bench: Bench) -> Check:
    """Judge whether every delivery and message was worth it."""
    async with bench.pool.acquire() as conn:
        dead = dict(await store.deliveries_per_state(conn, bench.shop_id)).get("dead", 0)
    buried = sum([await bench.bus.dead(queue) for queue in QUEUES])
    return Check(
        sentence="no delivery was buried",
        passed=not dead and not buried,
        found=f"{dead} deliveries and {buried} messages",
    )


def check_of_sides(found: Sides) -> Check:
    """Judge whether both sides agree."""
    differences = [
        f"{name}: {found.ours.get(name)} here, {theirs} there"
        for name, theirs in found.theirs.items()
        if found.ours.get(name) != theirs
    ]
    return Check(
        sentence="rows and order total equal the store's",
        passed=not differences,
        found="; ".join(differences) or f"{len(found.theirs)} numbers",
    )
