"""The dead of a queue on RabbitMQ."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from operator import itemgetter
from typing import Final

from aio_pika.abc import AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError

from shared.bus.headers import replayed
from shared.bus.protocol import DeadLetter
from shared.bus.rabbitmq_link import LOST, Line, Link, Named
from shared.bus.rabbitmq_messages import again, buried
from shared.bus.rabbitmq_topology import Names
from shared.errors import Unavailable

_ANSWER_SECONDS: Final = 10.0
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


class RabbitDeadLetters:
    """Messages of the dead queue, taken one by one and not acknowledged.

    The broker gives back what is not acknowledged, at the latest when it notices that we are gone,
    and until then a second reader sees nothing of it. What is given back waits behind what was
    given back before, so a reader that stops half-way turns the queue round; hence whoever opens it
    brings it into order and whoever leaves it takes the rest as well before giving all back.
    The broker does not count what a reader has taken; a consumer of the queue of visits tells so.
    """

    def __init__(self, line: Line, dead: AbstractQueue, *, names: Names, queue: str) -> None:
        self._line = line
        self._dead = dead
        self._names = names
        self._queue = queue
        # What dies while we read comes to the end of the queue and is not read.
        self._left = dead.declaration_result.message_count or 0
        self._in_hand: AbstractIncomingMessage | None = None

    async def __aiter__(self) -> AsyncIterator[DeadLetter]:
        while self._left and (arrived := await self._next()):
            self._in_hand = arrived
            yield buried(arrived, self._queue)

    async def arrange(self) -> None:
        """Bring the queue into the order in which its messages died."""
        count = self._left
        # Without the messages: all their bodies together may be more than this machine holds.
        places: list[tuple[datetime, int]] = []
        while self._left and (arrived := await self._next()):
            died_at = buried(arrived, self._queue).died_at or _BEGINNING
            places.append((died_at, arrived.delivery_tag or 0))
        if all(one[0] <= next_one[0] for one, next_one in pairwise(places)):
            await self._give_back_all()
        else:
            await self._give_back([tag for _, tag in sorted(places, key=itemgetter(0))])
        self._left = min(count, len(places))

    async def leave(self) -> None:
        """Give back what was neither replayed nor dropped, in its order."""
        while self._left and await self._next():
            pass
        await self._give_back_all()

    async def _next(self) -> AbstractIncomingMessage | None:
        self._left -= 1
        with answered():
            return await self._dead.get(fail=False, timeout=_ANSWER_SECONDS)

    async def _give_back(self, tags: Sequence[int]) -> None:
        channel = await self._line.channel.get_underlay_channel()
        for tag in tags:
            await channel.basic_nack(tag, requeue=True)

    async def _give_back_all(self) -> None:
        channel = await self._line.channel.get_underlay_channel()
        await channel.basic_nack(0, multiple=True, requeue=True)

    async def replay(self, letter: DeadLetter) -> None:
        """See DeadLetters.replay."""
        arrived = self._taken()
        copy = again(arrived, replayed(letter.message.headers), attempt=0)
        with answered():
            async with asyncio.timeout(_ANSWER_SECONDS):
                # Not through the topic: other queues that are bound to it have had the message.
                await self._line.channel.default_exchange.publish(
                    copy, self._names.queue(self._queue)
                )
                await arrived.ack()

    async def drop(self, letter: DeadLetter) -> None:
        """See DeadLetters.drop."""
        del letter
        with answered():
            await self._taken().ack()

    def _taken(self) -> AbstractIncomingMessage:
        if self._in_hand is None:
            raise RuntimeError("no letter is being visited")
        arrived, self._in_hand = self._in_hand, None
        return arrived


@contextlib.asynccontextmanager
async def visiting(link: Link, *, names: Names, queue: str) -> AsyncIterator[RabbitDeadLetters]:
    """See Bus.dead_letters; *link* is ours to close."""
    try:
        line = await link.line()
        with answered():
            visits = await line.channel.get_queue(names.visits(queue), ensure=False)
            await visits.consume(_nothing)
            dead = await line.channel.declare_queue(names.dead(queue), passive=True)
        letters = RabbitDeadLetters(line, dead, names=names, queue=queue)
        with answered():
            await letters.arrange()
        try:
            yield letters
        finally:
            with contextlib.suppress(Unavailable, *LOST):
                await letters.leave()
    finally:
        await link.close()


async def _nothing(message: AbstractIncomingMessage) -> None:
    """Nothing comes through the queue of visits; its consumers are counted."""


@contextlib.contextmanager
def answered() -> Iterator[None]:
    """Turn what a broker says or fails to say into Unavailable."""
    try:
        with Named():
            yield
    except ChannelNotFoundEntity as exc:
        raise Unavailable("a queue is gone", code="unroutable") from exc
    except DeliveryError as exc:
        raise Unavailable("no queue took the message", code="unroutable") from exc
    except LOST as exc:
        raise Unavailable("RabbitMQ does not answer", code="broker_unavailable") from exc
