"""``python -m tests.faults.kill_backfill --orders 100000 --kills 50``: kill -9 during a full sync.

A syncer copies a simulated shop's orders and is killed at random moments; each time another one
goes on. At the end every order is compared with the simulator's truth. Counted are:

- *sent*: orders given to the writer, which sends them to Postgres; noted just before it does,
  whether their transaction commits or is undone by the kill. What is sent beyond one time each is
  the repeated work. An order whose commit was done but whose acknowledgement the killed process
  never saw counts twice if it is sent again.
- *inserted*: insertions into commerce.orders as Postgres counted them, undone ones included.
- *updated*: updates of commerce.orders: committed orders that were written again.

What a bulk export cannot tell is read by id afterwards; here it is not, to keep the counts clear.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import orjson

from shared.keyring import KeyRing, generate_key
from shared.migrate import migrate
from shared.shopify.snapshots import Owner
from tests import infrastructure
from tests.integration.syncer.shopify import Simulator, ask_for, connect_store, simulating
from tests.integration.syncer.test_killed import environment_for, process

_SETTLE_SECONDS = 1.5  # a backend that has ended reports its statistics by then
_FORGET_WISHES = """
CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER nothing BEFORE INSERT ON commerce.refetches FOR EACH ROW
    EXECUTE FUNCTION public.nothing()
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run left behind; *operations* were started at Shopify for *windows*."""

    seconds: float
    kills: int
    orders: int
    different: int
    sent: int
    inserted: int
    updated: int
    windows: int
    operations: int

    @property
    def repeated(self) -> float:
        """The part of the work that was done again."""
        return (self.sent - self.orders) / self.orders


@dataclass(kw_only=True)
class Copy:
    """One copy of a shop: its database, its job and how its syncers are started."""

    db: asyncpg.Connection
    owner: Owner
    environment: dict[str, str]
    sent: Path

    def syncer(self) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
        """Run a syncer while the context is open, then kill it."""
        return process("tests.faults.counted_syncer", **self.environment)

    async def written(self) -> int:
        return int(await self.db.fetchval("SELECT rows_done FROM commerce.sync_jobs"))

    async def unfinished(self) -> bool:
        """Say whether there is still something to copy; raise when the job failed."""
        row = await self.db.fetchrow("SELECT status, error FROM commerce.sync_jobs")
        if row["status"] == "failed":
            raise RuntimeError(row["error"])
        return bool(row["status"] != "succeeded")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--orders", type=int, default=100_000)
    asked.add_argument("--kills", type=int, default=50)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--window", type=int, default=2500)
    given = asked.parse_args()
    server = infrastructure.postgres()
    found = asyncio.run(
        kill(server, orders=given.orders, kills=given.kills, seed=given.seed, window=given.window)
    )
    print(
        f"{found.kills} kills in {found.seconds:.0f} s: {found.orders} orders,"
        f" {found.different} differ from the truth; {found.sent} sent, {found.inserted} inserted,"
        f" {found.updated} updated; {found.windows} windows in {found.operations} operations;"
        f" repeated work {found.repeated:.2%}"
    )


async def kill(server: str, *, orders: int, kills: int, seed: int, window: int) -> Outcome:
    """Copy a shop of so many *orders* with so many *kills*."""
    shop = ("--orders", str(orders), "--products", "100", "--customers", "2000", "--seed", "3")
    async with (
        simulating(*shop, "--plan", "plus") as simulator,
        _copying(server, simulator, window) as copy,
    ):
        truth = hashes(await simulator.truth("orders"))
        started, rng = time.monotonic(), random.Random(seed)
        for done in range(kills):
            await _life(copy, rng, orders=orders, kills=kills - done)
            # As if the lease had run out; waiting for it would take thirty seconds.
            await copy.db.execute(
                "UPDATE commerce.sync_jobs SET lease_until = now() - interval '1 second'"
            )
        async with copy.syncer() as child:
            while await copy.unfinished() and child.returncode is None:
                await asyncio.sleep(0.1)
        seconds = time.monotonic() - started
        await asyncio.sleep(_SETTLE_SECONDS)
        stats = (await simulator.stats())["shops"].values()
        return await _outcome(
            copy, truth, seconds=seconds, kills=kills,
            operations=next(iter(stats))["bulk_operations"],
        )  # fmt: skip


async def _life(copy: Copy, rng: random.Random, *, orders: int, kills: int) -> None:
    """Let a syncer live until a random moment; every third may die before it writes anything."""
    before = await copy.written()
    most = max(1, 2 * (orders - before) // (kills + 1))
    enough, moment = rng.randint(1, most), time.monotonic() + rng.uniform(0.2, 4)
    by_time = rng.random() < 1 / 3
    async with copy.syncer() as child:
        while await copy.unfinished():
            if child.returncode is not None:
                raise RuntimeError("the syncer ended by itself")
            if by_time and time.monotonic() > moment:
                break
            # Who is to die early must not outrun the kills that are still to come.
            if await copy.written() >= before + (most if by_time else enough):
                break
            await asyncio.sleep(0.005)
        else:
            raise RuntimeError(f"the copy was over with {kills} kills to go")
        await asyncio.sleep(rng.uniform(0, 0.2))


@asynccontextmanager
async def _copying(server: str, simulator: Simulator, window: int) -> AsyncIterator[Copy]:
    name = f"till_kill_{uuid.uuid4().hex[:8]}"
    dsn, key = server.rsplit("/", 1)[0] + f"/{name}", generate_key()
    admin = await asyncpg.connect(server)
    await admin.execute(f"CREATE DATABASE {name}")
    try:
        await migrate(dsn)
        db = await asyncpg.connect(dsn)
        await db.execute(_FORGET_WISHES)
        owner = await connect_store(db, await simulator.token(), KeyRing.parse(key))
        await ask_for(db, owner, "orders", "full")
        with tempfile.TemporaryDirectory(prefix="till-") as folder:
            sent = Path(folder) / "sent"
            environment = environment_for(
                dsn,
                SHOPIFY_ENCRYPTION_KEY=key,
                SHOPIFY_BASE_URL=simulator.base_url,
                SHOPIFY_SYNC_WINDOW=str(window),
                SENT=str(sent),
            )
            yield Copy(db=db, owner=owner, environment=environment, sent=sent)
        await db.close()
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


async def _outcome(
    copy: Copy, truth: dict[int, str], *, seconds: float, kills: int, operations: int
) -> Outcome:
    row = await copy.db.fetchrow(
        "SELECT n_tup_ins, n_tup_upd, (SELECT count(*) FROM commerce.orders) AS orders,"
        " (SELECT count(*) FROM commerce.bulk_operations) AS windows"
        " FROM pg_stat_user_tables WHERE schemaname = 'commerce' AND relname = 'orders'"
    )
    return Outcome(
        seconds=seconds,
        kills=kills,
        orders=row["orders"],
        different=await differing(copy.db, copy.owner, truth),
        sent=sum(map(int, copy.sent.read_text().split())),
        inserted=row["n_tup_ins"],
        updated=row["n_tup_upd"],
        windows=row["windows"],
        operations=operations,
    )


def hashes(lines: list[bytes]) -> dict[int, str]:
    """Return what identifies each order's state, by id: its money, lines, payments, parcels."""
    found = {}
    for line in lines:
        order = orjson.loads(line)
        parts = [order["name"], _cents(order["total_price"]), _cents(order["current_total_price"])]
        lines = order["line_items"]
        parts += [f"{one['id']}:{one['quantity']}:{_cents(one['price'])}" for one in lines]
        paid = [
            (one["id"], one["amount_set"]["shop_money"]["amount"]) for one in order["transactions"]
        ]
        parts += [f"{number}:{_cents(amount)}" for number, amount in paid]
        parts += [str(one["id"]) for one in order["fulfillments"]]
        found[order["id"]] = _hash(parts)
    return found


