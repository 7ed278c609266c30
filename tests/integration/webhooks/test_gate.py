"""Strangers are held off; a shop's signed deliveries never pay for what strangers do."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from aiohttp import ClientResponse
from structlog.testing import capture_logs

from services.webhooks.gate import Ceiling
from shared.errors import Throttled
from tests.chaos_proxy import proxied
from tests.integration.webhooks.conftest import (
    SHOP,
    Service,
    Shop,
    connect_store,
    headers_for,
    outcomes,
    running,
    settings_for,
)

BODY = b'{"id": 1}'
LIMIT = {"webhooks_refusals_per_second": 1}
BURST = 10


async def forged(service: Service, **headers: str) -> ClientResponse:
    return await service.post(BODY, headers=headers_for(BODY, secret="guess") | headers)


async def test_who_is_refused_too_often_must_wait(dsn: str, shop: Shop):
    async with running(settings_for(dsn, "", **LIMIT), None) as service:
        answers = [await forged(service) for _ in range(BURST + 10)]
        unsigned = await service.post(BODY, headers=headers_for(BODY, hmac_sha256=""))

    statuses = [answer.status for answer in answers]
    assert set(statuses[:BURST]) == {401}
    assert statuses[-5:] == [429] * 5
    assert unsigned.status == 429
    assert int(unsigned.headers["Retry-After"]) >= 1


async def test_who_is_limited_is_named_in_the_log_once(dsn: str, shop: Shop):
    with capture_logs() as logs:
        async with running(settings_for(dsn, "", **LIMIT), None) as service:
            for _ in range(BURST + 10):
                await forged(service)

    named = [entry["address"] for entry in logs if entry["event"].startswith("address limited")]
    assert named == ["127.0.0.1"]


async def test_signed_deliveries_from_the_same_address_are_all_kept(
    dsn: str, db: asyncpg.Connection, shop: Shop
):
    await connect_store(db, "own.myshopify.com", webhook_secret="its-own")
    own = headers_for(BODY, secret="its-own", shop_domain="own.myshopify.com")

    async with running(settings_for(dsn, "", **LIMIT), None) as service:
        met = await service.post(BODY, headers=own)
        await asyncio.gather(*(forged(service) for _ in range(5 * BURST)))
        before = outcomes("limited")
        flood = [forged(service, **{"X-Shopify-Shop-Domain": SHOP}) for _ in range(100)]
        signed = [service.post(BODY, headers=headers_for(BODY)) for _ in range(100)]
        owns = [service.post(BODY, headers=own) for _ in range(10)]
        answers = await asyncio.gather(*flood, *signed, *owns)

    assert met.status == 200
    assert outcomes("limited") - before >= 90
    assert {answer.status for answer in answers[100:]} == {200}


async def test_signed_deliveries_that_are_refused_make_no_suspect(dsn: str, shop: Shop):
    other = b'{"myshopify_domain": "another.myshopify.com", "id": 1}'
    left = headers_for(BODY, shop_domain="left.myshopify.com")
    large = b" " * (1024 * 1024 + 1)

    async with running(settings_for(dsn, "", **LIMIT), None) as service:
        answers = {(await service.post(BODY, headers=left)).status for _ in range(BURST + 5)}
        answers |= {(await service.post(other)).status for _ in range(BURST + 5)}
        answer = await service.post(large, headers=headers_for(large))

    assert answers == {404, 400}
    assert answer.status == 200


async def test_bodies_that_are_too_large_make_a_suspect(dsn: str, shop: Shop):
    endless = b" " * (16 * 1024 * 1024 + 1)

    async with running(settings_for(dsn, "", webhooks_refusals_per_second=0.1), None) as service:
        statuses = [(await service.post(endless)).status for _ in range(3)]

    assert statuses == [413, 413, 429]


async def test_a_suspect_does_not_have_the_database_searched(dsn: str, db: asyncpg.Connection):
    await connect_store(db, "own.myshopify.com", webhook_secret="its-own")
    own = headers_for(BODY, secret="its-own", shop_domain="own.myshopify.com")

    async with running(settings_for(dsn, "", **LIMIT), None) as service:
        for _ in range(BURST + 5):
            await forged(service)
        answer = await service.post(BODY, headers=own)

    assert answer.status == 429


async def test_while_postgres_is_away_strangers_are_still_told_apart_and_counted(
    dsn: str, db: asyncpg.Connection, shop: Shop, rabbit_url: str
):
    await connect_store(db, "own.myshopify.com", webhook_secret="its-own")
    own = headers_for(BODY, secret="its-own", shop_domain="own.myshopify.com")
    unknown = {"X-Shopify-Shop-Domain": "unknown.myshopify.com"}
    unsigned = {"X-Shopify-Hmac-Sha256": "bm8="} | unknown

    async with proxied(dsn, 5432) as database:
        settings = settings_for(database.through(dsn), rabbit_url, **LIMIT)
        async with running(settings, None) as service:
            await service.post(BODY)
            await database.set("refuse")
            first = [
                (await forged(service, **unsigned)).status,
                (await service.post(BODY, headers=own)).status,
                (await service.post(BODY)).status,
            ]
            forgeries = [(await forged(service, **unknown)).status for _ in range(BURST + 5)]
            signed = await service.post(BODY)

    # A store with a secret of its own that cannot be looked up must come again.
    assert first == [401, 503, 200]
    assert forgeries[0] == 503
    assert forgeries[-5:] == [429] * 5
    assert signed.status == 200


async def test_a_suspect_may_not_send_a_large_body_or_one_of_unknown_size(dsn: str, shop: Shop):
    large = b" " * (1024 * 1024 + 1)

    async with running(settings_for(dsn, "", **LIMIT), None) as service:
        for _ in range(BURST + 5):
            await forged(service)
        answer = await service.post(large, headers=headers_for(large))

    assert answer.status == 429


async def test_behind_a_proxy_each_client_has_a_limit_of_its_own(dsn: str, shop: Shop):
    settings = settings_for(dsn, "", **LIMIT, trusted_proxies="127.0.0.0/8, 10.0.0.0/8")

    async with running(settings, None) as service:
        for number in range(3 * BURST):
            # What the client wrote itself, then what our proxies appended.
            hops = f"192.0.2.{number}, 198.51.100.1, 10.0.0.2"
            culprit = await forged(service, **{"X-Forwarded-For": hops})
        other = await forged(service, **{"X-Forwarded-For": "198.51.100.2"})

    assert (culprit.status, other.status) == (429, 401)


async def test_a_stranger_cannot_choose_its_address(dsn: str, shop: Shop):
    async with running(settings_for(dsn, "", **LIMIT), None) as service:
        answers = [
            await forged(service, **{"X-Forwarded-For": f"198.51.100.{number}"})
            for number in range(BURST + 10)
        ]

    assert answers[-1].status == 429


@pytest.mark.parametrize(
    ("allowed", "hops", "status"),
    [
        ("", "203.0.113.9", 200),
        ("127.0.0.1/32", "203.0.113.9", 403),
        ("203.0.113.0/24", "203.0.113.9", 200),
        ("203.0.113.0/24", "::ffff:203.0.113.9", 200),
        ("203.0.113.0/24, 2001:db8::/32", "2001:db8::7", 200),
        ("203.0.113.0/24", "203.0.113.9, 198.51.100.1", 403),
    ],
)
async def test_only_listed_networks_may_deliver_when_there_is_a_list(
    dsn: str, shop: Shop, allowed: str, hops: str, status: int
):
    settings = settings_for(
        dsn, "", trusted_proxies="127.0.0.1/32, ::1/128", webhooks_allowed_networks=allowed
    )

    async with running(settings, None) as service:
        answer = await service.post(BODY, headers=headers_for(BODY) | {"X-Forwarded-For": hops})

    assert answer.status == status


@pytest.mark.parametrize(
    ("hours", "days_old", "status"),
    [(0, 30, 200), (0, -1, 200), (48, 1, 200), (48, 3, 400), (48, -1, 400)],
)
async def test_late_deliveries_are_taken_unless_the_operator_sets_a_limit(
    dsn: str, shop: Shop, hours: float, days_old: float, status: int
):
    triggered = (datetime.now(UTC) - timedelta(days=days_old)).isoformat().replace("+00:00", "Z")
    headers = headers_for(BODY, triggered_at=triggered)

    async with running(settings_for(dsn, "", webhooks_max_age_hours=hours), None) as service:
        answer = await service.post(BODY, headers=headers)
        metrics = await (await service.get("/metrics")).text()

    assert answer.status == status
    assert 'tillstream_webhooks_untimely_total{age="late"}' in metrics


async def test_a_delivery_that_names_no_moment_is_taken(dsn: str, shop: Shop):
    async with running(settings_for(dsn, "", webhooks_max_age_hours=1), None) as service:
        answers = [
            await service.post(BODY, headers=headers_for(BODY, triggered_at=moment))
            for moment in ("", "yesterday", "2026-11-20T10:00:00")
        ]

    assert [answer.status for answer in answers] == [200, 200, 200]


def test_a_fast_shop_is_refused_only_while_there_is_little_room():
    crowded = False
    ceiling = Ceiling(1, crowded=lambda: crowded)

    for _ in range(1000):
        ceiling.enter(1)
    crowded = True
    ceiling.enter(2)

    with pytest.raises(Throttled) as error:
        ceiling.enter(1)
    assert (error.value.code, error.value.retry_after) == ("shop_over_ceiling", 1)
