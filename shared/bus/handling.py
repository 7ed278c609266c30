"""What becomes of messages around their handler; the same for every bus."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence

import structlog

from shared.background import pause
from shared.bus.protocol import (
    MAX_MESSAGE_BYTES,
    BatchHandler,
    Bury,
    Done,
    Message,
    Outcome,
    Retry,
)
from shared.errors import Rejected, Unavailable
from shared.metrics import BUS_HANDLED_TOTAL, BUS_PUBLISHED_TOTAL
from shared.postgres import said
from shared.tracing import TRACEPARENT, current, following, trace_id, traced

log = structlog.get_logger()

# The code of an Unavailable that leaves open whether the message arrived.
UNCERTAIN = "unconfirmed"
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
_REASON_LENGTH = 500
_FATES: dict[type[Outcome], str] = {Done: "done", Retry: "retried", Bury: "buried"}


def sent(
    topic: str, body: bytes, headers: Mapping[str, str] | None, *, topics: Mapping[str, object]
) -> dict[str, str]:
    """Return the headers to send; they name the trace that the message belongs to.

    Raises Unavailable when no queue takes *topic*, and Rejected when no broker would take *body*.
    """
    if topic not in topics:
        raise Unavailable(f"no queue is bound to {topic}", code="unroutable")
    if len(body) > MAX_MESSAGE_BYTES:
        raise Rejected(f"a message of {len(body):,} bytes does not fit the bus", code="too_large")
    given = dict(headers or {})
    return given | {TRACEPARENT: traced(given.get(TRACEPARENT) or current())}


@contextlib.contextmanager
def publishing(topic: str) -> Iterator[None]:
    """Count how a publish ended."""
    try:
        yield
    except Unavailable as exc:
        outcome = "uncertain" if exc.code == UNCERTAIN else "failed"
        BUS_PUBLISHED_TOTAL.labels(topic, outcome).inc()
        raise
    BUS_PUBLISHED_TOTAL.labels(topic, "confirmed").inc()


async def handled(
    handler: BatchHandler, messages: Sequence[Message], *, stop: asyncio.Event
) -> Sequence[Outcome] | None:
    """Return one outcome per message, waiting out Unavailable; None if *stop* came first."""
    delay = FIRST_PAUSE_SECONDS
    while True:
        try:
            return await _outcomes(handler, messages)
        except Unavailable as exc:
            log.warning("consumer paused", reason=str(exc), seconds=delay)
            if not await pause(stop, max(delay, min(exc.retry_after or 0, LONGEST_PAUSE_SECONDS))):
                return None
            delay = min(delay * 2, LONGEST_PAUSE_SECONDS)


async def _outcomes(handler: BatchHandler, messages: Sequence[Message]) -> Sequence[Outcome]:
    with _traced(messages[0]):
        try:
            return await _one_each(handler, messages)
        except Unavailable:
            raise
        except Exception as exc:
            if len(messages) == 1:
                return [_fate_of(exc, messages[0])]
            log.warning(
                "batch failed, each message alone now", messages=len(messages), exc_info=exc
            )
            return [(await _outcomes(handler, [message]))[0] for message in messages]


@contextlib.contextmanager
def _traced(first: Message) -> Iterator[None]:
    """Let what a handler logs and publishes belong to the trace of its batch's first message."""
    trace = traced(first.headers.get(TRACEPARENT, ""))
    with following(trace), structlog.contextvars.bound_contextvars(trace_id=trace_id(trace)):
        yield


async def _one_each(handler: BatchHandler, messages: Sequence[Message]) -> Sequence[Outcome]:
    outcomes = await handler(messages)
    if len(outcomes) != len(messages):
        raise RuntimeError(f"{len(outcomes)} outcomes for {len(messages)} messages")
    return outcomes


def _fate_of(error: Exception, message: Message) -> Outcome:
    reason = said(error)
    if isinstance(error, Rejected):
        return Bury(reason)
    log.error("message failed", topic=message.topic, attempt=message.attempt, exc_info=error)
    return Retry(reason)


def verdict(outcome: Outcome, *, attempt: int, rungs: int) -> Outcome:
    """Turn a retry beyond the last rung of the ladder into a burial, and shorten reasons."""
    if isinstance(outcome, Retry) and attempt >= rungs:
        return Bury(f"gave up after {attempt + 1} attempts: {outcome.reason}"[:_REASON_LENGTH])
    if isinstance(outcome, Retry):
        return Retry(outcome.reason[:_REASON_LENGTH])
    if isinstance(outcome, Bury):
        return Bury(outcome.reason[:_REASON_LENGTH])
    return outcome


def count(queue: str, outcomes: Sequence[Outcome]) -> None:
    """Count what became of messages of *queue*."""
    for outcome in outcomes:
        BUS_HANDLED_TOTAL.labels(queue, _FATES[type(outcome)]).inc()