_OURS = """
WITH lines AS (
    SELECT order_id, array_agg(concat_ws(':', line_id, quantity, (price * 100)::bigint)) AS parts
    FROM commerce.order_lines WHERE shop_id = $1 GROUP BY order_id
), paid AS (
    SELECT order_id, array_agg(concat_ws(':', transaction_id, (amount * 100)::bigint)) AS parts
    FROM commerce.transactions WHERE shop_id = $1 GROUP BY order_id
), parcels AS (
    SELECT order_id, array_agg(fulfillment_id::text) AS parts
    FROM commerce.fulfillments WHERE shop_id = $1 GROUP BY order_id
)
SELECT order_id, name, total_price, current_total_price,
    COALESCE(lines.parts, '{}') || COALESCE(paid.parts, '{}') || COALESCE(parcels.parts, '{}')
        AS parts
FROM commerce.orders
LEFT JOIN lines USING (order_id) LEFT JOIN paid USING (order_id) LEFT JOIN parcels USING (order_id)
WHERE shop_id = $1 AND deleted_at IS NULL
"""


async def differing(db: asyncpg.Connection, owner: Owner, truth: dict[int, str]) -> int:
    """Return how many orders are missing, too many, or not what the truth says."""
    await db.execute("ANALYZE commerce.orders, commerce.order_lines")
    await db.execute("ANALYZE commerce.transactions, commerce.fulfillments")
    await db.execute("SET enable_nestloop = off")
    ours = {
        row["order_id"]: _hash(
            [
                row["name"],
                _cents(row["total_price"]),
                _cents(row["current_total_price"]),
                *row["parts"],
            ]
        )
        for row in await db.fetch(_OURS, owner.shop_id)
    }
    return sum(1 for one in ours.keys() | truth.keys() if ours.get(one) != truth.get(one))


def _cents(amount: object) -> str:
    return str(round(float(str(amount)) * 100))


def _hash(parts: list[str]) -> str:
    return hashlib.sha256("|".join(sorted(parts)).encode()).hexdigest()


if __name__ == "__main__":
    main()
