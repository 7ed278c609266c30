"""The 200 that is written as the same bytes every time, as clients of every kind read it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from services.webhooks.answers import kept
from shared.clock import now


async def answer(request: web.Request) -> web.StreamResponse:
    await request.read()
    return kept(request)


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_post("/", answer)
    async with TestServer(app) as server:
        yield server


async def test_it_is_an_empty_200_of_this_moment_and_the_connection_stays_open(server: TestServer):
    async with ClientSession() as session:
        for _ in range(3):
            async with session.post(server.make_url("/"), data=b"x") as answered:
                body = await answered.read()
        [connections] = session.connector._conns.values()

    assert (answered.status, body, answered.headers["Content-Length"]) == (200, b"", "0")
    age = now() - parsedate_to_datetime(answered.headers["Date"])
    assert 0 <= age.total_seconds() < 5
    assert len(connections) == 1


@pytest.mark.parametrize(
    ("version", "header", "open_after"),
    [
        ("1.1", "", True),
        ("1.1", "Connection: close\r\n", False),
        ("1.0", "", False),
        ("1.0", "Connection: keep-alive\r\n", True),
    ],
)
async def test_a_connection_stays_open_as_its_client_wants(
    server: TestServer, version: str, header: str, open_after: bool
):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    request = f"POST / HTTP/{version}\r\nHost: x\r\n{header}Content-Length: 1\r\n\r\nx".encode()
    writer.write(request)
    first = await reader.readuntil(b"\r\n\r\n")
    writer.write(request)
    try:
        second = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        second = b""
    writer.close()

    assert first.startswith(f"HTTP/{version} 200 OK\r\n".encode())
    assert bool(second) is open_after


async def test_requests_that_come_together_are_answered_one_by_one(server: TestServer):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx" * 5)
    for _ in range(5):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()
