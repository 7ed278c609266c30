"""The running service: visible within a second, whatever happens to the process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, unused_port

from services.analytics.app import build_app
from services.analytics.settings import Settings
from shared.bus.connect import BUS
from shared.postgres import Pool
from tests.integration.analytics.orders import Shop
from tests.unit.analytics.orders import a_line, an_order

Check = Callable[[Shop], Awaitable[None]]
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def analytics(dsn: str, shop: Shop) -> AsyncIterator[Client]:
    app = build_app(Settings(database_url=dsn, database_pool_max=4))
    async with TestClient(TestServer(app)) as client:
        yield client


async def _orders_counted(shop: Shop, count: int, *, seconds: float) -> float:
    started = time.monotonic()
    async with asyncio.timeout(seconds):
        while (
            await shop.db.fetchval(
                "SELECT COALESCE(sum(orders), 0) FROM analytics.daily_sales WHERE basis = 'event'"
            )
            != count
        ):
            await asyncio.sleep(0.01)
    return time.monotonic() - started


async def test_an_order_is_counted_within_a_second_without_a_nudge(
    analytics: Client, shop: Shop
) -> None:
    await shop.put(an_order())

    assert await _orders_counted(shop, 1, seconds=5) < 1


async def test_a_nudge_wakes_the_drain_at_once(dsn: str, bus_url: str, shop: Shop) -> None:
    settings = Settings(
        database_url=dsn, amqp_url=bus_url, database_pool_max=4, analytics_poll_seconds=30
    )
    app = build_app(settings)
    async with TestClient(TestServer(app)):
        await asyncio.sleep(0.2)
        await shop.put(an_order())
        await app[BUS].publish("orders.changed", b"{}")

        assert await _orders_counted(shop, 1, seconds=8) < 5


async def test_a_lost_database_connection_pauses_the_drain_and_nothing_more(
    analytics: Client, shop: Shop
) -> None:
    for order_id in (1, 2, 3):
        await shop.db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'tillstream_analytics' AND datname = current_database()"
        )
        await shop.put(an_order(order_id=order_id))

        await _orders_counted(shop, order_id, seconds=8)

    assert (await analytics.get("/readyz")).status == 200


async def test_probes_and_metrics_answer(analytics: Client, shop: Shop) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await analytics.get(path)).status == 200
    text = await (await analytics.get("/metrics")).text()

    for name in ("marks_pending", "orders_applied_total", "drain_seconds", "verify_differences"):
        assert f"tillstream_analytics_{name}" in text


async def test_the_loops_stop_when_the_app_stops(dsn: str, shop: Shop) -> None:
    app = build_app(Settings(database_url=dsn, analytics_poll_seconds=60))
    started = time.monotonic()
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/healthz")).status == 200

    assert time.monotonic() - started < 5
    assert {task.get_name() for task in asyncio.all_tasks()} & {"drain", "measure"} == set()


async def _service(dsn: str, bus_url: str, port: int) -> asyncio.subprocess.Process:
    environment = {
        **os.environ,
        "DATABASE_URL": dsn,
        "AMQP_URL": bus_url,
        "APP_ENV": "test",
        "ANALYTICS_PORT": str(port),
        "ANALYTICS_BATCH_MAX": "100",
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.analytics",
        env=environment,
        stderr=asyncio.subprocess.DEVNULL,
    )


@pytest.mark.slow
async def test_killed_in_the_middle_of_2000_marked_orders_nothing_is_lost_or_doubled(
    dsn: str, bus_url: str, shop: Shop, pool: Pool, proven: Check
) -> None:
    await shop.put_many(
        an_order(a_line(product_id=number % 7), order_id=number) for number in range(1, 2001)
    )
    counts = [2000]
    for _ in range(4):
        process = await _service(dsn, bus_url, unused_port())
        await _fewer_marks(shop, counts[-1])
        process.send_signal(signal.SIGKILL)
        await process.wait()
        counts.append(await shop.db.fetchval("SELECT count(*) FROM analytics.order_marks"))
    process = await _service(dsn, bus_url, port := unused_port())
    await _orders_counted(shop, 2000, seconds=30)
    async with aiohttp.ClientSession() as session:
        answer = await session.get(f"http://127.0.0.1:{port}/healthz")
    process.terminate()

    assert (answer.status, await process.wait()) == (200, 0)
    assert any(0 < count < 2000 for count in counts)
    assert await shop.db.fetchval("SELECT count(*) FROM analytics.order_marks") == 0
    await proven(shop)


async def _fewer_marks(shop: Shop, than: int) -> None:
    async with asyncio.timeout(20):
        while than and await shop.db.fetchval("SELECT count(*) FROM analytics.order_marks") == than:
            await asyncio.sleep(0.002)
