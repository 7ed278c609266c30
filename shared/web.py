"""What every service serves: health, metrics, and errors as JSON."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.errors import (
    BadGateway,
    Conflict,
    Forbidden,
    GatewayTimeout,
    NotFound,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
    Unprocessable,
)
from shared.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS_TOTAL

log = structlog.get_logger()

# What a caller may name its request: it ends in our logs and audit entries.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

REQUEST_ID = web.RequestKey("REQUEST_ID", str)
Check = Callable[[web.Application], Awaitable[None]]

_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_STATUS: dict[type[Exception], int] = {
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Unprocessable: 422,
    Rejected: 400,
    Throttled: 429,
    BadGateway: 502,
    GatewayTimeout: 504,
    Unavailable: 503,
}


def respond(
    value: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with *value* as JSON."""
    return web.Response(
        body=orjson.dumps(value), status=status, content_type="application/json", headers=headers
    )


@web.middleware
async def errors_to_responses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn the error tree into ``{ok, error, code, details, request_id}``; count and log it."""
    request[REQUEST_ID] = request_id = _request_id(request)
    started = time.perf_counter()
    try:
        response = await handler(request)
    except (Rejected, Unavailable) as exc:
        response = problem(exc, request_id)
    except web.HTTPException as exc:
        response = _http_problem(exc, request_id)
    except Exception:
        log.exception("request failed", route=_route(request), request_id=request_id)
        response = _problem(500, "internal error", "internal_error", {}, request_id)
    response.headers["X-Request-Id"] = request_id
    _note(request, response.status, time.perf_counter() - started)
    return response


def _request_id(request: web.Request) -> str:
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def problem(exc: Rejected | Unavailable, request_id: str) -> web.Response:
    """Return the response that tells a caller about *exc*."""
    status = next(code for kind, code in _STATUS.items() if isinstance(exc, kind))
    if isinstance(exc, Rejected):
        response = _problem(status, str(exc), exc.code, exc.details, request_id)
        if status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response
    if exc.retry_after is None:
        return _problem(status, str(exc), exc.code, {}, request_id)
    seconds = max(1, round(exc.retry_after))
    response = _problem(status, str(exc), exc.code, {"retry_after": seconds}, request_id)
    response.headers["Retry-After"] = str(seconds)
    return response


def _http_problem(exc: web.HTTPException, request_id: str) -> web.StreamResponse:
    if exc.status < 400:
        return exc
    code = exc.reason.lower().replace(" ", "_")
    response = _problem(exc.status, exc.reason, code, {}, request_id)
    if "Allow" in exc.headers:
        response.headers["Allow"] = exc.headers["Allow"]
    return response


def _problem(
    status: int, message: str, code: str, details: Mapping[str, object], request_id: str
) -> web.Response:
    body = {
        "ok": False,
        "error": message,
        "code": code,
        "details": details,
        "request_id": request_id,
    }
    return respond(body, status=status)


def _note(request: web.Request, status: int, seconds: float) -> None:
    route = _route(request)
    HTTP_REQUESTS_TOTAL.labels(route, str(status)).inc()
    HTTP_REQUEST_SECONDS.labels(route).observe(seconds)
    if route not in _PROBES:
        log.info(
            "request",
            method=request.method,
            route=route,
            status=status,
            seconds=round(seconds, 4),
            request_id=request[REQUEST_ID],
        )


def _route(request: web.Request) -> str:
    # Never the path: it may hold an OAuth state or whatever a stranger typed.
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unmatched"


async def expecting(request: web.Request) -> None:
    """Answer ``Expect``; aiohttp's own way fails with 500 for a header that is no UTF-8."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed
    # Who has left already is no error of ours; the read of the body finds out, too.
    with suppress(ConnectionError):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # What goes on may still be an error of its own.
    request.writer.output_size = 0


def probes(*checks: Check) -> list[web.RouteDef]:
    """Return ``/healthz`` (the process lives), ``/readyz`` (*checks* pass) and ``/metrics``."""

    async def alive(_: web.Request) -> web.Response:
        return respond({"ok": True})

    async def ready(request: web.Request) -> web.Response:
        for check in checks:
            await check(request.app)
        return respond({"ok": True})

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [
        web.get("/healthz", alive, expect_handler=expecting),
        web.get("/readyz", ready, expect_handler=expecting),
        web.get("/metrics", metrics, expect_handler=expecting),
    ]
