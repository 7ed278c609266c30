"""kill -9 of the syncer during a verification: the next one goes on and finds the same."""

from __future__ import annotations

import pytest

from shared.keyring import KeyRing, generate_key
from tests.integration.syncer.shopify import ask_for, connect_store, simulating
from tests.integration.syncer.test_killed import environment_for, process, until

ORDERS = 600
KILLS = (1, 200, 400)
DONE = "SELECT COALESCE(max(rows_done), 0) FROM commerce.sync_jobs WHERE mode = 'verify'"
ENDED = "SELECT status FROM commerce.sync_jobs WHERE mode = '{}'"
# Orders with refunds: their reading by id, after the copy, would mend what is damaged here.
OWED = "SELECT count(*) FROM commerce.refetches"
# As if the dead process's lease had run out; waiting would take thirty seconds.
LET_GO = "UPDATE commerce.sync_jobs SET lease_until = now(), not_before = now()"


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_verification_survives_being_killed_at_any_part(dsn, db):
    key = generate_key()
    async with simulating("--orders", str(ORDERS), "--seed", "5", "--plan", "plus") as simulator:
        owner = await connect_store(db, await simulator.token(), KeyRing.parse(key))
        environment = environment_for(
            dsn,
            SHOPIFY_ENCRYPTION_KEY=key,
            SHOPIFY_BASE_URL=simulator.base_url,
            SHOPIFY_SYNC_WINDOW="100",
        )
        await ask_for(db, owner, "orders", "full")
        async with process("services.syncer", **environment):
            await until(db, ENDED.format("full"), "succeeded", seconds=60)
            await until(db, OWED, 0, seconds=60)
        wrong = await damaged(db)

        await ask_for(db, owner, "orders", "verify")
        killed = 0
        for enough in KILLS:
            async with process("services.syncer", **environment):
                await until(db, f"SELECT ({DONE}) >= {enough}", wanted=True, seconds=30)
            killed += await db.fetchval(ENDED.format("verify")) == "running"
            await db.execute(LET_GO)
        async with process("services.syncer", **environment):
            await until(db, ENDED.format("verify"), "succeeded", seconds=60)

    assert killed >= 2
    found = await db.fetch("SELECT id, what, columns FROM commerce.verification_differences")
    assert {row["id"]: (row["what"], row["columns"]) for row in found} == wrong
    run = await db.fetchrow(
        "SELECT ours, theirs, compared, differences FROM commerce.verifications"
    )
    assert tuple(run) == (ORDERS, ORDERS, ORDERS, len(wrong))
    assert await db.fetchval("SELECT count(*) FROM commerce.verification_seen") == 0


async def damaged(db) -> dict[int, tuple[str, list[str]]]:
    """Spoil an order in ten; return what must be said of each."""
    rows = await db.fetch(
        "UPDATE commerce.orders SET total_price = total_price + 1 WHERE order_id % 10 = 3"
        " RETURNING order_id"
    )
    return {row["order_id"]: ("differs", ["orders.total_price"]) for row in rows}
