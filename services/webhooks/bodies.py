"""Reads request bodies, and bounds what all of them together hold in memory."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

from shared.errors import Rejected, Unavailable

# Shopify caps no payload; the largest seen in the wild are a few MiB.
LARGEST_BODY_BYTES: Final = 16 * 1024 * 1024
# Bodies this small, as nearly all are, find as much room again where large ones find none.
_SMALL_BYTES: Final = 64 * 1024
# What a sender whose requests keep being refused may send.
SUSPECT_BODY_BYTES: Final = 1024 * 1024

_MALFORMED = (ClientPayloadError, HttpProcessingError, web.RequestPayloadError, ConnectionError)


class Bodies:
    """What is held from the first byte of a body until its answer."""

    def __init__(self, *, most_bytes: int = 128 * 1024 * 1024, seconds: float = 10) -> None:
        self._most_bytes = most_bytes
        self._seconds = seconds
        self.held = 0

    async def read(self, request: web.Request) -> bytes:
        """Return the body as it was sent; the caller lets go of it.

        Raises HTTPRequestEntityTooLarge, Rejected for a body that is malformed or does not come,
        and Unavailable while others fill the memory.
        """
        content = request.content
        if content.is_eof() and content.exception() is None:
            # All of it came with the headers: no copy, no timer.
            body = content.read_nowait()
            if len(body) > _SMALL_BYTES or self.held > self._most_bytes:
                self._check(len(body), self.held + len(body))
            self.held += len(body)
            return body
        if (request.content_length or 0) > LARGEST_BODY_BYTES:
            raise web.HTTPRequestEntityTooLarge(LARGEST_BODY_BYTES)
        try:
            async with asyncio.timeout(self._seconds):
                return await self._gather(request)
        except TimeoutError as exc:
            raise Rejected("the body did not come in time", code="slow_body") from exc
        except _MALFORMED as exc:
            raise Rejected("the body is cut or malformed", code="malformed_body") from exc

    def let_go(self, body: bytes) -> None:
        """Say that the request of *body* has been answered."""
        self.held -= len(body)

    async def _gather(self, request: web.Request) -> bytes:
        body = bytearray()
        whole = False
        try:
            while chunk := await request.content.readany():
                body += chunk
                self.held += len(chunk)
                self._check(len(body), self.held)
            whole = True
        finally:
            if not whole:
                self.held -= len(body)
        return bytes(body)

    def _check(self, size: int, held: int) -> None:
        if size > LARGEST_BODY_BYTES:
            raise web.HTTPRequestEntityTooLarge(LARGEST_BODY_BYTES)
        if held > self._most_bytes * (1 if size > _SMALL_BYTES else 2):
            raise Unavailable("too much is being received", retry_after=1, code="overloaded")
