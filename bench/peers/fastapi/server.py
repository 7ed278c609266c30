"""A receiver as FastAPI users write it: one confirmed message per request. ``server.py``."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
from collections.abc import AsyncIterator

import aio_pika
import uvicorn
from aio_pika.abc import AbstractExchange
from aio_pika.exceptions import AMQPError
from fastapi import FastAPI, HTTPException, Request, Response

QUEUE = os.environ["QUEUE"]
SECRET = os.environ["SHOPIFY_CLIENT_SECRET"].encode()


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with await aio_pika.connect_robust(os.environ["AMQP_URL"]) as connection:
        channel = await connection.channel()
        await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        app.state.exchange = channel.default_exchange
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def ready() -> Response:
    return Response()


@app.post("/api/v1/shopify/webhooks")
async def receive(request: Request) -> Response:
    body = await request.body()
    digest = base64.b64encode(hmac.new(SECRET, body, hashlib.sha256).digest()).decode()
    if not hmac.compare_digest(digest, request.headers.get("x-shopify-hmac-sha256", "")):
        raise HTTPException(401)
    exchange: AbstractExchange = request.app.state.exchange
    message = aio_pika.Message(
        body,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        headers={
            "topic": request.headers["x-shopify-topic"],
            "webhook": request.headers["x-shopify-webhook-id"],
        },
    )
    try:
        await exchange.publish(message, routing_key=QUEUE)
    except AMQPError as exc:
        raise HTTPException(503) from exc
    return Response()


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False, log_level="warning"
    )
