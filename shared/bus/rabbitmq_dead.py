"""The dead of a queue on RabbitMQ."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from operator import itemgetter
from typing import Final

from aio_pika import Message as AmqpMessage
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError

from shared.bus.headers import failed, replayed
from shared.bus.protocol import DeadLetter
from shared.bus.rabbitmq_link import LOST, Line, Link, Named
from shared.bus.rabbitmq_messages import again, buried
from shared.bus.rabbitmq_topology import Names
from shared.clock import now
from shared.errors import Unavailable

_ANSWER_SECONDS: Final = 10.0
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


class RabbitDeadLetters:
    """Messages of the dead queue, taken one by one and not acknowledged.

    The broker gives back what is not acknowledged, at the latest when it notices that we are gone,
    and until then a second reader sees nothing of it. What is given back waits behind what was
    given back before, so a reader that stops half-way turns the queue round; hence whoever opens it
    (except alone) brings it into order and whoever leaves it takes the rest as well before giving
    all back.
    The broker does not count what a reader has taken; a consumer of the queue of visits tells so.
    """

    def __init__(
        self, line: Line, dead: AbstractQueue, *, names: Names, queue: str, alone: bool
    ) -> None:
        self._line = line
        self._dead = dead
        self._names = names
        self._queue = queue
        self._alone = alone
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
            arrived = await self._dead.get(fail=False, timeout=_ANSWER_SECONDS)
        if arrived is None and self._alone:
            # Fewer than were counted: somebody came after us and has taken them.
            raise _visited()
        return arrived

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
        # Not through the topic: other queues that are bound to it have had the message.
        exchange, key = self._line.channel.default_exchange, self._names.queue(self._queue)
        await self._put(copy, exchange, key, instead_of=arrived)

    async def replace(self, letter: DeadLetter, body: bytes) -> None:
        """See DeadLetters.replace."""
        arrived = self._taken()
        # What the broker noted of a death is not carried over; our own headers are.
        headers = failed(letter.message.headers, letter.reason, at=letter.died_at or now())
        copy = again(arrived, headers, attempt=letter.message.attempt, body=body)
        await self._put(copy, self._line.exchanges.dead, self._queue, instead_of=arrived)

    async def _put(
        self,
        copy: AmqpMessage,
        exchange: AbstractExchange,
        key: str,
        *,
        instead_of: AbstractIncomingMessage,
    ) -> None:
        with answered():
            async with asyncio.timeout(_ANSWER_SECONDS):
                await exchange.publish(copy, key)
                await instead_of.ack()

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
async def visiting(
    link: Link, *, names: Names, queue: str, alone: bool
) -> AsyncIterator[RabbitDeadLetters]:
    """See Bus.dead_letters; *link* is ours to close."""
    try:
        line = await link.line()
        async with _counted(line, names.visits(queue), alone=alone):
            with answered():
                dead = await line.channel.declare_queue(names.dead(queue), passive=True)
            letters = RabbitDeadLetters(line, dead, names=names, queue=queue, alone=alone)
            if not alone:
                # Arranging takes each letter once more; who wants all of them needs no order.
                with answered():
                    await letters.arrange()
            try:
                yield letters
            finally:
                with contextlib.suppress(Unavailable, *LOST):
                    await letters.leave()
    finally:
        await link.close()


@contextlib.asynccontextmanager
async def _counted(line: Line, name: str, *, alone: bool) -> AsyncIterator[None]:
    """Let others see in the queue of visits *name* that we are here."""
    with answered():
        visits = await line.channel.get_queue(name, ensure=False)
        tag = await visits.consume(_nothing)
    try:
        with answered():
            found = await line.channel.declare_queue(name, passive=True)
        if alone and (found.declaration_result.consumer_count or 0) > 1:
            raise _visited()
        yield
    finally:
        # Closing would do so too, but later than the next visitor may come.
        with contextlib.suppress(Unavailable), answered():
            await visits.cancel(tag, timeout=_ANSWER_SECONDS)


def _visited() -> Unavailable:
    return Unavailable("somebody else looks at the dead", code="visited")


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
