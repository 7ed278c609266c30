"""What the webhooks service answers, and what is on the bus afterwards; on both buses."""

from __future__ import annotations

import asyncio
import re

import asyncpg
import pytest

from shared.bus.protocol import Bus
from shared.deliveries import unpack
from shared.tracing import traced
from tests.integration.webhooks.conftest import (
    PATH,
    PREVIOUS,
    SHOP,
    Service,
    Shop,
    connect_store,
    headers_for,
    running,
    settings_for,
)

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ORDER = b'{"id": 1, "note": "two pears"}'


async def test_a_signed_delivery_is_answered_when_it_is_on_the_bus(service: Service, shop: Shop):
    answer = await service.post(ORDER, headers=headers_for(ORDER, webhook_id="abc"))

    assert answer.status == 200
    assert await answer.read() == b""
    [delivery] = await service.deliveries(1)
    assert (delivery.tenant_id, delivery.shop_id) == (shop.tenant_id, shop.shop_id)
    assert delivery.shop_domain == SHOP
    assert delivery.topic == "orders/updated"
    assert delivery.webhook_id == "abc"
    assert delivery.event_id == "event-1"
    assert delivery.triggered_at == "2026-11-20T10:00:00.123456789Z"
    assert delivery.api_version == "2026-10"
    assert delivery.body == ORDER
    assert delivery.received_at.endswith("+00:00")


async def test_many_at_once_are_all_on_the_bus(service: Service):
    bodies = [b'{"id": %d}' % number for number in range(300)]

    answers = await asyncio.gather(*(service.post(body) for body in bodies))

    assert {answer.status for answer in answers} == {200}
    deliveries = await service.deliveries(300)
    assert sorted(delivery.body for delivery in deliveries) == sorted(bodies)


@pytest.mark.parametrize(
    "path",
    [
        PATH,
        PATH + "/orders/updated",
        PATH + "/orders_updated",
        PATH + "/orders_update",
        "/api/shopify/webhook/",
        "/api/shopify/webhooks/orders/updated",
        "/api/integrations/shopify/webhook/",
    ],
)
async def test_every_address_ever_documented_is_served(
    dsn: str, pool: object, shop: Shop, path: str
):
    async with running(settings_for(dsn, ""), None) as service:
        answer = await service.post(ORDER, path=path)

    assert answer.status == 200


async def test_another_topic_in_the_url_is_refused(service: Service):
    answer = await service.post(ORDER, path=PATH + "/products/update")

    assert answer.status == 400
    assert (await answer.json())["code"] == "topic_mismatch"


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64 at all", "\u00e9"])
async def test_a_wrong_or_missing_signature_is_401_with_nothing_said(
    service: Service, signature: str
):
    answer = await service.post(ORDER, headers=headers_for(ORDER, hmac_sha256=signature))

    assert answer.status == 401
    assert await answer.read() == b""


async def test_a_changed_body_is_401(service: Service):
    answer = await service.post(ORDER + b" ", headers=headers_for(ORDER))

    assert answer.status == 401


async def test_the_previous_secret_still_signs_after_a_rotation(service: Service):
    answer = await service.post(ORDER, headers=headers_for(ORDER, secret=PREVIOUS))

    assert answer.status == 200


async def test_a_stores_own_secret_signs_for_that_store_only(
    dsn: str, db: asyncpg.Connection, bus: Bus, bus_url: str, shop: Shop
):
    await connect_store(db, "own.myshopify.com", webhook_secret="its-own")
    own = headers_for(ORDER, secret="its-own", shop_domain="own.myshopify.com")
    foreign = headers_for(ORDER, secret="its-own")

    async with running(settings_for(dsn, bus_url), bus) as service:
        answers = [(await service.post(ORDER, headers=h)).status for h in (own, foreign)]

    assert answers == [200, 401]


