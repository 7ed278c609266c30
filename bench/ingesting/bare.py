"""The ceiling: an aiohttp server that reads the body and answers 200. ``… bare PORT``."""

from __future__ import annotations

import sys

import uvloop
from aiohttp import web


async def receive(request: web.Request) -> web.Response:
    await request.read()
    return web.Response()


def main() -> None:
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/api/v1/shopify/webhooks", receive)
    app.router.add_get("/readyz", receive)
    port = int(sys.argv[1])
    web.run_app(
        app, port=port, host="127.0.0.1", loop=uvloop.new_event_loop(), access_log=None, print=None
    )


if __name__ == "__main__":
    main()
