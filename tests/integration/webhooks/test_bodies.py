"""Bodies that come slowly, in part, or more than there is room for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.webhooks.bodies import Bodies
from shared.errors import Rejected, Unavailable

ROOM = 300_000


async def answer(request: web.Request) -> web.Response:
    """Hold the body until the next one has come, as a delivery is held until it is durable."""
    body = b""
    bodies = request.app[BODIES]
    try:
        body = await bodies.read(request)
        if request.path == "/hold":
            await request.app[RELEASE].wait()
    except (Rejected, Unavailable) as exc:
        return web.Response(status=503 if isinstance(exc, Unavailable) else 400, text=exc.code)
    finally:
        bodies.let_go(body)
    return web.Response(text=str(len(body)))


BODIES = web.AppKey("BODIES", Bodies)
RELEASE = web.AppKey("RELEASE", asyncio.Event)


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    app = web.Application(client_max_size=1)
    app[BODIES] = Bodies(most_bytes=ROOM, seconds=0.5)
    app[RELEASE] = asyncio.Event()
    app.router.add_post("/{name}", answer)
    async with TestServer(app) as server:
        yield server


async def posted(server: TestServer, *raw: bytes) -> str:
    """Send *raw*, wait until the connection is closed, and return the last line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for piece in raw:
        writer.write(piece)
        await asyncio.sleep(0.02)
    answered = await reader.read()
    writer.close()
    return answered.decode().rpartition("\r\n")[2]


def request(size: int, *, path: str = "read", sent: int | None = None) -> bytes:
    head = (
        f"POST /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
    )
    return head.encode() + b"x" * (size if sent is None else sent)


@pytest.mark.parametrize("size", [0, 1, 10_000, 100_000, 299_999])
async def test_a_body_is_read_whole_however_many_pieces_it_comes_in(server: TestServer, size: int):
    assert await posted(server, request(size)) == str(size)


async def test_a_body_that_does_not_come_is_not_waited_for(server: TestServer):
    assert await posted(server, request(100, sent=10)) == "slow_body"


async def test_a_large_body_is_refused_while_others_fill_the_room_and_a_small_one_is_not(
    server: TestServer,
):
    held = asyncio.create_task(posted(server, request(250_000, path="hold")))
    while server.app[BODIES].held < 250_000:
        await asyncio.sleep(0.01)

    large = await posted(server, request(100_000))
    small = await posted(server, request(10_000))
    server.app[RELEASE].set()

    assert (large, small, await held) == ("overloaded", "10000", "250000")
    assert await posted(server, request(100_000)) == "100000"
    assert server.app[BODIES].held == 0


@pytest.mark.parametrize("connection", ["all at once", "in pieces"])
async def test_small_bodies_have_room_of_their_own_but_not_without_end(
    server: TestServer, connection: str
):
    held = [
        asyncio.create_task(posted(server, request(60_000, path="hold")))
        for _ in range(2 * ROOM // 60_000)
    ]
    while server.app[BODIES].held < 2 * ROOM:
        await asyncio.sleep(0.01)

    small = request(10_000)
    cut = len(small) if connection == "all at once" else 5_000
    refused = await posted(server, small[:cut], small[cut:])
    server.app[RELEASE].set()

    assert refused == "overloaded"
    assert set(await asyncio.gather(*held)) == {"60000"}
    assert await posted(server, request(10_000)) == "10000"
    assert server.app[BODIES].held == 0
