"""What ``python -m services bus`` prints: tables for people, tabs for pipes, JSON for programs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import msgspec
import orjson
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared.bus.protocol import DeadLetter, Pause, QueueState
from shared.clock import now
from shared.deliveries import TOPIC, unpack
from shared.errors import Rejected, Unavailable
from shared.tracing import TRACEPARENT, trace_id

Summary: TypeAlias = Mapping[str, Any]

_REASON_SHOWN = 80
_TELL_EVERY = 100


class Terminal:
    """One command's output; progress goes to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._out = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
        self._err = Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())

    def status(self, states: Mapping[str, QueueState], pauses: Mapping[str, Pause]) -> None:
        """Show how each queue stands."""
        if self._as_json:
            told = [
                {"queue": queue, **asdict(state), "paused": _pause_document(pauses.get(queue))}
                for queue, state in states.items()
            ]
            self._document(told)
            return
        heads = ("queue", "ready", "held", "waiting", "dead", "consumers", "oldest", "")
        self._table(
            heads,
            [
                (
                    queue,
                    *map(
                        _count,
                        (state.ready, state.held, state.waiting, state.dead, state.consumers),
                    ),
                    "-" if state.oldest_seconds is None else _span(state.oldest_seconds),
                    _pause_text(pauses.get(queue)),
                )
                for queue, state in states.items()
            ],
        )

    def summary(self, letter: DeadLetter) -> Summary:
        """Return what a list tells of *letter*; it does not hold the body."""
        trace = letter.message.headers.get(TRACEPARENT, "")
        return {
            "queue": letter.queue,
            "id": letter.dead_id,
            "topic": letter.message.topic,
            "reason": letter.reason,
            "attempts": letter.message.attempt + 1,
            "first_failed_at": letter.first_failed_at,
            "died_at": letter.died_at,
            "published_at": letter.published_at,
            "bytes": len(letter.message.body),
            "trace_id": trace_id(trace),
        }

    def dead(self, found: Sequence[Summary]) -> None:
        """Show a list of the dead."""
        if self._as_json:
            self._document(found)
            return
        if not found:
            self._out.print("nothing is dead")
            return
        heads = ("queue", "id", "topic", "attempts", "first failed", "died", "bytes", "trace")
        self._table((*heads, "reason"), [_row(one) for one in found])

    def show(self, letter: DeadLetter) -> None:
        """Show *letter* with its headers and its body, as readable as it is."""
        told = {
            **self.summary(letter),
            "headers": dict(letter.message.headers),
            "body": _readable(letter),
        }
        if self._as_json:
            self._document(told)
            return
        body = told.pop("body")
        for name, value in told.items():
            text = json.dumps(value) if name == "headers" else _cell(value)
            self._out.print(f"{name.replace('_', ' ')}: {text}", markup=False)
        text = body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)
        self._out.print(text, markup=False)

    def done(self, verb: str, count: int, queue: str) -> None:
        """Tell how many messages something was done to."""
        if self._as_json:
            self._document({"queue": queue, verb: count})
            return
        word = "message" if count == 1 else "messages"
        self._out.print(f"{verb} {count:,} {word} of {queue}" if count else "nothing was found")

    def turned(self, queue: str, *, paused: bool, changed: bool) -> None:
        """Tell whether *queue* is paused now."""
        if self._as_json:
            self._document({"queue": queue, "paused": paused, "changed": changed})
            return
        state = "paused" if paused else "running"
        self._out.print(f"{queue} is {state}" + ("" if changed else ", as it was before"))

    @contextlib.contextmanager
    def progress(self, verb: str, total: int) -> Iterator[Callable[[int], None]]:
        """Give a function that shows how many messages are through, of *total* at most."""
        through = 0

        def note(done: int) -> None:
            nonlocal through
            through = done
            show(done)

        with contextlib.ExitStack() as stack:
            show = self._shower(verb, total, stack)
            try:
                yield note
            except (asyncio.CancelledError, Unavailable):
                self._err.print(f"interrupted; {verb} {through:,} until then", markup=False)
                raise

    def _shower(self, verb: str, total: int, stack: contextlib.ExitStack) -> Callable[[int], None]:
        if not self._err.is_terminal or self._err.is_dumb_terminal:
            return self._line_each(verb)
        columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        bar = stack.enter_context(Progress(*columns, console=self._err))
        task = bar.add_task(verb, total=total)
        return lambda done: bar.update(task, completed=done)

    def _line_each(self, verb: str) -> Callable[[int], None]:
        def tell(done: int) -> None:
            if done % _TELL_EVERY == 0:
                self._err.print(f"{verb} {done:,}", markup=False)

        return tell

    def _document(self, told: object) -> None:
        self._out.file.write(orjson.dumps(told).decode() + "\n")

    def _table(self, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        if not self._out.is_terminal:
            for row in (heads, *rows):
                self._out.file.write("\t".join(row).rstrip("\t") + "\n")
            return
        table = Table(*heads, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*map(escape, row))
        self._out.print(table)


def _row(one: Summary) -> tuple[str, ...]:
    reason = str(one["reason"]).replace("\n", " ").replace("\t", " ")
    return (
        one["queue"],
        one["id"],
        one["topic"],
        str(one["attempts"]),
        _cell(one["first_failed_at"]),
        _cell(one["died_at"]),
        _count(one["bytes"]),
        one["trace_id"],
        reason if len(reason) <= _REASON_SHOWN else f"{reason[: _REASON_SHOWN - 1]}…",
    )


def _readable(letter: DeadLetter) -> object:
    """Return the body as JSON values where it is that, else as text."""
    body = letter.message.body
    try:
        if letter.message.topic == TOPIC:
            return [_delivery(one) for one in unpack(body)]
        return orjson.loads(body)
    except (Rejected, orjson.JSONDecodeError):
        return body.decode("utf-8", errors="backslashreplace")


def _delivery(one: msgspec.Struct) -> dict[str, object]:
    told = msgspec.structs.asdict(one)
    try:
        told["body"] = orjson.loads(told["body"])
    except orjson.JSONDecodeError:
        told["body"] = told["body"].decode("utf-8", errors="backslashreplace")
    return told


def _pause_document(pause: Pause | None) -> dict[str, object] | None:
    return {"since": pause.since, "reason": pause.reason} if pause else None


def _pause_text(pause: Pause | None) -> str:
    if pause is None:
        return ""
    why = f": {pause.reason}" if pause.reason else ""
    return f"paused for {_span((now() - pause.since).total_seconds())}{why}"


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)


def _span(seconds: float) -> str:
    return str(timedelta(seconds=max(0, round(seconds))))
