"""A shop that changed its myshopify domain: deliveries under either name are its own (pain 23)."""

from __future__ import annotations

import asyncpg
import orjson
import pytest

from tests.integration.webhooks.conftest import SHOP, Service, Shop, connect_store, headers_for

NEW = "pear.myshopify.com"
NUMBER = 57


def told(named: str) -> bytes:
    return orjson.dumps({"id": NUMBER, "myshopify_domain": named})


async def rename(db: asyncpg.Connection, shop: Shop, former: str) -> None:
    await db.execute(
        "INSERT INTO accounts.store_domains (tenant_id, shop_id, domain, since)"
        " VALUES ($1, $2, $3, now() - interval '1 year')",
        shop.tenant_id,
        shop.shop_id,
        former,
    )


async def test_the_former_domain_still_leads_to_the_store(
    service: Service, shop: Shop, db: asyncpg.Connection
):
    await rename(db, shop, "old-pear.myshopify.com")
    body = b'{"id": 1}'

    answer = await service.post(
        body, headers=headers_for(body, shop_domain="old-pear.myshopify.com")
    )

    assert answer.status == 200
    (delivery,) = await service.deliveries(1)
    assert (delivery.shop_id, delivery.shop_domain) == (shop.shop_id, "old-pear.myshopify.com")


async def test_who_has_a_domain_now_comes_before_who_had_it(
    service: Service, shop: Shop, db: asyncpg.Connection
):
    other = await connect_store(db, "taken.myshopify.com")
    await rename(db, shop, "taken.myshopify.com")
    body = b'{"id": 1}'

    await service.post(body, headers=headers_for(body, shop_domain="taken.myshopify.com"))

    (delivery,) = await service.deliveries(1)
    assert delivery.shop_id == other.shop_id


@pytest.mark.parametrize(
    ("number", "named", "topic", "status"),
    [
        (NUMBER, NEW, "shop/update", 200),
        (NUMBER, "other.myshopify.com", "shop/update", 404),
        (NUMBER, NEW, "orders/updated", 404),
        (NUMBER + 1, NEW, "shop/update", 404),
    ],
)
async def test_a_new_domain_is_believed_when_the_signed_body_names_a_shop_that_we_know(
    service: Service, shop: Shop, db: asyncpg.Connection, number, named, topic, status
):
    await db.execute("UPDATE accounts.stores SET shopify_shop_id = $1", number)
    body = told(named)

    answer = await service.post(body, headers=headers_for(body, shop_domain=NEW, topic=topic))

    assert (answer.status, SHOP != NEW) == (status, True)
    if status == 200:
        (delivery,) = await service.deliveries(1)
        assert (delivery.shop_id, delivery.shop_domain) == (shop.shop_id, NEW)


@pytest.mark.parametrize("status", ["active", "reauth_required", "uninstalled", "disconnected"])
@pytest.mark.parametrize("topic", ["customers/redact", "shop/redact", "app/uninstalled"])
async def test_what_is_asked_of_a_shop_under_a_domain_that_it_took_since_reaches_its_store(
    service: Service, shop: Shop, db: asyncpg.Connection, topic, status
):
    await db.execute("UPDATE accounts.stores SET shopify_shop_id = $1, status = $2", NUMBER, status)
    asked = orjson.dumps({"shop_id": NUMBER, "shop_domain": NEW})
    body = told(NEW) if topic == "app/uninstalled" else asked

    answer = await service.post(body, headers=headers_for(body, shop_domain=NEW, topic=topic))

    assert answer.status == 200
    (delivery,) = await service.deliveries(1)
    assert (delivery.shop_id, delivery.topic) == (shop.shop_id, topic)


async def test_the_store_that_is_connected_comes_before_those_that_the_shop_left(
    service: Service, shop: Shop, db: asyncpg.Connection
):
    left = await connect_store(db, NEW, status="disconnected")
    await db.execute("UPDATE accounts.stores SET shopify_shop_id = $1", NUMBER)
    body = orjson.dumps({"shop_id": NUMBER, "shop_domain": NEW})

    await service.post(body, headers=headers_for(body, shop_domain=NEW, topic="shop/redact"))

    (delivery,) = await service.deliveries(1)
    assert delivery.shop_id == shop.shop_id != left.shop_id


async def test_a_number_that_no_store_can_have_is_nobodys(service: Service, shop: Shop):
    body = orjson.dumps({"shop_id": 2**63, "shop_domain": NEW})

    answer = await service.post(
        body, headers=headers_for(body, shop_domain=NEW, topic="shop/redact")
    )

    assert answer.status == 200
    assert await service.earlier() == []
