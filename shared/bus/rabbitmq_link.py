"""One connection to RabbitMQ, opened on demand and opened again after a loss."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Final

import aio_pika
import aiormq
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from pamqp.commands import Basic
from yarl import URL

from shared.background import ended
from shared.bus.rabbitmq_topology import Exchanges, Names, declare
from shared.errors import Unavailable

log = structlog.get_logger()

LOST = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError)

_CONNECT_SECONDS: Final = 5.0
# How long an attempt to connect may take before callers stop waiting for it.
_PATIENCE_SECONDS: Final = 0.5
_REST_SECONDS: Final = 1.0
_CLOSE_SECONDS: Final = 2.0


class Named(AbstractContextManager[None]):
    """Names what aiormq leaves nameless.

    It ends waits on a dying channel with a bare Exception, and a handshake that the broker leaves
    with StopAsyncIteration.
    """

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind in (Exception, StopAsyncIteration):
            raise ConnectionAbortedError("the connection ended without a reason") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An open connection with one channel. Holds the strong references that aio-pika does not.

    *lower* is the channel as aiormq sees it, the layer below aio-pika.
    """

    connection: AbstractConnection
    channel: AbstractChannel
    lower: aiormq.abc.AbstractChannel
    exchanges: Exchanges

    @property
    def broken(self) -> bool:
        return self.channel.is_closed or self.connection.is_closed

    async def publish(
        self, body: bytes, properties: Basic.Properties, *, exchange: str, routing_key: str
    ) -> None:
        """Return when the broker has confirmed it; raises DeliveryError when no queue took it.

        Below aio-pika, which takes half as long to make a message as this takes to send it.
        """
        await self.lower.basic_publish(
            body,
            exchange=exchange,
            routing_key=routing_key,
            properties=properties,
            mandatory=True,
        )


class Link:
    """Hands out an open line, or raises Unavailable without waiting for a broker known to be away.

    Plain connections instead of robust ones: what is restored, and when, is decided here.
    """

    def __init__(self, url: str, names: Names) -> None:
        self._url = URL(url)
        if "heartbeat" not in self._url.query:
            # The broker gives a silent consumer up after two to three of them: within a lease.
            self._url = self._url.update_query(heartbeat="8")
        self._names = names
        self._line: Line | None = None
        self._opening: asyncio.Task[Line] | None = None
        self._impatient_at = 0.0
        self._resting_until = 0.0
        self._closing: set[asyncio.Task[None]] = set()

    async def line(self) -> Line:
        """Return an open line; raises Unavailable."""
        line = self._line
        if line is not None and not line.broken:
            return line
        opening = self._opening or self._start()
        if opening.done():
            return opening.result()
        if asyncio.get_running_loop().time() >= self._impatient_at:
            raise Unavailable("RabbitMQ is not connected yet", code="broker_unavailable")
        return await asyncio.shield(opening)

    def drop(self, line: Line | None) -> None:
        """Give up *line*, so that the next caller opens a new one after a rest."""
        if line is None or line is not self._line:
            return
        self._line = None
        self._rest()
        self._close_soon(line)

    async def close(self) -> None:
        """Close for good."""
        if self._opening is not None:
            await ended(self._opening)
        line, self._line = self._line, None
        if line is not None:
            self._close_soon(line)
        if self._closing:
            await asyncio.wait(self._closing)

    def _start(self) -> asyncio.Task[Line]:
        loop = asyncio.get_running_loop()
        if loop.time() < self._resting_until:
            raise Unavailable("RabbitMQ is away", code="broker_unavailable")
        self._impatient_at = loop.time() + _PATIENCE_SECONDS
        self._opening = loop.create_task(self._open(), name="open RabbitMQ")
        self._opening.add_done_callback(self._opened)
        return self._opening

    def _opened(self, opening: asyncio.Task[Line]) -> None:
        self._opening = None
        if opening.cancelled():
            return
        if opening.exception() is not None:
            self._rest()
            return
        line, self._line = self._line, opening.result()
        if line is not None:
            self._close_soon(line)

    async def _open(self) -> Line:
        connection: AbstractConnection | None = None
        try:
            with Named():
                async with asyncio.timeout(_CONNECT_SECONDS):
                    connection = await aio_pika.connect(self._url)
                    channel = await connection.channel(
                        publisher_confirms=True, on_return_raises=True
                    )
                    exchanges = await declare(channel, self._names)
                    lower = await channel.get_underlay_channel()
        except LOST as exc:
            await _close_quietly(connection)
            log.warning("RabbitMQ unreachable", host=self._url.host, error=repr(exc))
            raise Unavailable("RabbitMQ is away", code="broker_unavailable") from exc
        except asyncio.CancelledError:
            await _close_quietly(connection)
            raise
        return Line(connection=connection, channel=channel, lower=lower, exchanges=exchanges)

    def _rest(self) -> None:
        self._resting_until = asyncio.get_running_loop().time() + _REST_SECONDS

    def _close_soon(self, line: Line) -> None:
        closing = asyncio.get_running_loop().create_task(_close_quietly(line.connection))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


async def _close_quietly(connection: AbstractConnection | None) -> None:
    """Close; a connection that is beyond that is already what we want."""
    if connection is None:
        return
    try:
        with Named():
            async with asyncio.timeout(_CLOSE_SECONDS):
                await connection.close()
    except LOST as exc:
        log.info("RabbitMQ connection was gone already", error=repr(exc))
