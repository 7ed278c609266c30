"""Webhooks as they come over the wire, to be handed on in whatever order a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.deliveries import Delivery
from tests.integration.pains.shop import Shop
from tests.integration.syncer.shopify import a_webhook


@asynccontextmanager
async def receiving() -> AsyncIterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """Listen for webhooks: the address, and what came as (topic, id, body)."""
    came: list[tuple[str, str, bytes]] = []

    async def receive(request: web.Request) -> web.Response:
        headers = request.headers
        topic, webhook_id = headers["X-Shopify-Topic"], headers["X-Shopify-Webhook-Id"]
        came.append((topic, webhook_id, await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/hooks", receive)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}/hooks", came


async def all_sent(shop: Shop) -> None:
    """Wait until Shopify has nothing left to deliver."""
    async with asyncio.timeout(20):
        while (await shop.simulator.stats())["webhooks"]["pending"]:
            await asyncio.sleep(0.05)


def delivered(shop: Shop, topic: str, webhook_id: str, body: bytes) -> Delivery:
    """Return what the webhooks service would pass on."""
    made = a_webhook(shop.owner, topic, body)
    named = {name: getattr(made, name) for name in made.__struct_fields__}
    return Delivery(**{**named, "webhook_id": webhook_id, "shop_domain": shop.simulator.shop})
