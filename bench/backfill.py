"""``python -m bench.backfill``: orders a second from a bulk operation's file into the tables.

The whole path runs in a process of its own: planning, download, mapping, guarded writer. In the
same run the same final rows are loaded by plain COPY into tables with the same indexes, and the
same file by two loaders as others write them (bench/peers). DATABASE_URL names the server.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from bench.backfilling.cost import cpu_seconds
from bench.backfilling.shop import (
    BUCKET_POINTS,
    LINES_PER_ORDER,
    POINTS_PER_SECOND,
    generate,
)
from bench.backfilling.worker import TENANT
from bench.peers import row_by_row, usual
from bench.peers.rows import TABLES
from shared.migrate import migrate
from shared.tables import COLUMNS

SERVER = os.environ.get("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
PEERS = {
    "orjson and executemany of 500": (usual.load, 10_000),
    "row by row": (row_by_row.load, 2_000),
}
SMALL, BIG = 20_000, 200_000
OURS_ALONE = ("raw", "synced_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A bulk file of so many orders, and the server that hands it out."""

    file: Path
    orders: int
    port: int


@contextlib.contextmanager
def serving(orders: int, *, delay: float = 0.0) -> Iterator[Store]:
    """Serve a store whose bulk operations take *delay* seconds."""
    file = Path(tempfile.gettempdir()) / f"tillstream-bench-2-{orders}.jsonl"
    generate(file, orders)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [str(file), str(orders), str(port), str(delay)]
    shop = subprocess.Popen([sys.executable, "-m", "bench.backfilling.shop", *arguments])
    try:
        time.sleep(2)
        yield Store(file=file, orders=orders, port=port)
    finally:
        shop.send_signal(signal.SIGTERM)
        shop.wait()


@contextlib.asynccontextmanager
async def database() -> AsyncIterator[str]:
    """Make a migrated database and drop it in the end."""
    name = f"till_bench_{uuid.uuid4().hex[:8]}"
    dsn = SERVER.rsplit("/", 1)[0] + f"/{name}"
    await on_server(f"CREATE DATABASE {name}")
    try:
        with contextlib.redirect_stdout(None):
            await migrate(dsn)
        yield dsn
    finally:
        await on_server(f"DROP DATABASE {name} WITH (FORCE)")


async def on_server(statement: str) -> None:
    db = await asyncpg.connect(SERVER)
    await db.execute(statement)
    await db.close()


def synced(store: Store, dsn: str, *, way: str = "ours") -> dict[str, float]:
    """Run one backfill in a process of its own; return what it took, and what it cost the shop."""
    before = spent(store)
    worker = subprocess.run(
        [sys.executable, "-m", "bench.backfilling.worker", dsn, str(store.port), way],
        stdout=subprocess.PIPE,
        check=True,
    )
    after = spent(store)
    result: dict[str, float] = json.loads(worker.stdout.splitlines()[-1])
    return {**result, **{name: after[name] - before[name] for name in after}}


def spent(store: Store) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{store.port}/spent") as answer:
        found: dict[str, float] = json.load(answer)
    return found


async def check_counts(dsn: str, orders: int) -> None:
    db = await asyncpg.connect(dsn)
    for table, each in (("orders", 1), ("order_lines", LINES_PER_ORDER), ("transactions", 1)):
        found = await db.fetchval(f"SELECT count(*) FROM commerce.{table}")
        assert found == orders * each, f"{found} rows in {table}"
    assert await db.fetchval("SELECT count(*) FROM analytics.order_marks") == orders
    await db.close()


async def plain_copy(dsn: str) -> tuple[float, float]:
    """Load the same rows by COPY, one connection, same indexes; return seconds, and CPU seconds."""
    folder = Path(tempfile.mkdtemp())
    db = await asyncpg.connect(dsn)
    for table in TABLES:
        await db.execute(f"CREATE TABLE public.{table} (LIKE commerce.{table} INCLUDING ALL)")
        await db.copy_from_table(
            table, schema_name="commerce", output=str(folder / table), format="text"
        )
    await db.execute("CHECKPOINT")
    started, cost = time.perf_counter(), cpu_seconds(db.get_server_pid())
    for table in TABLES:
        await db.copy_to_table(table, source=str(folder / table), format="text")
    seconds = time.perf_counter() - started
    cost = cpu_seconds(db.get_server_pid()) - cost
    await db.close()
    shutil.rmtree(folder)
    return seconds, cost


