"""``python -m tests.faults.soak --deliveries 1000000``: a day's load, and what it leaves in memory.

Posts signed deliveries as fast as they are applied. Every two seconds the resident memory and the
open files of each service are read from /proc. Of what follows the first fifth, the warm-up, the
last third may take at most 10 % more or less memory than the first, and no service may keep opening
files. Every delivery must be applied.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.faults import report
from tests.faults.rig import BusName, Rig, rigged
from tests.faults.servers import broking, serving
from tests.integration.processes import Process

_WARM_UP = 0.2
_TOLERANCE = 0.1
_SAMPLE_SECONDS = 2.0
_CLIENTS = 24
# Accepted and not applied yet: more is not asked of the bus here.
_BACKLOG_MOST = 4000
_HELD = "SELECT count(*) FROM commerce.webhook_events"
_APPLIED = """
SELECT count(*) AS rows, count(DISTINCT webhook_id) AS ids,
    count(*) FILTER (WHERE state IN ('applied', 'stale')) AS applied
FROM commerce.webhook_events
"""


@dataclass
class Curve:
    """What one service took over time, after the warm-up."""

    name: str
    memory: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def sample(self, process: Process) -> None:
        folder = Path(f"/proc/{process.pid}")
        pages = int((folder / "statm").read_text().split()[1])
        self.memory.append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
        self.files.append(len(list((folder / "fd").iterdir())))

    @property
    def growth(self) -> float:
        """What part more memory the last third takes than the first."""
        first, last = _thirds(self.memory)
        return last / first - 1

    @property
    def more_files(self) -> float:
        """How many more files are open in the last third than in the first."""
        first, last = _thirds(self.files)
        return last - first

    @property
    def is_flat(self) -> bool:
        return abs(self.growth) <= _TOLERANCE and self.more_files <= 2


class Soak:
    """One run on one bus."""

    def __init__(self, rig: Rig, deliveries: int, *, seconds: float) -> None:
        self._rig = rig
        self._deliveries = deliveries
        self._began = time.monotonic()
        self._seconds = seconds
        self._begun = itertools.count()
        self._room = asyncio.Event()
        self._room.set()
        self.accepted = 0
        self.curves = [Curve(one.name) for one in rig.processes]

    async def run(self) -> None:
        watching = asyncio.create_task(self._watch())
        try:
            await asyncio.gather(*(self._client() for _ in range(_CLIENTS)))
        finally:
            watching.cancel()

    def sample(self) -> None:
        for curve, process in zip(self.curves, self._rig.processes, strict=True):
            curve.sample(process)

    async def applied(self) -> None:
        """Wait until the inbox holds everything, five minutes at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(300):
                while await self._rig.db.fetchval(_HELD) < self.accepted:
                    await asyncio.sleep(0.5)

    @property
    def _spent(self) -> float:
        """What part of the time is over."""
        return (time.monotonic() - self._began) / self._seconds

    async def _client(self) -> None:
        while next(self._begun) < self._deliveries and self._spent < 1:
            await self._room.wait()
            change = next(self._rig.driver.histories)
            if await self._rig.driver.deliver(change):
                self.accepted += 1
            # A million bodies would be the driver's own leak.
            self._rig.driver.accepted.clear()

    async def _watch(self) -> None:
        for tick in itertools.count(1):
            await asyncio.sleep(_SAMPLE_SECONDS)
            applied = await self._rig.db.fetchval(_HELD)
            if self.accepted - applied > _BACKLOG_MOST:
                self._room.clear()
            else:
                self._room.set()
            if max(self.accepted / self._deliveries, self._spent) > _WARM_UP:
                self.sample()
            if tick % 15 == 0:
                print(f"{self.accepted} accepted, {applied} applied", flush=True)


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    asked.add_argument("--deliveries", type=int, default=1_000_000)
    asked.add_argument("--minutes", type=float, default=24 * 60, help="post no longer than that")
    asked.add_argument("--bus", choices=("rabbitmq", "postgres"), default="rabbitmq")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--report", metavar="PAGE", help="write the result into this page")
    given = asked.parse_args()
    text, good = asyncio.run(_soaked(given))
    print(text)
    if given.report:
        report.write(Path(given.report), "soak", text)
    return int(not good)


async def _soaked(given: argparse.Namespace) -> tuple[str, bool]:
    with tempfile.TemporaryDirectory(prefix="till-") as made:
        async with (
            broking() as broker,
            serving(broker) as servers,
            rigged(servers, given.bus, Path(made), seed=given.seed, rate=0) as rig,
        ):
            began = time.monotonic()
            soak = Soak(rig, given.deliveries, seconds=given.minutes * 60)
            await soak.run()
            await soak.applied()
            quiet = await rig.quiesce()
            soak.sample()
            seconds = time.monotonic() - began
            row = await rig.db.fetchrow(_APPLIED)
            await rig.stop()
    whole = row["rows"] == row["ids"] == row["applied"] == soak.accepted
    text = "\n".join(_told(given.bus, soak, seconds, applied=row["applied"]))
    return text, quiet and whole and not rig.died and all(one.is_flat for one in soak.curves)


def _told(bus: BusName, soak: Soak, seconds: float, *, applied: int) -> Iterator[str]:
    yield (
        f"`python -m tests.faults.soak`, {datetime.now(UTC):%Y-%m-%d}: {soak.accepted:,} deliveries"
        f" accepted on {bus}, {applied:,} applied in {seconds:.0f} s, sampled every"
        f" {_SAMPLE_SECONDS:.0f} s after the first fifth:"
    )
    yield ""
    yield "| service | MiB least | most | at the end | growth | files least | most | flat |"
    yield "|---|---|---|---|---|---|---|---|"
    yield from (_row(one) for one in soak.curves)


def _row(curve: Curve) -> str:
    least, most = _ends(curve.memory)
    few, many = _ends(curve.files)
    return (
        f"| {curve.name} | {least:.0f} | {most:.0f} | {curve.memory[-1]:.0f}"
        f" | {curve.growth:+.1%} | {few:.0f} | {many:.0f} | {'yes' if curve.is_flat else 'no'} |"
    )


def _thirds(values: Sequence[float]) -> tuple[float, float]:
    """Return the medians of the first and of the last third."""
    third = max(1, len(values) // 3)
    return statistics.median(values[:third]), statistics.median(values[-third:])


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


if __name__ == "__main__":
    sys.exit(main())
