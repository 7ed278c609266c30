"""A result that arrives whole although its connection breaks."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.errors import NotFound, Unavailable
from shared.shopify import download

RESULT = bytes(range(256)) * 4_000


class Storage:
    """Serves RESULT, but breaks after each of *breaks* bytes; knows ranges or does not."""

    def __init__(self, *breaks: int, ranges: bool = True) -> None:
        self.breaks, self.ranges = list(breaks), ranges
        self.asked: list[str | None] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        asked = request.headers.get("Range")
        self.asked.append(asked)
        start = int(asked[6:-1]) if asked and self.ranges else 0
        response = web.StreamResponse(status=206 if start else 200)
        response.content_length = len(RESULT) - start
        await response.prepare(request)
        if self.breaks:
            await response.write(RESULT[start : start + self.breaks.pop(0)])
            assert request.transport is not None
            request.transport.abort()
            return response
        await response.write(RESULT[start:])
        return response


async def fetched(storage) -> bytes:
    app = web.Application()
    app.router.add_get("/file", storage.serve)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        return b"".join(
            [one async for one in download.stream(session, str(server.make_url("/file")))]
        )


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(download, "_WAIT_SECONDS", 0)


@pytest.mark.parametrize("ranges", [True, False], ids=["with ranges", "without ranges"])
async def test_a_broken_stream_is_gone_on_with(ranges):
    storage = Storage(300_000, 700_000, ranges=ranges)

    assert await fetched(storage) == RESULT
    assert storage.asked[0] is None
    assert len(storage.asked) == 3
    assert all(asked and asked.startswith("bytes=") for asked in storage.asked[1:])


async def test_a_stream_that_never_goes_on_is_given_up():
    storage = Storage(1_000, *[0] * 9)

    with pytest.raises(Unavailable):
        await fetched(storage)

    assert len(storage.asked) <= 6


@pytest.mark.parametrize("status", [400, 403, 404, 410])
async def test_an_expired_address_is_told_apart(status):
    class Gone:
        async def serve(self, request: web.Request) -> web.Response:
            return web.Response(status=status)

    with pytest.raises(NotFound):
        await fetched(Gone())