async def test_a_signed_delivery_for_a_shop_we_do_not_know_is_404(service: Service):
    headers = headers_for(ORDER, shop_domain="forged.myshopify.com")

    answer = await service.post(ORDER, headers=headers)

    assert answer.status == 404
    assert (await answer.json())["code"] == "unknown_shop"


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact", "shop/redact"])
async def test_privacy_requests_are_answered_as_a_review_tests_them(service: Service, topic: str):
    """Of a shop that was never connected there is nothing to show and nothing to erase."""
    body = b'{"shop_id": 954889, "shop_domain": "review.myshopify.com"}'
    signed = headers_for(body, shop_domain="review.myshopify.com", topic=topic)
    forged = headers_for(body, secret="guessed", shop_domain="review.myshopify.com", topic=topic)

    answers = [(await service.post(body, headers=headers)).status for headers in (signed, forged)]

    assert answers == [200, 401]
    assert await service.earlier() == []


@pytest.mark.parametrize(
    ("status", "topic", "expected"),
    [
        ("active", "orders/create", 200),
        ("reauth_required", "orders/create", 200),
        ("uninstalled", "orders/create", 404),
        ("disconnected", "orders/create", 404),
        ("uninstalled", "app/uninstalled", 200),
        ("uninstalled", "shop/redact", 200),
        ("disconnected", "customers/redact", 200),
        ("disconnected", "customers/data_request", 200),
    ],
)
async def test_a_store_that_left_is_heard_on_parting_topics_only(
    dsn: str, db: asyncpg.Connection, status: str, topic: str, expected: int
):
    await connect_store(db, "left.myshopify.com", status=status)
    headers = headers_for(ORDER, shop_domain="left.myshopify.com", topic=topic)

    async with running(settings_for(dsn, ""), None) as service:
        answer = await service.post(ORDER, headers=headers)

    assert answer.status == expected


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"topic": ""}, "missing_header"),
        ({"topic": "x" * 300}, "bad_header"),
        ({"shop_domain": ""}, "missing_header"),
        ({"shop_domain": "evil.example.com"}, "bad_shop_domain"),
        ({"shop_domain": "a.myshopify.com.evil.com"}, "bad_shop_domain"),
        ({"webhook_id": ""}, "missing_header"),
        ({"webhook_id": "x" * 300}, "bad_header"),
    ],
)
async def test_signed_but_malformed_headers_are_400(
    dsn: str, shop: Shop, changes: dict[str, str], code: str
):
    async with running(settings_for(dsn, ""), None) as service:
        answer = await service.post(ORDER, headers=headers_for(ORDER, **changes))
        problem = await answer.json()

    assert answer.status == 400
    assert problem["code"] == code


async def test_an_unknown_topic_is_kept_like_any_other(service: Service):
    answer = await service.post(ORDER, headers=headers_for(ORDER, topic="surprises/create"))

    assert answer.status == 200
    [delivery] = await service.deliveries(1)
    assert delivery.topic == "surprises/create"


async def test_the_events_family_of_headers_is_understood(service: Service):
    headers = {
        name.removeprefix("X-"): value
        for name, value in headers_for(ORDER, topic="products/update").items()
    }

    answer = await service.post(ORDER, headers=headers)

    assert answer.status == 200
    [delivery] = await service.deliveries(1)
    assert delivery.topic == "products/update"


async def test_a_body_of_two_megabytes_travels_by_claim_check(
    service: Service, db: asyncpg.Connection, shop: Shop
):
    body = b'{"id": 1, "note": "' + b"x" * (2 * 1024 * 1024) + b'"}'

    answer = await service.post(body)

    assert answer.status == 200
    [delivery] = await service.deliveries(1)
    assert (delivery.body, delivery.large_bytes) == (b"", len(body))
    kept = await db.fetchval(
        "SELECT body FROM intake.bodies WHERE tenant_id = $1 AND shop_id = $2 AND body_id = $3",
        shop.tenant_id,
        shop.shop_id,
        delivery.body_id,
    )
    assert kept == body


