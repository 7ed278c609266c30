"""Result files of bulk operations: streamed, and gone on with where a connection broke."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import aiohttp

from shared.errors import NotFound, Unavailable
from shared.shopify import admin_api

_BUFFER_BYTES = 1024 * 1024
_SILENCE_SECONDS = 60
_GONE = (400, 403, 404, 410)  # how storage hosts answer for an expired signature
_BREAKS_IN_A_ROW = 4
_WAIT_SECONDS = 0.5


async def stream(session: aiohttp.ClientSession, url: str) -> AsyncIterator[bytes]:
    """Yield the bytes of *url*, each once and in order, without a token.

    A stream that breaks is asked for from there on; a server that knows no ranges sends what we
    have again, and we leave it out. Raises NotFound once the URL expired, Unavailable when the
    stream breaks again and again with nothing new: what was yielded until then is good.
    """
    received = breaks = 0
    while True:
        try:
            async for chunk in _from(session, url, received):
                received += len(chunk)
                breaks = 0
                yield chunk
        except Unavailable:
            breaks += 1
            if breaks == _BREAKS_IN_A_ROW:
                raise
            await asyncio.sleep(_WAIT_SECONDS * breaks)
        else:
            return


async def _from(session: aiohttp.ClientSession, url: str, start: int) -> AsyncIterator[bytes]:
    timeout = aiohttp.ClientTimeout(total=None, sock_read=_SILENCE_SECONDS)
    with network_errors():
        async with session.get(
            url,
            headers={"Range": f"bytes={start}-"} if start else {},
            allow_redirects=False,
            timeout=timeout,
            read_bufsize=_BUFFER_BYTES,
        ) as response:
            if response.status in _GONE:
                raise NotFound("the result is no longer there", code="download_gone")
            if response.status == 416:
                return  # the stream broke behind its last byte
            if response.status not in (200, 206):
                admin_api.raise_for_status(response.status, response.headers, b"")
            known = start if response.status == 200 else 0
            async for chunk in response.content.iter_any():
                if fresh := chunk[known:]:
                    yield fresh
                known = max(0, known - len(chunk))


@contextlib.contextmanager
def network_errors() -> Iterator[None]:
    """Raise Unavailable: ``shopify_unreachable`` when nothing was sent, else ``shopify_silent``."""
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as exc:
        raise Unavailable("Shopify cannot be reached", code="shopify_unreachable") from exc
    except (aiohttp.ClientError, TimeoutError, OSError) as exc:
        raise Unavailable("Shopify did not answer", code="shopify_silent") from exc
