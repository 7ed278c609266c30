"""What a person sees in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table


class Screen:
    """Lines, tables and bars on standard output; plain text when that is not a terminal."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, soft_wrap=True)

    def say(self, line: str) -> None:
        """Print one line as it is."""
        self.console.print(line, markup=False)

    def table(self, title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
        """Print *rows*; all columns but the first are aligned to the right."""
        table = Table(title=title, title_justify="left", title_style="bold")
        for number, column in enumerate(columns):
            table.add_column(column, justify="right" if number else "left")
        for row in rows:
            table.add_row(*(str(cell) for cell in row))
        self.console.print(table)


class JobBars:
    """One progress bar per sync job, drawn while the context is open."""

    def __init__(self, screen: Screen) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[status]}"),
            TimeElapsedColumn(),
            console=screen.console,
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> JobBars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, jobs: Iterable[Mapping[str, Any]]) -> None:
        """Bring the bars up to date with the API's *jobs*."""
        for job in sorted(jobs, key=lambda job: str(job["kind"])):
            if job["job_id"] not in self._bars:
                self._bars[job["job_id"]] = self._progress.add_task(
                    str(job["kind"]), total=None, status=""
                )
            ended = job["status"] == "succeeded"
            self._progress.update(
                self._bars[job["job_id"]],
                completed=job["rows_done"],
                total=job["rows_done"] if ended else job["rows_total"],
                status=str(job["error"] or job["status"])[:60],
            )
