"""The log of webhook deliveries as people and programs read it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.syncer.terminal import Terminal
from shared.postgres import Record

_FATES = ("replayed", "applied", "stale", "ignored", "dead")


def events(terminal: Terminal, rows: Sequence[Record]) -> None:
    """Show deliveries."""
    if terminal.as_json:
        terminal.document({"events": [dict(row) for row in rows]})
    elif not rows:
        terminal.say("no deliveries match")
    else:
        heads = ("received", "state", "topic", "object", "id", "what became of it")
        terminal.table(heads, [_event(row) for row in rows])


def one(terminal: Terminal, row: Record, steps: Sequence[Record], *, whole: bool) -> None:
    """Show one delivery and its way; only the way unless *whole*."""
    if terminal.as_json:
        terminal.document(dict(row) | {"steps": [dict(step) for step in steps]})
        return
    if whole:
        facts = [(name, _text(value)) for name, value in row.items() if value is not None]
        terminal.table(("", ""), facts)
        terminal.table(("", ""), [])
    terminal.table(
        ("step", "at (UTC)", "ms", ""),
        [
            (
                step["step"],
                _moment(step["at"]) if step["at"] else "not yet",
                "-" if step["milliseconds"] is None else f"{step['milliseconds']:,.1f}",
                step["detail"] or "",
            )
            for step in steps
        ],
    )


def counts(terminal: Terminal, rows: Sequence[Record]) -> None:
    """Show how many deliveries there are by state, by topic and by hour."""
    if terminal.as_json:
        terminal.document({"counts": [dict(row) for row in rows]})
    elif not rows:
        terminal.say("no deliveries match")
    else:
        order = {"state": 0, "topic": 1, "hour": 2}
        terminal.table(
            ("per", "", "state", "deliveries"),
            [
                (
                    "" if row["per"] == "state" else row["per"],
                    row["topic"] or (f"{row['hour']:%Y-%m-%d %H:00}" if row["hour"] else "all"),
                    row["state"],
                    f"{row['deliveries']:,}",
                )
                for row in sorted(rows, key=lambda row: order[row["per"]])
            ],
        )


def found(terminal: Terminal, row: Record | None) -> None:
    """Show what a replay would do."""
    counted = dict(row or {"deliveries": 0, "without_body": 0})
    if terminal.as_json:
        terminal.document(counted)
        return
    gone = counted["without_body"]
    also = f"; of {gone:,} more the bodies are forgotten" if gone else ""
    terminal.tell(f"{counted['deliveries']:,} deliveries to replay{also}")


def replay(terminal: Terminal, row: Record) -> None:
    """Show what became of the deliveries of a replay."""
    if terminal.as_json:
        terminal.document(dict(row))
        return
    terminal.table(_FATES, [tuple(f"{row[fate]:,}" for fate in _FATES)])


def _event(row: Record) -> tuple[str, ...]:
    named = row["order_name"] or (str(row["resource_id"]) if row["resource_id"] else "-")
    again = f"replayed {row['replays']} times" if row["replays"] else None
    told = "; ".join(filter(None, (row["error"] or row["outcome"], again)))
    return (
        _moment(row["received_at"]),
        row["state"],
        row["topic"],
        named,
        row["webhook_id"],
        told,
    )


def _text(value: object) -> str:
    return _moment(value) if isinstance(value, datetime) else str(value)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"
