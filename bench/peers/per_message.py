"""Our receiver's framework without group commit: one confirmed message per delivery.

``python -m bench.peers.per_message`` with PORT, QUEUE, AMQP_URL and SHOPIFY_CLIENT_SECRET.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import AsyncIterator

import aio_pika
import uvloop
from aio_pika.abc import AbstractExchange
from aio_pika.exceptions import AMQPError
from aiohttp import web

QUEUE = os.environ["QUEUE"]
SECRET = os.environ["SHOPIFY_CLIENT_SECRET"].encode()
EXCHANGE: web.AppKey[AbstractExchange] = web.AppKey("EXCHANGE")


async def connected(app: web.Application) -> AsyncIterator[None]:
    async with await aio_pika.connect_robust(os.environ["AMQP_URL"]) as connection:
        channel = await connection.channel()
        await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        app[EXCHANGE] = channel.default_exchange
        yield


async def receive(request: web.Request) -> web.Response:
    body = await request.read()
    digest = base64.b64encode(hmac.digest(SECRET, body, hashlib.sha256)).decode()
    if not hmac.compare_digest(digest, request.headers.get("X-Shopify-Hmac-Sha256", "")):
        return web.Response(status=401)
    message = aio_pika.Message(
        body,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        headers={
            "topic": request.headers["X-Shopify-Topic"],
            "webhook": request.headers["X-Shopify-Webhook-Id"],
        },
    )
    try:
        await request.app[EXCHANGE].publish(message, routing_key=QUEUE)
    except AMQPError:
        return web.Response(status=503)
    return web.Response()


async def ready(_: web.Request) -> web.Response:
    return web.Response()


def main() -> None:
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.cleanup_ctx.append(connected)
    app.router.add_post("/api/v1/shopify/webhooks", receive)
    app.router.add_get("/readyz", ready)
    port = int(os.environ["PORT"])
    web.run_app(
        app, port=port, host="127.0.0.1", loop=uvloop.new_event_loop(), access_log=None, print=None
    )


if __name__ == "__main__":
    main()
