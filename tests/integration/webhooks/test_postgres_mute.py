"""A Postgres that says nothing holds no delivery up for longer than Shopify waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from services.webhooks import store
from services.webhooks.drain import drain_once
from shared.deliveries import Delivery
from shared.errors import Unavailable
from shared.postgres import open_pool
from tests.chaos_proxy import ChaosProxy, Mode, proxied
from tests.integration.webhooks.conftest import (
    Service,
    Shop,
    headers_for,
    running,
    settings_for,
)

SHOPIFY_WAITS = 5
LARGE = b" " * (2 * 1024 * 1024)
MUTE = ("stall", "mute")
STRANGER = "stranger.myshopify.com"


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[ChaosProxy]:
    async with proxied(dsn, 5432) as proxy:
        yield proxy


@pytest.fixture
async def service(
    dsn: str, rabbit_url: str, database: ChaosProxy, shop: Shop
) -> AsyncIterator[Service]:
    """The service with its database behind a proxy; it has seen its store."""
    async with running(settings_for(database.through(dsn), rabbit_url), None) as service:
        assert (await service.post(b"{}")).status == 200
        yield service
        await database.set("ok")


async def timed(service: Service, body: bytes, **headers: str) -> tuple[int, float]:
    started = time.monotonic()
    answer = await service.post(body, headers=headers_for(body, **headers))
    return answer.status, time.monotonic() - started


@pytest.mark.parametrize("mode", MUTE)
async def test_a_large_body_is_503_in_time_and_small_ones_are_taken_meanwhile(
    service: Service, database: ChaosProxy, mode: Mode
):
    await database.set(mode)

    answers = await asyncio.gather(*(timed(service, LARGE) for _ in range(12)))
    small, _ = await timed(service, b'{"id": 1}')
    await database.set("ok")
    after, _ = await timed(service, LARGE)

    assert {status for status, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < SHOPIFY_WAITS
    assert (small, after) == (200, 200)


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("shop/redact", b"{}"),
        ("shop/update", b'{"id": 7, "myshopify_domain": "stranger.myshopify.com"}'),
    ],
)
async def test_a_store_that_has_left_or_was_renamed_is_503_in_time(
    service: Service, database: ChaosProxy, topic: str, body: bytes
):
    await timed(service, body, topic="orders/create", shop_domain=STRANGER)
    await database.set("stall")

    status, seconds = await timed(service, body, topic=topic, shop_domain=STRANGER)

    assert status == 503
    assert seconds < SHOPIFY_WAITS


async def test_readiness_is_told_in_time_by_the_bus_alone(service: Service, database: ChaosProxy):
    await database.set("stall")
    started = time.monotonic()

    ready = await service.get("/readyz")

    assert ready.status == 200
    assert time.monotonic() - started < 4


async def test_the_drain_gives_a_mute_server_up(
    dsn: str, database: ChaosProxy, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(store, "_DRAIN_SECONDS", 0.5)
    pool = await open_pool(database.through(dsn), role="tillstream_webhooks", answers_within=0.5)
    delivery = Delivery("0" * 32, 1, "a.myshopify.com", "t", "w", "", "", "", "", b"{}")
    await store.spool(pool, [delivery])

    class Muting:
        async def publish(self, topic: str, body: bytes, *, headers: object = None) -> None:
            await database.set("stall")

    with pytest.raises(Unavailable):
        async with asyncio.timeout(3):
            await drain_once(pool, Muting())
    await database.set("ok")

    class Taking:
        async def publish(self, topic: str, body: bytes, *, headers: object = None) -> None: ...

    assert await drain_once(pool, Taking()) == 1
    await pool.close()
