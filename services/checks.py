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


async def sides(pool: Pool, simulator: Api, *, shop: str, shop_id: int) -> Sides:
    """Read both sides: rows per kind, and the sum of all orders' current totals."""
    async with pool.acquire() as conn:
        ours = {kind: str(rows) for kind, rows in await store.rows_per_kind(conn, shop_id)}
        total = await store.order_total(conn, shop_id)
    theirs = {kind: str(len(await _truth(simulator, shop, kind))) for kind in ours}
    orders = await _truth(simulator, shop, "orders")
    ours["order total"] = _money(total)
    theirs["order total"] = _money(total_of(orders))
    return Sides(ours=ours, theirs=theirs)


def total_of(orders: list[dict[str, str]]) -> Decimal:
    """Return the sum of REST-shaped *orders*' current totals."""
    return sum((Decimal(order["current_total_price"]) for order in orders), Decimal(0))


async def _truth(simulator: Api, shop: str, kind: str) -> list[dict[str, str]]:
    lines = await simulator.text(f"/_sim/shops/{shop}/truth/{kind}")
    return [orjson.loads(line) for line in lines.splitlines() if line]


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


async def until(done: Callable[[], Awaitable[bool]], *, seconds: float, what: str) -> None:
    """Wait for *done*; raise Unavailable when *seconds* pass without it."""
    deadline = time.monotonic() + seconds
    while not await done():
        if time.monotonic() > deadline:
            raise Unavailable(f"{what} did not happen within {seconds:.0f} s")
        await asyncio.sleep(_POLL_SECONDS)


async def settled(
    pool: Pool, simulator: Api, *, shop: str, shop_id: int, seconds: float = 90
) -> Sides:
    """Return both sides once nothing is left to do and they agree, or as they are after *seconds*.

    Some deliveries may still be on their way while nothing waits with us, so a difference is
    given time to go away; one that stays is a finding.
    """
    deadline = time.monotonic() + seconds
    while True:
        async with pool.acquire() as conn:
            rest = await store.unfinished(conn, shop_id)
        if not rest or time.monotonic() > deadline:
            found = await sides(pool, simulator, shop=shop, shop_id=shop_id)
            if found.equal or time.monotonic() > deadline:
                return found
        await asyncio.sleep(_POLL_SECONDS)


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
