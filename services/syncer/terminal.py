"""What people see: bars and tables on a terminal, plain lines elsewhere.

Results go to standard output, progress to standard error; tables in a pipe are divided by tabs.
``NO_COLOR`` and ``TERM=dumb`` are heeded by rich.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeAlias

import orjson
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from shared.clock import now
from shared.postgres import Record

Show: TypeAlias = Callable[[Sequence[Record]], None]

# How many differences a person is shown.
SHOWN = 50
_COLUMNS_SHOWN = 4
_COUNTED = ("ours", "theirs", "compared", "differences", "repaired", "pending")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the caller; rich would end the process with 1."""
        raise BrokenPipeError


class Terminal:
    """One command's output; with *as_json* only the document goes to standard output."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._out = _Console(highlight=False, soft_wrap=not sys.stdout.isatty())
        self._err = _Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())

    def say(self, text: str) -> None:
        """Tell something beside the result."""
        self._err.print(text, markup=False)

    def tell(self, text: str) -> None:
        """Tell the result in a sentence."""
        self._out.print(text, markup=False)

    def document(self, document: object) -> None:
        """Write one JSON document."""
        self._out.file.write(orjson.dumps(document, default=str).decode() + "\n")

    @contextmanager
    def watching(self) -> Iterator[Show]:
        """Give a function that shows how far jobs are, as often as it is called."""
        if not self._err.is_terminal or self._err.is_dumb_terminal:
            yield _Lines(self._err)
            return
        bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[percent]}"),
            TextColumn("{task.fields[rows]}"),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[left]}"),
            console=self._err,
        )
        with bars:
            yield _Bars(bars)

    def verdict(
        self,
        shop: str,
        kinds: Sequence[str],
        runs: Sequence[Record],
        differences: Sequence[Record],
    ) -> None:
        """Show what verifications of *kinds* found; *differences* may be the first of many."""
        if self.as_json:
            document = {
                "shop": shop,
                "resources": [dict(row) for row in runs],
                "differences": [
                    dict(row) | {"details": orjson.Fragment(row["details"])} for row in differences
                ],
            }
            self.document(document)
            return
        finished = [row for row in runs if row["finished_at"]]
        self.table(
            ("resource", "here", "Shopify", "compared", "different", "repaired", "pending"),
            [(row["resource"], *(_count(row[name]) for name in _COUNTED)) for row in finished],
        )
        shown = [row for row in differences if row["what"] != "pending"]
        if shown:
            self.table(("resource", "id", "what", "here / Shopify", ""), map(_difference, shown))
        more = sum(row["differences"] for row in runs) - len(shown)
        if more > 0:
            self._out.print(f"and {more:,} more; --json has them all")
        left = sum(row["differences"] - row["repaired"] for row in runs)
        many = f"{left:,} differences are" if left else "no differences are"
        self._out.print(f"{'1 difference is' if left == 1 else many} left")
        unfinished = sorted({*kinds} - {row["resource"] for row in finished})
        if unfinished:
            self._out.print(f"not compared: {', '.join(unfinished)}")

    def status(self, shop: str, facts: Record | None, resources: Sequence[Record]) -> None:
        """Show where a store stands."""
        self._out.print(f"{shop}{_shop(facts)}", markup=False)
        self.table(
            ("resource", "state", "rows", "oldest", "newest", "cursor", "lag", "last success", ""),
            map(_resource, resources),
        )

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Show *rows* under *heads*, divided by tabs in a pipe."""
        if not self._out.is_terminal:
            for row in (heads, *rows):
                self._out.file.write("\t".join(row) + "\n")
            return
        table = Table(*heads, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*map(escape, row))
        self._out.print(table)


