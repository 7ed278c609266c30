"""The measured process: one full sync of orders, then what it took. Prints a line of JSON."""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import uvloop

from bench.backfilling.cost import cpu_seconds
from bench.peers import one_at_a_time
from services.syncer.backfill import backfill
from services.syncer.context import Context
from services.syncer.domain.jobs import Job
from services.syncer.shops import Access, Shops
from services.syncer.store import jobs
from shared.bus.postgres_bus import PostgresBus
from shared.keyring import KeyRing, generate_key
from shared.postgres import Pool, close_pool, open_pool
from shared.shopify.client import open_session
from shared.shopify.pacing import Pacing
from shared.starting import look_for_cycles_less

TENANT = str(uuid.UUID(int=1))


async def months_one_by_one(context: Context, job: Job) -> None:
    await one_at_a_time.backfill(context, job.owner)


WAYS: dict[str, Callable[[Context, Job], Awaitable[None]]] = {
    "ours": backfill,
    "one at a time": months_one_by_one,
}


async def work(dsn: str, port: int, way: str) -> dict[str, float]:
    keys = KeyRing.parse(generate_key())
    await _connect_store(dsn, keys)
    pool = await open_pool(dsn, role="tillstream_syncer", max_size=6)
    async with open_session() as session:
        base_url = f"http://127.0.0.1:{port}/shops/{{shop}}"
        access = Access(api_version="2026-10", base_url=base_url, pacing=Pacing(pool))
        shops = Shops(pool, session, keys=keys, access=access)
        context = Context(pool=pool, bus=PostgresBus(pool), shops=shops)
        async with pool.acquire() as conn:
            job = await jobs.claim(conn)
        assert job is not None
        resting = _kilobytes("VmRSS")
        started, cpu = time.perf_counter(), time.process_time()
        await WAYS[way](context, job)
        result = {
            "seconds": time.perf_counter() - started,
            "python_seconds": time.process_time() - cpu,
            "postgres_seconds": await _cpu_of_backends(pool),
            "peak_mb": _kilobytes("VmHWM") / 1024,
            "resting_mb": resting / 1024,
        }
    await close_pool(pool)
    return result


def _kilobytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0


async def _cpu_of_backends(pool: Pool) -> float:
    """Return what our connections cost a Postgres on this machine; 0 for one elsewhere."""
    rows = await pool.fetch(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'tillstream_syncer'"
    )
    return sum(cpu_seconds(row["pid"]) for row in rows)


async def _connect_store(dsn: str, keys: KeyRing) -> None:
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


if __name__ == "__main__":
    look_for_cycles_less()
    print(json.dumps(uvloop.run(work(sys.argv[1], int(sys.argv[2]), sys.argv[3]))), flush=True)
