"""A receiver as somebody else would write one: ``python -m … SECRET``.

It verifies by the official library, keeps what it took and tells it at /_taken. /fail answers 500,
/gone 410, /hang not at all, /away redirects to /hook, /hook takes.
"""

from __future__ import annotations

import asyncio
import sys

import orjson
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

TAKEN: list[dict[str, object]] = []


async def hook(request: web.Request) -> web.Response:
    body = await request.read()
    try:
        Webhook(sys.argv[1]).verify(body, dict(request.headers.items()))
    except WebhookVerificationError as exc:
        return web.Response(status=401, text=str(exc))
    TAKEN.append({"id": request.headers["webhook-id"], "body": orjson.loads(body)})
    return web.Response(text="thanks")


async def fail(_: web.Request) -> web.Response:
    return web.Response(status=500, text="no\0 " * 5000)


async def gone(_: web.Request) -> web.Response:
    return web.Response(status=410)


async def hang(_: web.Request) -> web.Response:
    await asyncio.sleep(3600)
    return web.Response()


async def away(_: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/hook"})


async def taken(_: web.Request) -> web.Response:
    return web.json_response(TAKEN)


async def serve() -> None:
    app = web.Application()
    app.add_routes([web.post(f"/{each.__name__}", each) for each in (hook, fail, gone, hang, away)])
    app.add_routes([web.get("/_taken", taken)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
