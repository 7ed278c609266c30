"""The HTTP face: shops by path prefix or by host, result files, the control API."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.simulator import control, graphql_api, oauth, rest, uploads
from tests.simulator.control import PLATFORM
from tests.simulator.platform import Platform
from tests.simulator.results import Rendered, Written
from tests.simulator.store import Store

_EXPIRED = (
    b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>ExpiredToken</Code>"
    b"<Message>The provided token has expired.</Message></Error>"
)
Endpoint = Callable[[web.Request, Store, Platform], Awaitable[web.StreamResponse]]


def build_app(platform: Platform) -> web.Application:
    """The simulator as an aiohttp application."""
    app = web.Application(client_max_size=4 << 20, middlewares=[_only_loopback_controls])
    app[PLATFORM] = platform
    for prefix in ("/shops/{shop}", ""):
        app.router.add_get(f"{prefix}/admin/oauth/authorize", _for_shop(oauth.authorize))
        app.router.add_post(f"{prefix}/admin/oauth/access_token", _for_shop(oauth.access_token))
        app.router.add_get(f"{prefix}/admin/oauth/access_scopes.json", _for_shop(_scopes))
        app.router.add_post(f"{prefix}/admin/api/{{version}}/graphql.json", _for_shop(_graphql))
        app.router.add_get(
            f"{prefix}/admin/api/{{version}}/{{path:.+}}.json", _for_shop(rest.answer)
        )
    app.router.add_get("/files/{name}", _file)
    app.router.add_post("/uploads", uploads.receive)
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
        named = request.match_info.get("shop")
        name = named or request.host.partition(":")[0]
        store = platform.find(name)
        if store is None or (store.domain != name and not _follows(platform)):
            return graphql_api.failure(404)
        if store.domain != name and request.path.endswith("/oauth/authorize"):
            return _moved(request, store, named)
        answer: web.StreamResponse = await endpoint(request, store, platform)
        return answer

    return enter


def _follows(platform: Platform) -> bool:
    """Whether a former domain still answers; nobody documents what Shopify does."""
    return str(platform.faults.given("admin", "renamed") or "follow") != "404"


def _moved(request: web.Request, store: Store, named: str | None) -> web.Response:
    """Pages of a former domain send the browser to the new one."""
    if named is not None:
        where = request.path_qs.replace(f"/shops/{named}/", f"/shops/{store.domain}/", 1)
    else:
        where = f"{request.scheme}://{store.domain}{request.path_qs}"
    return web.Response(status=301, headers={"Location": where})


async def _scopes(request: web.Request, store: Store, platform: Platform) -> web.Response:
    token = store.token(request.headers.get("X-Shopify-Access-Token"))
    if token is None:
        return graphql_api.failure(401)
    return web.json_response(rest.scopes_of(token.scopes))


async def _graphql(request: web.Request, store: Store, platform: Platform) -> web.StreamResponse:
    base = f"{request.scheme}://{request.host}"
    return await graphql_api.answer(request, store, platform, base)


async def _file(request: web.Request) -> web.StreamResponse:
    """A bulk result: no token asked, the name is the secret."""
    platform = request.app[PLATFORM]
    name = request.match_info["name"]
    result = platform.bulk.results.get(name)
    if result is None:
        raise web.HTTPNotFound
    if platform.bulk.deadlines.get(name, math.inf) < time.monotonic():
        return web.Response(body=_EXPIRED, status=400, content_type="application/xml")
    platform.stats["files served"] += 1
    if isinstance(result, Written):
        return web.FileResponse(result.path, headers={"Content-Type": "application/jsonl"})
    return await _streamed(request, result)


async def _streamed(request: web.Request, result: Rendered) -> web.StreamResponse:
    """Render while serving; a range, as a client that resumes asks for, begins at any byte."""
    start = 0
    if "Range" in request.headers:
        found = request.http_range
        start = found.start or 0
        if found.stop is not None or not 0 <= start < result.size:
            headers = {"Content-Range": f"bytes */{result.size}"}
            return web.Response(status=416, headers=headers)
    response = web.StreamResponse(
        status=206 if start else 200,
        headers={"Content-Type": "application/jsonl", "Accept-Ranges": "bytes"},
    )
    if start:
        response.headers["Content-Range"] = f"bytes {start}-{result.size - 1}/{result.size}"
    response.content_length = result.size - start
    await response.prepare(request)
    for chunk in result.chunks(start):
        await response.write(chunk)
    await response.write_eof()
    return response


async def _alive(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
