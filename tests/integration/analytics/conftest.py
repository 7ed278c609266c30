"""A shop, a pool that acts as analytics, and a way to bring everything to rest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from services.analytics.app import ROLE
from services.analytics.drain import drain
from services.analytics.verify import unbalanced_buckets, verify_shop
from shared.postgres import Pool, close_pool, open_pool
from tests.integration.analytics.orders import Shop, a_key


@pytest.fixture
async def shop(db: asyncpg.Connection) -> Shop:
    made = Shop(db, a_key())
    await made.move_to("Europe/London")
    return made


@pytest.fixture
async def pool(dsn: str, db: asyncpg.Connection) -> AsyncIterator[Pool]:
    made = await open_pool(dsn, role=ROLE, max_size=4)
    yield made
    await close_pool(made)


@pytest.fixture
def at_rest(pool: Pool) -> Callable[[], Awaitable[None]]:
    async def rest() -> None:
        while await drain(pool):
            pass

    return rest


@pytest.fixture
def proven(pool: Pool) -> Callable[[Shop], Awaitable[None]]:
    """Return a check that a shop's ledger and rollup equal a full recompute, to the cent."""

    async def check(shop: Shop) -> None:
        async with pool.acquire() as conn:
            verdict = await verify_shop(conn, shop.key)
            assert (verdict.differences, verdict.sample, verdict.pending) == (0, [], 0)
            assert await unbalanced_buckets(conn, shop.key) == []

    return check
