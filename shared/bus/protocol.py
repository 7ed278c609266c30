"""What a bus promises. Nothing outside ``shared.bus`` knows which one runs.

At least once; no order between messages; a handler may be cancelled at any time and will then see
the message again. Bodies up to 1 MiB; what is larger lies elsewhere and sends its address.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

MAX_BODY_BYTES = 1024 * 1024
# What cannot be compressed grows a little when it is wrapped.
MAX_MESSAGE_BYTES = MAX_BODY_BYTES + 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as a handler sees it. *attempt* is 0 the first time.

    *headers* are the publisher's, with ``traceparent``; from the second attempt on also
    ``x-error``, ``x-first-failed-at`` and ``x-failed-at``.
    """

    topic: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """The work is committed; the message may go."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again later, by the retry ladder."""

    reason: str


@dataclass(frozen=True, slots=True)
class Bury:
    """It will never work; keep it among the dead with the reason."""

    reason: str


Outcome: TypeAlias = Done | Retry | Bury
BatchHandler: TypeAlias = Callable[[Sequence[Message]], Awaitable[Sequence[Outcome]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A buried message; *dead_id* names it among the dead of its *queue* only.

    A moment is None where the broker does not know it: of what it gave up itself.
    """

    dead_id: str
    queue: str
    message: Message
    reason: str
    published_at: datetime | None
    first_failed_at: datetime | None
    died_at: datetime | None


class DeadLetters(Protocol):
    """The dead of one queue, in the order in which they died; later ones are not visited."""

    def __aiter__(self) -> AsyncIterator[DeadLetter]: ...

    async def replay(self, letter: DeadLetter) -> None:
        """Put the letter just visited back into its own queue, as if it had never failed.

        It is durable there before it leaves the dead: a kill between the two doubles it.
        """
        ...

    async def drop(self, letter: DeadLetter) -> None:
        """Forget the letter just visited, for good."""
        ...

    async def replace(self, letter: DeadLetter, body: bytes) -> None:
        """Let the letter just visited say *body* instead; its id, reason and moment stay.

        A kill in the middle leaves the old one beside the new one.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """How a queue stands; None is what this bus cannot know.

    *ready* wait for a consumer, *held* are with one, *waiting* wait for their retry.
    *oldest_seconds* is how long the oldest ready one has been so.
    """

    ready: int
    dead: int | None
    held: int | None = None
    waiting: int | None = None
    consumers: int | None = None
    oldest_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Since when a queue is paused, and what the operator said about it."""

    queue: str
    since: datetime
    reason: str


class Pauses(Protocol):
    """Queues from which nobody takes; every replica heeds it within a second, restarts too."""

    async def all(self) -> Sequence[Pause]:
        """Return what is paused now."""
        ...

    async def pause(self, queue: str, *, reason: str = "") -> bool:
        """Let nobody take from *queue*; return False when it was paused before."""
        ...

    async def resume(self, queue: str) -> bool:
        """Let consumers take from *queue* again; return False when it was not paused."""
        ...


class Bus(Protocol):
    """Implemented by ``rabbitmq.RabbitBus`` and ``postgres_bus.PostgresBus``."""

    async def publish(
        self, topic: str, body: bytes, *, headers: Mapping[str, str] | None = None
    ) -> None:
        """Return when the message is durable in every queue bound to *topic*.

        Raises Unavailable when it is not, or when that cannot be known: the caller may publish
        again, which may double it, which consumers tolerate. The message carries the
        ``traceparent`` of *headers*, else that of the current work, else a new one.
        """
        ...

    def consuming(
        self, queue: str, handler: BatchHandler, *, batch_max: int, prefetch: int
    ) -> AbstractAsyncContextManager[None]:
        """Consume *queue* in batches while the context is open; leaving it drains.

        *handler* gets up to *batch_max* messages, whatever is there, at once, and returns one
        outcome per message, in order. If it raises Unavailable the whole batch is retried without
        burning attempts and consumption pauses; any other error retries each message alone.
        """
        ...

    async def depth(self, queue: str) -> int:
        """Return how many messages wait in *queue*."""
        ...

    async def dead(self, queue: str) -> int:
        """Return how many messages of *queue* are buried."""
        ...

    async def state(self, queue: str) -> QueueState:
        """Return how *queue* stands."""
        ...

    def dead_letters(
        self, queue: str, *, alone: bool = False
    ) -> AbstractAsyncContextManager[DeadLetters]:
        """Visit the dead of *queue*; what is neither replayed nor dropped stays as it was.

        *alone* for whoever must see all, in any order: raises Unavailable while another visitor
        may hold some.
        """
        ...

    @property
    def pauses(self) -> Pauses:
        """Which queues an operator has paused."""
        ...

    async def close(self) -> None:
        """Let go of connections; nothing durable is lost."""
        ...
