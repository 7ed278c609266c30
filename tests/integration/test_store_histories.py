"""Whatever happens in a store and whatever is lost on the way: in the end we have what it has.

Random histories of two stores; 3 % of webhooks are lost, 10 % come twice, 30 % late, and 5 % of all
Admin calls fail in each of eight ways, also while we poll once and sweep once. A longer run:
``STORE_HISTORIES=50 STORE_HISTORY_STEPS=300 STORE_HISTORY_SEED=1 pytest -s`` on this file.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

from services.analytics.app import ROLE
from services.analytics.drain import drain
from shared.postgres import Pool, close_pool, open_pool
from tests.integration.outcomes import equal_to_recompute
from tests.integration.store_truth import differences
from tests.integration.stores import Market, Step, open_market, readable, steps

EXAMPLES = int(os.environ.get("STORE_HISTORIES", "2"))
MOST = int(os.environ.get("STORE_HISTORY_STEPS", "110"))
SEED = int(os.environ.get("STORE_HISTORY_SEED", "20261121"))
SHRINK = (Phase.shrink,) if "STORE_HISTORY_SHRINK" in os.environ else ()
SCHEMAS = ("accounts", "bus", "pacing", "intake", "commerce", "analytics")


@dataclass(frozen=True)
class Database:
    """One database, and who works in it; *reader* decodes JSON."""

    reader: asyncpg.Connection
    db: asyncpg.Connection
    syncer: Pool
    gateway: Pool
    analytics: Pool

    async def empty(self) -> None:
        tables = await self.db.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname = ANY($1::text[])",
            list(SCHEMAS),
        )
        await self.db.execute("SET session_replication_role = replica")
        await self.db.execute(";".join(f"DELETE FROM {row['name']}" for row in tables))
        await self.db.execute("SET session_replication_role = origin")


@pytest.fixture
async def database(dsn: str, db: asyncpg.Connection) -> AsyncIterator[Database]:
    syncer = await open_pool(dsn, role="tillstream_syncer", max_size=10)
    gateway = await open_pool(dsn, role="tillstream_gateway", max_size=2)
    analytics = await open_pool(dsn, role=ROLE, max_size=2)
    reader = await asyncpg.connect(dsn)
    await reader.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=orjson.dumps, decoder=orjson.loads
    )
    yield Database(reader, db, syncer, gateway, analytics)
    await reader.close()
    for pool in (analytics, gateway, syncer):
        await close_pool(pool)


@seed(SEED)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    # Shrinking takes minutes: each example is the whole life of two stores.
    phases=(Phase.explicit, Phase.generate, *SHRINK),
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
@given(
    history=steps(least=MOST * 2 // 3, most=MOST, in_turn=not SHRINK), luck=st.integers(0, 2**32)
)
@pytest.mark.slow
@pytest.mark.timeout(90 * max(1, EXAMPLES))
async def test_our_copy_is_the_store_after_one_poll_cycle_and_one_sweep(
    database: Database, history: list[Step], luck: int
) -> None:
    await database.empty()
    note(f"seed {SEED}, luck {luck}")
    for line in readable(history):
        note(line)
    async with open_market(
        database.db, syncer=database.syncer, gateway=database.gateway, seed=luck
    ) as market:
        market.rage(on=True)
        await market.copy()
        await market.live(history)
        await market.settle()
        await _is_the_truth(database, market)


async def _is_the_truth(database: Database, market: Market) -> None:
    while await drain(database.analytics):
        pass
    for place in market.places:
        wrong = await differences(database.reader, database.syncer, place)
        if wrong:
            told = "\n".join([*wrong[:30], *market.trace])
            raise AssertionError(f"seed {SEED}: {len(wrong)} differences\n{told}")
        await equal_to_recompute(database.analytics, place.owner)
