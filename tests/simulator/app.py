"""The HTTP face: shops by path prefix or by host, result files, the control API."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.simulator import control, graphql_api, oauth
from tests.simulator.control import PLATFORM
from tests.simulator.platform import Platform
from tests.simulator.store import Store

_FILE = re.compile(r"^bulk-\d+-[0-9a-f]{16}\.jsonl$")
Endpoint = Callable[[web.Request, Store, Platform], Awaitable[web.StreamResponse]]


def build_app(platform: Platform) -> web.Application:
    """The simulator as an aiohttp application."""
    app = web.Application(client_max_size=4 << 20, middlewares=[_only_loopback_controls])
    app[PLATFORM] = platform
    for prefix in ("/shops/{shop}", ""):
        app.router.add_get(f"{prefix}/admin/oauth/authorize", _for_shop(oauth.authorize))
        app.router.add_post(f"{prefix}/admin/oauth/access_token", _for_shop(oauth.access_token))
        app.router.add_post(f"{prefix}/admin/api/{{version}}/graphql.json", _for_shop(_graphql))
    app.router.add_get("/files/{name}", _file)
    app.router.add_get("/healthz", _alive)
    app.add_routes(control.ROUTES)
    app.cleanup_ctx.append(_running)
    return app


async def _running(app: web.Application) -> AsyncIterator[None]:
    async with app[PLATFORM].running():
        yield


@web.middleware
async def _only_loopback_controls(request: web.Request, handler: Any) -> web.StreamResponse:
    if request.path.startswith("/_sim") and not _near(request):
        return web.json_response({"error": "the control API answers loopback only"}, status=403)
    answer: web.StreamResponse = await handler(request)
    return answer


def _near(request: web.Request) -> bool:
    """Loopback, or the private network of a container."""
    try:
        address = ipaddress.ip_address(request.remote or "")
    except ValueError:
        return False
    return address.is_loopback or address.is_private


def _for_shop(endpoint: Any) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def enter(request: web.Request) -> web.StreamResponse:
        platform = request.app[PLATFORM]
        name = request.match_info.get("shop") or request.host.partition(":")[0]
        store = platform.stores.get(name)
        if store is None:
            return graphql_api.failure(404)
        answer: web.StreamResponse = await endpoint(request, store, platform)
        return answer

    return enter


async def _graphql(request: web.Request, store: Store, platform: Platform) -> web.Response:
    base = f"{request.scheme}://{request.host}"
    return await graphql_api.answer(request, store, platform, base)


async def _file(request: web.Request) -> web.StreamResponse:
    """A bulk result: no token asked, the name is the secret."""
    platform = request.app[PLATFORM]
    name = request.match_info["name"]
    path = platform.folder / name
    if not _FILE.match(name) or not path.exists():
        raise web.HTTPNotFound
    platform.stats["files served"] += 1
    return web.FileResponse(path, headers={"Content-Type": "application/jsonl"})


async def _alive(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
