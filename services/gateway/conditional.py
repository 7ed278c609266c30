"""Answers that a caller has already are not sent again."""

from __future__ import annotations

from hashlib import blake2b

from aiohttp import ETag, web
from aiohttp.typedefs import Handler

_ANY = "*"
_CACHE_CONTROL = "private, no-cache"
# One address answers each tenant with its own.
_VARY = "Authorization, X-API-Key"


@web.middleware
async def only_news(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name each JSON answer to a GET by its content; answer 304 to who names that in If-None-Match.

    The caller was identified and the answer made as ever: only sending it is spared.
    """
    response = await handler(request)
    if not (isinstance(response, web.Response) and _may_be_kept(request, response)):
        return response
    # Weak, because a proxy may compress the same answer in several ways.
    tag = ETag(value=blake2b(_bytes(response), digest_size=16).hexdigest(), is_weak=True)
    if any(known.value in (tag.value, _ANY) for known in request.if_none_match or ()):
        response = web.Response(status=304)
    response.etag = tag
    response.headers.update({"Cache-Control": _CACHE_CONTROL, "Vary": _VARY})
    return response


def _may_be_kept(request: web.Request, response: web.Response) -> bool:
    return (
        request.method == "GET"
        and request.path.startswith("/api/")
        and response.status == 200
        and response.content_type == "application/json"
        and "Cache-Control" not in response.headers
    )


def _bytes(response: web.Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else b""
