"""``python -m bench.backfill``: orders a second from a bulk operation's file into the tables.

The whole path runs in a process of its own: planning, download, assembler, guarded writer. In
the same run the same final rows are loaded by plain COPY into tables with the same indexes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import asyncpg
import uvloop

from bench.backfilling.shop import generate
from services.syncer.backfill import backfill
from services.syncer.context import Context
from services.syncer.shops import Access, Shops
from services.syncer.store import jobs
from shared.bus.postgres_bus import PostgresBus
from shared.keyring import KeyRing, generate_key
from shared.migrate import migrate
from shared.postgres import close_pool, open_pool
from shared.shopify.client import open_session

SERVER = os.environ.get("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
TENANT = str(uuid.UUID(int=1))
TABLES = ("orders", "order_lines", "transactions", "fulfillments")


def kilobytes(name: str) -> int:
    """Return a line of /proc/self/status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0


async def connect_store(dsn: str, keys: KeyRing) -> None:
    db = await asyncpg.connect(dsn)
    await db.execute("INSERT INTO accounts.tenants (tenant_id, name) VALUES ($1, 'bench')", TENANT)
    shop_id = await db.fetchval(
        "INSERT INTO accounts.stores (tenant_id, shop_domain) VALUES ($1, 'tea.myshopify.com')"
        " RETURNING shop_id",
        TENANT,
    )
    sealed = keys.seal("token", tenant_id=TENANT, shop_id=shop_id, purpose="access_token")
    await db.execute(
        "INSERT INTO accounts.credentials (tenant_id, shop_id, grant_type, access_token_enc,"
        " scopes, token_last4) VALUES ($1, $2, 'static_token', $3, '{}', 'oken')",
        TENANT,
        shop_id,
        sealed,
    )
    await db.execute(
        "INSERT INTO commerce.sync_jobs (tenant_id, shop_id, kind, mode, trigger)"
        " VALUES ($1, $2, 'orders', 'full', 'manual')",
        TENANT,
        shop_id,
    )
    await db.close()


async def work(dsn: str, port: int) -> None:
    """The measured process: one full job, then what it cost."""
    keys = KeyRing.parse(generate_key())
    await connect_store(dsn, keys)
    pool = await open_pool(dsn, role="tillstream_syncer", max_size=6)
    access = Access(api_version="2026-10", base_url=f"http://127.0.0.1:{port}/shops/{{shop}}")
    async with open_session() as session:
        shops = Shops(pool, session, keys=keys, access=access)
        context = Context(pool=pool, bus=PostgresBus(pool), shops=shops)
        async with pool.acquire() as conn:
            job = await jobs.claim(conn)
        assert job is not None
        resting = kilobytes("VmRSS")
        started, cpu = time.perf_counter(), time.process_time()
        await backfill(context, job)
        result = {
            "seconds": time.perf_counter() - started,
            "cpu_seconds": time.process_time() - cpu,
            "peak_mb": kilobytes("VmHWM") / 1024,
            "resting_mb": resting / 1024,
        }
    await close_pool(pool)
    print(json.dumps(result), flush=True)


async def plain_copy(dsn: str, folder: Path) -> float:
    """Load the same rows by COPY, one connection, same indexes; return the seconds."""
    db = await asyncpg.connect(dsn)
    for table in TABLES:
        await db.execute(f"CREATE TABLE public.{table} (LIKE commerce.{table} INCLUDING ALL)")
        await db.copy_from_table(
            table, schema_name="commerce", output=str(folder / table), format="text"
        )
    await db.execute("CHECKPOINT")
    started = time.perf_counter()
    for table in TABLES:
        await db.copy_to_table(table, source=str(folder / table), format="text")
    seconds = time.perf_counter() - started
    await db.close()
    return seconds


async def on_server(statement: str) -> None:
    db = await asyncpg.connect(SERVER)
    await db.execute(statement)
    await db.close()


async def once(file: Path, orders: int, *, rounds: int) -> list[dict[str, float]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shop = subprocess.Popen(
        [sys.executable, "-m", "bench.backfilling.shop", str(file), str(orders), str(port)]
    )
    try:
        time.sleep(1.5)
        return [await one_round(file.parent, port, orders) for _ in range(rounds)]
    finally:
        shop.send_signal(signal.SIGTERM)
        shop.wait()


async def one_round(folder: Path, port: int, orders: int) -> dict[str, float]:
    name = f"till_bench_{uuid.uuid4().hex[:8]}"
    dsn = SERVER.rsplit("/", 1)[0] + f"/{name}"
    await on_server(f"CREATE DATABASE {name}")
    try:
        await migrate(dsn)
        worker = subprocess.run(
            [sys.executable, "-m", "bench.backfill", "--worker", dsn, "--port", str(port)],
            stdout=subprocess.PIPE,
            check=True,
        )
        result = json.loads(worker.stdout)
        db = await asyncpg.connect(dsn)
        assert await db.fetchval("SELECT count(*) FROM commerce.orders") == orders
        assert await db.fetchval("SELECT count(*) FROM commerce.order_lines") == orders * 4
        await db.close()
        copy_seconds = await plain_copy(dsn, folder)
    finally:
        await on_server(f"DROP DATABASE {name} WITH (FORCE)")
    speed, ceiling = orders / result["seconds"], orders / copy_seconds
    return {**result, "orders_per_second": speed, "copy": ceiling, "ratio": speed / ceiling}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--orders", type=int, default=50_000)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--big", action="store_true", help="a file of about 1 GB, once")
    asked.add_argument("--worker", help=argparse.SUPPRESS)
    asked.add_argument("--port", type=int, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.worker:
        uvloop.run(work(given.worker, given.port))
        return
    orders, rounds = (150_000, 1) if given.big else (given.orders, given.rounds)
    file = Path(tempfile.gettempdir()) / f"tillstream-bench-{orders}.jsonl"
    generate(file, orders)
    print(f"{orders} orders, {file.stat().st_size / 1e6:.0f} MB")
    for found in asyncio.run(once(file, orders, rounds=rounds)):
        print(
            f"{found['orders_per_second']:8.0f} orders/s  plain COPY {found['copy']:8.0f}"
            f"  ratio {found['ratio']:.2f}  {found['cpu_seconds'] / orders * 1e6:.0f} us/order"
            f"  peak {found['peak_mb']:.0f} MB (at rest {found['resting_mb']:.0f})"
        )


if __name__ == "__main__":
    main()