class _Bars:
    """A bar for each job."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[object, TaskID] = {}

    def __call__(self, rows: Sequence[Record]) -> None:
        for row in rows:
            if row["job_id"] not in self._tasks:
                self._tasks[row["job_id"]] = self._bars.add_task(
                    row["kind"], percent="", rows="", rate="", left=""
                )
            ended = row["status"] == "succeeded"
            self._bars.update(
                self._tasks[row["job_id"]],
                total=row["rows_done"] if ended else row["rows_total"],
                completed=row["rows_done"],
                percent=f"{row['percent']} %" if row["percent"] is not None else "",
                rows=_rows(row),
                rate=f"{row['rate']:,.0f}/s" if row["rate"] and not ended else "",
                left=escape(_left(row)),
            )
            if ended and not row["rows_done"]:
                self._bars.update(self._tasks[row["job_id"]], total=1, completed=1)


class _Lines:
    """A line for each job whenever something to tell of has changed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: dict[object, tuple[str, int]] = {}

    def __call__(self, rows: Sequence[Record]) -> None:
        for row in rows:
            news = (row["stage"], (row["percent"] or 0) // 10)
            if self._told.get(row["job_id"]) != news:
                self._told[row["job_id"]] = news
                percent = f", {row['percent']} %" if row["percent"] is not None else ""
                line = f"{row['kind']}: {_left(row)}, {_rows(row)} rows{percent}"
                self._console.print(line, markup=False)


def _rows(row: Record) -> str:
    done = f"{row['rows_done']:,}"
    # More may have come than were counted beforehand.
    total = max(row["rows_done"], row["rows_total"] or 0)
    return f"{done}/{total:,}" if row["rows_total"] else done


def _left(row: Record) -> str:
    """Return how a job ended, or what it does and for how much longer."""
    told = row["error"] or row["warning"]
    if row["status"] == "succeeded":
        return f"done; {row['warning']}" if row["warning"] else "done"
    if row["status"] != "running":
        return f"{row['status']}: {told}" if told else str(row["status"])
    if row["eta"] is None:
        return str(row["stage"])
    return f"{row['stage']}, {timedelta(seconds=row['eta'])} left"


def _difference(row: Record) -> tuple[str, ...]:
    cells = orjson.loads(row["details"])
    shown = [f"{c['column']}: {_value(c['ours'])} / {_value(c['theirs'])}" for c in cells]
    more = [f"and {len(shown) - _COLUMNS_SHOWN} more"] if len(shown) > _COLUMNS_SHOWN else []
    fate = "repaired" if row["repaired_at"] else ""
    text = "; ".join([*shown[:_COLUMNS_SHOWN], *more])
    return (row["resource"], str(row["id"]), row["what"].replace("_", " "), text, fate)


def _value(text: str | None) -> str:
    if text is None:
        return "none"
    return text if len(text) <= 30 else f"{text[:29]}…"


def _resource(row: Record) -> tuple[str, ...]:
    since = row["complete_since"]
    notes = [
        row["reason"],
        row["last_error"],
        f"complete since {since:%Y-%m-%d}" if since else None,
    ]
    return (
        row["resource"],
        row["state"].replace("_", " "),
        _count(row["rows"]),
        _day(row["oldest"]),
        _day(row["newest"]),
        f"{row['cursor']:%Y-%m-%d %H:%M:%S}" if row["cursor"] else "-",
        _span(row["lag_seconds"]),
        _ago(row["last_success_at"]),
        "; ".join(filter(None, notes)),
    )


def _shop(row: Record | None) -> str:
    if row is None:
        return ""
    used = f"{row['requests'] or 0:,} requests and {row['points'] or 0:,.0f} points today (UTC)"
    return (
        f": {row['topics']} webhook topics, last delivery {_ago(row['last_webhook_at'])};"
        f" {_jobs(row)}; {row['pending_reads']:,} objects to be read again; {used}"
    )


def _jobs(row: Record) -> str:
    if not row["running"] and not row["waiting"]:
        return "no jobs"
    jobs = f"jobs: {row['running']} running, {row['waiting']} waiting"
    return f"{jobs} although due (is a syncer running?)" if row["idle"] else jobs


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _day(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d}"


def _ago(moment: datetime | None) -> str:
    return "never" if moment is None else f"{_span((now() - moment).total_seconds())} ago"


def _span(seconds: float | None) -> str:
    return "-" if seconds is None else str(timedelta(seconds=max(0, round(seconds))))
