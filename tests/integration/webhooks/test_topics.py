"""Every topic is kept, and those that a store's owner switched off are not."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from services.webhooks.domain import PARTING_TOPICS
from shared.bus.protocol import Bus
from tests.integration.webhooks.conftest import (
    PATH,
    Service,
    Shop,
    headers_for,
    outcomes,
    running,
    settings_for,
)
from tests.reference import topics

BODY = b'{"id": 1}'
# What Shopify may think of next, and what no list names.
INVENTED = ("surprises/create", "surprise.happened", "Product")


async def test_every_topic_is_kept_and_published(service: Service):
    sent = [*topics(), *INVENTED]
    spellings = ["", "/{topic}", "/{topic}/", "/{underscored}", "/{underscored}/"]
    paths = [
        PATH + spellings[n % 5].format(topic=topic, underscored=topic.replace("/", "_"))
        for n, topic in enumerate(sent)
    ]

    posts = (
        service.post(BODY, path=path, headers=headers_for(BODY, topic=topic))
        for path, topic in zip(paths, sent, strict=True)
    )
    answers = await asyncio.gather(*posts)

    assert {answer.status for answer in answers} == {200}
    deliveries = await service.deliveries(len(sent))
    assert sorted(delivery.topic for delivery in deliveries) == sorted(sent)


async def test_a_topic_by_its_older_name_is_the_same_topic(service: Service):
    headers = headers_for(BODY, topic="orders/update")

    answer = await service.post(BODY, path=PATH + "/orders_update", headers=headers)

    assert answer.status == 200
    [delivery] = await service.deliveries(1)
    assert delivery.topic == "orders/updated"


@pytest.mark.parametrize("word", ["setup", "subscriptions", "events", "topics"])
async def test_the_words_of_the_api_are_no_topics(dsn: str, shop: Shop, word: str):
    async with running(settings_for(dsn, ""), None) as service:
        answer = await service.post(BODY, path=f"{PATH}/{word}")

    assert answer.status == 400


@pytest.mark.parametrize("chosen", ["orders/create", "ORDERS_CREATE"])
async def test_what_the_owner_switched_off_is_answered_and_not_kept(
    dsn: str, bus_url: str, bus: Bus, shop: Shop, db: asyncpg.Connection, chosen: str
):
    await db.execute("UPDATE accounts.stores SET topics = $1", [chosen])
    unasked = [*PARTING_TOPICS, "shop/update", "app/scopes_update", "bulk_operations/finish"]
    before = outcomes("filtered")

    async with running(settings_for(dsn, bus_url), bus) as service:
        for topic in ("products/update", "surprises/create", "orders/create", *unasked):
            answer = await service.post(BODY, headers=headers_for(BODY, topic=topic))
            assert answer.status == 200
        kept = {delivery.topic for delivery in await service.deliveries(1 + len(unasked))}

    assert kept == {"orders/create", *unasked}
    assert outcomes("filtered") - before == 2


@pytest.mark.parametrize(
    ("body", "topic", "status"),
    [
        (b'{"shop_domain": "other.myshopify.com"}', "customers/redact", 400),
        (b'{"myshopify_domain": "other.myshopify.com"}', "app/uninstalled", 400),
        (b'{"shop_domain": "Fruit-Stand.myshopify.com"}', "shop/redact", 200),
        (b'{"myshopify_domain": "other.myshopify.com"}', "shop/update", 200),
        (b'{"note": "shop_domain\\": no JSON', "orders/create", 200),
        (b'{"shop_domain": 5}', "orders/create", 200),
    ],
)
async def test_a_signed_body_that_names_another_shop_than_the_header_is_refused(
    dsn: str, shop: Shop, body: bytes, topic: str, status: int
):
    before = outcomes("shop_mismatch")

    async with running(settings_for(dsn, ""), None) as service:
        answer = await service.post(body, headers=headers_for(body, topic=topic))

    assert answer.status == status
    assert outcomes("shop_mismatch") - before == (status == 400)
