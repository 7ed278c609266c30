"""What a bus promises. Nothing outside ``shared.bus`` knows which one runs.

At least once; no order between messages; a handler may be cancelled at any time and will then see
the message again. Bodies up to 1 MiB.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as a handler sees it. *attempt* is 0 the first time."""

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


class Bus(Protocol):
    """Implemented by ``rabbitmq.RabbitBus`` and ``postgres_bus.PostgresBus``."""

    async def publish(
        self, topic: str, body: bytes, *, headers: Mapping[str, str] | None = None
    ) -> None:
        """Return when the message is durable in every queue bound to *topic*.

        Raises Unavailable when it is not, or when that cannot be known: the caller may publish
        again, which may double it, which consumers tolerate.
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

    async def close(self) -> None:
        """Let go of connections; nothing durable is lost."""
        ...
