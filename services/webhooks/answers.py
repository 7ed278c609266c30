"""The answer to a delivery that is kept: the same few bytes every time."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Final

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter


class _Kept(web.StreamResponse):
    """An empty 200 on a connection that stays open.

    Putting these bytes together anew takes aiohttp longer than to verify a signature. Nothing in
    them depends on the request, so one object answers all.
    """

    def __init__(self) -> None:
        super().__init__()
        self._second = 0
        self._bytes = b""

    @property
    def keep_alive(self) -> bool:
        """See StreamResponse.keep_alive."""
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Write all of it."""
        second = int(time.time())
        if second != self._second:
            date = formatdate(second, usegmt=True)
            self._second = second
            self._bytes = f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: {date}\r\n\r\n".encode()
        await request.writer.write_eof(self._bytes)
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: there is nothing left to write."""


_KEPT: Final = _Kept()


def kept(request: web.Request) -> web.StreamResponse:
    """Return the 200 for *request*."""
    if request.keep_alive and request.version == HttpVersion11:
        return _KEPT
    return web.Response()
