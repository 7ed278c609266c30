"""The results as a table between markers of a page; a row stays until its fault is run again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.catalogue import FAULTS
from tests.faults.run import Result

_HEAD = (
    "| fault | bus | rounds | sent | accepted | lost | doubled | worst recovery s |"
    " 5xx outside the fault | p99 ms outside | within 1 s | broken | seed | day |"
)
_RULE = "|" + "---|" * 14
_PROMPT_SECONDS = 1.0


def table(results: Sequence[Result], *, before: str = "") -> str:
    """Return one row per fault and bus, *before*'s where there is no newer one."""
    rows = {_key(line): line for line in before.splitlines() if line.startswith("| ")}
    rows |= {_key(line): line for line in map(_row, results)}
    order = [(fault.name, bus) for fault in FAULTS for bus in fault.buses]
    return "\n".join([_HEAD, _RULE, *(rows[key] for key in order if key in rows)])


def add(path: Path, results: Sequence[Result]) -> None:
    """Put *results* into the page's matrix."""
    text = table(results, before=read(path, "matrix"))
    write(path, "matrix", f"`python -m tests.faults`, each row with its seed and day:\n\n{text}")


def read(path: Path, name: str) -> str:
    """Return what is between the markers *name*; raise ValueError without them."""
    return _parts(path, name)[1]


def write(path: Path, name: str, text: str) -> None:
    """Put *text* between the markers *name* of the page at *path*."""
    head, _, tail = _parts(path, name)
    path.write_text(f"{head}\n{text}\n{tail}")


def _parts(path: Path, name: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {name}: written by the run -->", f"<!-- end of {name} -->"
    head, found, rest = path.read_text().partition(begin)
    text, closed, tail = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{path} has no place for {name}")
    return head + begin, text, end + tail


def _key(line: str) -> tuple[str, str]:
    cells = [cell.strip() for cell in line.split("|")]
    return cells[1], cells[2]


def _row(one: Result) -> str:
    broken = ", ".join(sorted({violation.invariant for violation in one.violations})) or "-"
    prompt = "yes" if one.p99 <= _PROMPT_SECONDS else "no"
    return (
        f"| {one.fault} | {one.bus} | {one.rounds} | {one.sent:,} | {one.accepted:,} | {one.lost}"
        f" | {one.doubled} | {one.recovery:.1f} | {one.failures} | {one.p99 * 1000:.0f}"
        f" | {prompt} | {broken} | {one.seed} | {datetime.now(UTC):%Y-%m-%d} |"
    )