async def peer(name: str, store: Store, ours: str) -> tuple[float, float]:
    """Load orders as *name* does, compare the rows with *ours*.

    Return orders a second, and the CPU seconds an order cost it and Postgres.
    """
    load, orders = PEERS[name]
    orders = min(orders, store.orders)
    async with database() as dsn:
        db = await asyncpg.connect(dsn)
        started = time.perf_counter()
        before = time.process_time() + cpu_seconds(db.get_server_pid())
        await load(db, store.file, orders, tenant_id=TENANT)
        seconds = time.perf_counter() - started
        cost = time.process_time() + cpu_seconds(db.get_server_pid()) - before
        await compare(db, await asyncpg.connect(ours), orders)
        await db.close()
    return orders / seconds, cost / orders


async def compare(theirs: Any, ours: Any, orders: int) -> None:
    """Fail unless both hold the same first *orders*; raw frames may differ."""
    for table in TABLES:
        columns = ", ".join(one for one in COLUMNS[table] if one not in OURS_ALONE)
        digest = (
            "SELECT sum(hashtextextended(t::text, 0)) FROM"
            f" (SELECT {columns} FROM commerce.{table} WHERE order_id < {5_000_000_000 + orders}) t"
        )
        assert await theirs.fetchval(digest) == await ours.fetchval(digest), table
    await ours.close()


async def one_round(store: Store, *, peers: bool) -> dict[str, float]:
    async with database() as dsn:
        found = synced(store, dsn)
        await check_counts(dsn, store.orders)
        speed = store.orders / found["seconds"]
        seconds, copying = await plain_copy(dsn)
        python, postgres = (
            found[f"{one}_seconds"] / store.orders for one in ("python", "postgres")
        )
        print(
            f"{store.orders:8} orders {speed:8.0f} orders/s"
            f"  plain COPY {store.orders / seconds:6.0f}/s  ratio {seconds / found['seconds']:.2f}"
            f"  CPU us/order: Python {python * 1e6:.0f} Postgres {postgres * 1e6:.0f}"
            f" (plain COPY {copying / store.orders * 1e6:.0f})"
            f"  peak {found['peak_mb']:.0f} MB (at rest {found['resting_mb']:.0f})"
        )
        available = BUCKET_POINTS + POINTS_PER_SECOND * found["seconds"]
        print(
            f"{'':8} {found['requests']:.0f} requests, {found['points']:.0f} points"
            f" of {available:.0f} available"
        )
        for name in PEERS if peers else ():
            theirs, cost = await peer(name, store, dsn)
            print(
                f"{'':8} {name}: {theirs:.0f} orders/s, ours is {speed / theirs:.1f} times that;"
                f" CPU us/order {cost * 1e6:.0f}, {cost / (python + postgres):.1f} times ours"
            )
    return found


async def two_years() -> None:
    """A store of 24 months whose bulk operations take two seconds each."""
    with serving(SMALL, delay=2.0) as store:
        seconds = {}
        for way in ("ours", "one at a time"):
            async with database() as dsn:
                seconds[way] = synced(store, dsn, way=way)["seconds"]
                await check_counts(dsn, store.orders)
    print(
        f"24 months, {SMALL} orders, 2 s an operation: {seconds['ours']:.1f} s;"
        f" month by month, one at a time: {seconds['one at a time']:.1f} s"
    )


async def measure(orders: int, rounds: int) -> None:
    with serving(orders) as store:
        print(f"{orders} orders, {store.file.stat().st_size / 1e6:.0f} MB")
        for done in range(rounds):
            await one_round(store, peers=done == 0)


async def grow() -> None:
    """The same path at ten times the size: memory must not grow."""
    peaks = {}
    for orders in (SMALL, BIG):
        with serving(orders) as store:
            peaks[orders] = (await one_round(store, peers=False))["peak_mb"]
    print(f"peak RSS {peaks[SMALL]:.0f} MB at {SMALL} orders, {peaks[BIG]:.0f} MB at {BIG}")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--orders", type=int, default=50_000)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--big", action="store_true", help="20,000 beside 200,000 orders (1.6 GB)")
    given = asked.parse_args()
    if given.big:
        asyncio.run(grow())
        return
    asyncio.run(measure(given.orders, given.rounds))
    asyncio.run(two_years())


if __name__ == "__main__":
    main()