async def test_another_try_of_a_large_delivery_leaves_no_second_copy(
    service: Service, db: asyncpg.Connection, shop: Shop
):
    first, other = (b"%d" % number + b" " * (2 * 1024 * 1024) for number in range(2))
    await service.post(first, headers=headers_for(first, webhook_id="one"))
    await db.execute("UPDATE intake.bodies SET stored_at = now() - interval '13 days'")

    await service.post(first, headers=headers_for(first, webhook_id="one"))
    again = await db.fetch("SELECT body, now() - stored_at AS age FROM intake.bodies")
    await service.post(other, headers=headers_for(other, webhook_id="one"))
    await service.post(first, headers=headers_for(first, webhook_id="two"))

    assert [(row["body"], row["age"].days) for row in again] == [(first, 0)]
    kept = {row["body_id"]: row["body"] for row in await db.fetch("SELECT * FROM intake.bodies")}
    deliveries = {delivery.body_id for delivery in await service.deliveries(2)}
    assert sorted(kept.values()) == [first, first, other]
    assert deliveries == {str(body_id) for body_id in kept}


async def test_large_bodies_leave_connections_to_small_ones(
    dsn: str, db: asyncpg.Connection, shop: Shop
):
    """With the bus in Postgres, both take theirs from one pool."""
    large = b" " * (2 * 1024 * 1024)

    async with running(settings_for(dsn, "", database_pool_max=4), None) as service:
        await service.post(b"{}")
        async with db.transaction():
            await db.execute("LOCK TABLE intake.bodies")
            held = [asyncio.create_task(service.post(large)) for _ in range(6)]
            await asyncio.sleep(0.3)
            async with asyncio.timeout(1.5):
                small = await service.post(b"{}")
        await asyncio.gather(*held)

    assert small.status == 200


async def test_a_body_of_seventeen_megabytes_is_413(service: Service):
    body = b"x" * (17 * 1024 * 1024)

    answer = await service.post(body, headers=headers_for(body))

    assert answer.status == 413


async def test_the_time_of_what_was_taken_is_measured_and_of_nothing_else(service: Service):
    async def measured() -> float:
        shown = await (await service.get("/metrics")).text()
        [count] = re.findall(r"^tillstream_webhooks_answer_seconds_count (\S+)$", shown, re.M)
        return float(count)

    before = await measured()
    await service.post(b"{}")
    await service.post(b"{}", headers=headers_for(b"{}", secret="guess"))

    assert await measured() - before == 1


@pytest.mark.parametrize(("below", "status"), [("", 405), ("/orders/create", 405), ("x", 404)])
async def test_only_post_is_served(service: Service, below: str, status: int):
    answer = await service.get(PATH + below)

    assert answer.status == status


@pytest.mark.parametrize("given", [TRACE, "", "00-nothing-01"])
async def test_a_delivery_carries_the_senders_trace_or_a_new_one(
    service: Service, bus: Bus, given: str
):
    await service.post(ORDER, headers=headers_for(ORDER) | {"traceparent": given})

    [message] = await service.messages(1)
    [delivery] = unpack(message.body)
    assert traced(delivery.traceparent) == delivery.traceparent
    assert (delivery.traceparent == given) is (given == TRACE)
    assert message.headers["traceparent"] == delivery.traceparent


async def test_probes_and_metrics_answer(service: Service):
    await service.post(ORDER)
    await service.post(ORDER, headers=headers_for(ORDER, topic="surprises/create"))

    alive, ready, metrics = [
        await service.get(path) for path in ("/healthz", "/readyz", "/metrics")
    ]

    assert (alive.status, ready.status) == (200, 200)
    text = await metrics.text()
    assert 'deliveries_total{outcome="accepted",topic="orders/updated"}' in text
    assert 'deliveries_total{outcome="accepted",topic="other"}' in text
    assert "surprises" not in text
    assert "tillstream_webhooks_batch_deliveries_bucket" in text
