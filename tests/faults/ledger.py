"""The ledger: every delivery sent and every answer, on disk before anything is built on it."""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from tests.faults.orders import Change

NO_ANSWER = 0
# After the fault has ended, refusals are forgiven for so long.
GRACE_SECONDS = 5.0


class Ledger:
    """Appends lines to a new file; a note returns when fsync has, which many notes share."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._syncing: asyncio.Task[None] | None = None

    async def sent(self, change: Change, *, expected: int, state: str) -> None:
        """Note that *change* is about to be posted, what must be answered and become of it."""
        await self._note(
            {
                "what": "sent",
                "id": change.webhook_id,
                "tenant": change.shop.tenant_id,
                "shop": change.shop.shop_id,
                "topic": change.topic,
                "key": change.order_id,
                "version": change.version,
                "amount": change.amount,
                "sha256": change.sha256,
                "expected": expected,
                "state": state,
            }
        )

    async def answered(self, webhook_id: str, status: int, seconds: float) -> None:
        await self._note(
            {"what": "answered", "id": webhook_id, "status": status, "seconds": seconds}
        )

    async def fault(self, state: str) -> None:
        """Note that a fault *begins* or *ends*."""
        await self._note({"what": "fault", "state": state})

    async def close(self) -> None:
        if self._syncing is not None:
            await self._syncing
        os.close(self._file)

    async def _note(self, line: dict[str, object]) -> None:
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((orjson.dumps({"at": time.time(), **line}) + b"\n", durable))
        if self._syncing is None or self._syncing.done():
            self._syncing = asyncio.create_task(self._sync())
        await durable

    async def _sync(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            os.write(self._file, b"".join(line for line, _ in batch))
            await asyncio.to_thread(os.fsync, self._file)
            for _, durable in batch:
                if not durable.done():
                    durable.set_result(None)


@dataclass(slots=True)
class Sent:
    """What the ledger knows of one delivery: what it was, and each answer with its time."""

    id: str
    tenant: str
    shop: int
    topic: str
    key: int
    version: int
    amount: int
    sha256: str
    expected: int
    state: str
    answers: list[tuple[float, int, float]] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        return any(200 <= status < 300 for _, status, _ in self.answers)


@dataclass(frozen=True, slots=True)
class Record:
    """A ledger read back from its file."""

    sent: dict[str, Sent]
    faults: Sequence[tuple[float, float]]

    @property
    def accepted(self) -> list[Sent]:
        return [one for one in self.sent.values() if one.accepted]

    def is_disturbed(self, at: float) -> bool:
        """Whether a fault was active at *at* or shortly before."""
        return any(begun <= at <= ended + GRACE_SECONDS for begun, ended in self.faults)

    def undisturbed(self) -> list[tuple[Sent, int, float]]:
        """Return each answer that no fault excuses: of what, the status, the seconds."""
        return [
            (one, status, seconds)
            for one in self.sent.values()
            for at, status, seconds in one.answers
            if not self.is_disturbed(at) and not self.is_disturbed(at - seconds)
        ]


def read(path: Path) -> Record:
    """Read the ledger at *path*; a fault without an end lasts."""
    sent: dict[str, Sent] = {}
    faults: list[tuple[float, float]] = []
    for line in map(orjson.loads, path.read_bytes().splitlines()):
        match line["what"]:
            case "sent":
                known = {name: line[name] for name in Sent.__slots__ if name in line}
                sent.setdefault(line["id"], Sent(**known))
            case "answered":
                sent[line["id"]].answers.append((line["at"], line["status"], line["seconds"]))
            case "fault" if line["state"] == "begins":
                faults.append((line["at"], float("inf")))
            case "fault":
                faults[-1] = (faults[-1][0], line["at"])
    return Record(sent, faults)


def by_key(record: Record) -> dict[tuple[str, int, int], list[Sent]]:
    """Return what was sent about each order."""
    found: dict[tuple[str, int, int], list[Sent]] = defaultdict(list)
    for one in record.sent.values():
        found[one.tenant, one.shop, one.key].append(one)
    return found


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which *share* of *values* lie; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
