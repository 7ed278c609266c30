"""A row of the table says what was measured, and stays until its fault is run again."""

from __future__ import annotations

from pathlib import Path

from tests.faults import report
from tests.faults.checker import Violation
from tests.faults.run import Result


def a_result(fault: str, *, p99: float, violations: tuple[Violation, ...] = ()) -> Result:
    return Result(
        fault=fault,
        bus="rabbitmq",
        seed=1,
        rounds=2,
        sent=10,
        accepted=10,
        lost=0,
        doubled=0,
        recovery=1.0,
        failures=0,
        p99=p99,
        violations=violations,
    )


def cells(table: str) -> list[dict[str, str]]:
    heads, _, *rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]
    return [dict(zip(heads, row, strict=True)) for row in rows]


def test_an_answer_later_than_a_second_is_told_and_breaks_nothing(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- matrix: written by the run --><!-- end of matrix -->")

    slow = a_result("syncer killed", p99=1.2)
    report.add(page, [a_result("receiver killed", p99=3.0)])
    report.add(page, [a_result("receiver killed", p99=0.4), slow])

    rows = cells(report.read(page, "matrix").strip().partition("\n\n")[2])
    told = [(row["fault"], row["within 1 s"], row["broken"]) for row in rows]
    assert told == [("receiver killed", "yes", "-"), ("syncer killed", "no", "-")]
    assert not slow.failed
