"""Webhooks: signed, complete, retried with the same id, given up after eight retries."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.contract.simulator.worlds import AS_OF, DOMAIN, a_platform, a_world
from tests.simulator import actions, moments
from tests.simulator.deliveries import signature
from tests.simulator.payloads import goods
from tests.simulator.store import Subscription

TOPICS = ("ORDERS_CREATE", "ORDERS_PAID", "ORDER_TRANSACTIONS_CREATE", "INVENTORY_LEVELS_UPDATE",
          "PRODUCTS_UPDATE", "REFUNDS_CREATE", "ORDERS_UPDATED", "APP_UNINSTALLED")  # fmt: skip


@pytest.fixture
async def receiver():
    received, answers = [], []

    async def take(request):
        received.append((dict(request.headers), await request.read()))
        return web.Response(status=answers.pop(0) if answers else 200)

    app = web.Application()
    app.router.add_post("/hook", take)
    async with TestServer(app) as server:
        server.received, server.answers = received, answers
        yield server


@pytest.fixture
async def shop(receiver):
    platform, store = a_platform(orders=30)
    platform.courier.retry_scale = 0.00001
    for n, topic in enumerate(TOPICS):
        store.subscriptions[n] = Subscription(n, topic, str(receiver.make_url("/hook")), 0, 0)
    async with platform.running():
        yield platform, store


async def _quiet(platform):
    async with asyncio.timeout(5):
        while platform.courier.pending:
            await asyncio.sleep(0.005)


def test_the_signature_is_base64_hmac_sha256_of_the_raw_body():
    assert signature("secret", b'{"id":1}') == "A971iWIMgT8Zj9A9eWfikrFj7wQ16/Qwcc4OlRl2PLc="


async def test_a_new_order_causes_the_burst_a_shop_would(shop, receiver):
    platform, store = shop

    [number] = actions.perform(store, platform, "create_order", {}, seed=3, at=moments.now())
    await _quiet(platform)

    topics = [headers["X-Shopify-Topic"] for headers, _ in receiver.received]
    assert {"orders/create", "orders/paid", "order_transactions/create"} <= set(topics)
    assert {"inventory_levels/update", "products/update", "orders/updated"} <= set(topics)
    assert len({headers["X-Shopify-Event-Id"] for headers, _ in receiver.received}) == 1
    for headers, body in receiver.received:
        digest = hmac.new(b"sim-secret", body, hashlib.sha256).digest()
        assert headers["X-Shopify-Hmac-Sha256"] == base64.b64encode(digest).decode()
        assert headers["X-Shopify-Shop-Domain"] == DOMAIN
    created = next(
        json.loads(b) for h, b in receiver.received if h["X-Shopify-Topic"] == "orders/create"
    )
    assert created["id"] == number > 2**53
    assert "transactions" not in created


async def test_a_refused_delivery_comes_again_with_the_same_id(shop, receiver):
    platform, store = shop
    receiver.answers[:] = [500, 302]

    platform.courier.announce(store, "orders/create", {"id": 1})
    await _quiet(platform)

    ids = [headers["X-Shopify-Webhook-Id"] for headers, _ in receiver.received]
    assert len(ids) == 3
    assert len(set(ids)) == 1


async def test_a_subscription_is_removed_after_eight_retries(shop, receiver):
    platform, store = shop
    receiver.answers[:] = [500] * 20

    platform.courier.announce(store, "orders/create", {"id": 1})
    await _quiet(platform)

    assert len(receiver.received) == 9
    assert "ORDERS_CREATE" not in {one.topic for one in store.subscriptions.values()}


async def test_faults_drop_and_double_deliveries(shop, receiver):
    platform, store = shop

    platform.faults.set({"seed": 1, "webhooks": {"drop": 1}})
    platform.courier.announce(store, "orders/create", {"id": 1})
    platform.faults.set({"seed": 1, "webhooks": {"duplicate": 1}})
    platform.courier.announce(store, "orders/create", {"id": 2})
    await _quiet(platform)

    assert [json.loads(body)["id"] for _, body in receiver.received] == [2, 2]
    assert platform.courier.dropped == 1


async def test_an_uninstall_kills_the_tokens_and_is_announced(shop, receiver):
    platform, store = shop

    actions.perform(store, platform, "uninstall", {}, seed=1, at=moments.now())
    await _quiet(platform)

    assert store.tokens == {}
    assert [headers["X-Shopify-Topic"] for headers, _ in receiver.received] == ["app/uninstalled"]


def test_a_product_body_carries_a_hundred_variants_and_the_gids_of_all():
    world = a_world(products=12)
    big = next(one for one in world.products if len(one.variants) > 100)

    body = goods.product_body(big, world)

    assert len(body["variants"]) == 100
    assert len(body["variant_gids"]) == len(big.variants)


def test_a_restart_restores_everything_that_happened(tmp_path):
    platform, store = a_platform(tmp_path)
    names = ("create_order", "refund_order", "update_product", "set_inventory", "create_customer",
             "delete_order", "create_product", "change_timezone")  # fmt: skip
    for seed, name in enumerate(names * 3):
        actions.perform(store, platform, name, {}, seed=seed, at=AS_OF + seed)
    platform.journal.close()

    again, restored = a_platform(tmp_path)
    again.journal.close()

    assert list(restored.world.orders) == list(store.world.orders)
    assert list(restored.world.products) == list(store.world.products)
    assert list(restored.world.items) == list(store.world.items)
    assert restored.world.shop == store.world.shop
