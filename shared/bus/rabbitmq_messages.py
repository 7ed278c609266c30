"""Messages as AMQP carries them, and back."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from aio_pika import DeliveryMode
from aio_pika import Message as AmqpMessage
from aio_pika.abc import AbstractIncomingMessage
from pamqp.commands import Basic

from shared.bus.headers import ATTEMPT, ERROR, FAILED_AT, FIRST_FAILED_AT, travels
from shared.bus.protocol import DeadLetter, Message
from shared.clock import now

_DEATHS: Final = "x-death"
_FIRST_DEATH: Final = "x-first-death-reason"


def new(topic: str, headers: Mapping[str, str]) -> Basic.Properties:
    """Return what goes with the body of a message that was never on a broker."""
    return Basic.Properties(
        headers=dict(headers),
        message_type=topic,
        message_id=uuid.uuid4().hex,
        timestamp=now(),
        delivery_mode=DeliveryMode.PERSISTENT,
    )


def again(
    arrived: AbstractIncomingMessage,
    headers: Mapping[str, str],
    *,
    attempt: int,
    body: bytes | None = None,
) -> AmqpMessage:
    """Return a copy of *arrived* to publish, with *headers* of ours instead of the broker's.

    It says *body* where one is given.
    """
    return AmqpMessage(
        arrived.body if body is None else body,
        headers={**headers, ATTEMPT: attempt},
        type=_topic(arrived),
        message_id=arrived.message_id,
        timestamp=arrived.timestamp,
        delivery_mode=DeliveryMode.PERSISTENT,
    )


def received(arrived: AbstractIncomingMessage) -> Message:
    """Return *arrived* as a handler sees it."""
    attempt = arrived.headers.get(ATTEMPT, 0)
    return Message(
        topic=_topic(arrived),
        body=arrived.body,
        headers={
            name: value
            for name, value in arrived.headers.items()
            if isinstance(value, str) and travels(name)
        },
        attempt=attempt if isinstance(attempt, int) else 0,
    )


def buried(arrived: AbstractIncomingMessage, queue: str) -> DeadLetter:
    """Return *arrived*, which lay among the dead of *queue*."""
    message = received(arrived)
    reason, died_at = message.headers.get(ERROR), _moment(message.headers.get(FAILED_AT))
    if reason is None:
        reason, died_at = _of_broker(arrived)
    return DeadLetter(
        dead_id=arrived.message_id or hashlib.sha256(arrived.body).hexdigest()[:32],
        queue=queue,
        message=message,
        reason=reason,
        published_at=arrived.timestamp,
        first_failed_at=_moment(message.headers.get(FIRST_FAILED_AT)) or died_at,
        died_at=died_at,
    )


def _topic(arrived: AbstractIncomingMessage) -> str:
    return arrived.type or arrived.routing_key or ""


def _of_broker(arrived: AbstractIncomingMessage) -> tuple[str, datetime | None]:
    """Return why and when the broker itself gave a message up."""
    words = str(arrived.headers.get(_FIRST_DEATH, "unknown")).replace("_", " ")
    deaths = arrived.headers.get(_DEATHS)
    last = deaths[0] if isinstance(deaths, list) and deaths else {}
    at = last.get("time") if isinstance(last, dict) else None
    reason = "delivery limit reached" if words == "delivery limit" else f"dead-lettered: {words}"
    return reason, at.replace(tzinfo=at.tzinfo or UTC) if isinstance(at, datetime) else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
