"""``python -m tests.faults.bloat``: a million messages through the Postgres bus, and what stays.

Publishes and consumes at once, in ten rounds, on a database of its own, and looks at the table
after each. Autovacuum works as it is configured; with ``--vacuum``, and where the server has it
turned off, each round ends with a VACUUM instead. That also serves runs that end before it wakes.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from shared.bus.postgres_bus import PostgresBus
from shared.bus.protocol import Done, Message, Outcome
from shared.errors import Unavailable
from shared.migrate import migrate
from shared.postgres import open_pool
from tests import infrastructure

ROUNDS = 10
PUBLISHERS = 128
TOPIC, QUEUE = "fruit.sold", "ledger.v1"
LOOK = """
SELECT pg_table_size('bus.messages') AS rows_bytes, pg_indexes_size('bus.messages') AS index_bytes,
       (SELECT n_dead_tup FROM pg_stat_user_tables
        WHERE relid = 'bus.messages'::regclass) AS dead_rows,
       (SELECT autovacuum_count FROM pg_stat_user_tables
        WHERE relid = 'bus.messages'::regclass) AS autovacuums
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What lay on disk after a round, and how fast the round was."""

    done: int
    per_second: float
    rows_bytes: int
    index_bytes: int
    dead_rows: int
    autovacuums: int


class Flow:
    """Messages from publishers to a consumer, counted."""

    def __init__(self, bus: PostgresBus, body: bytes) -> None:
        self._bus = bus
        self._body = body
        self._taken = 0
        self._more = asyncio.Event()

    async def take(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self._taken += len(messages)
        self._more.set()
        return [Done() for _ in messages]

    async def _published(self) -> None:
        # A server under other load may be silent for longer than a publisher waits.
        while True:
            try:
                return await self._bus.publish(TOPIC, self._body)
            except Unavailable:
                await asyncio.sleep(0.5)

    async def round(self, count: int) -> None:
        """Return when *count* more messages have come through."""
        target, turns = self._taken + count, iter(range(count))

        async def publish() -> None:
            for _ in turns:
                await self._published()

        await asyncio.gather(*(publish() for _ in range(PUBLISHERS)))
        while self._taken < target:
            self._more.clear()
            await self._more.wait()


async def looks(
    dsn: str, messages: int, *, vacuum: bool, size: int = 1024, told: Callable[[Look], None]
) -> list[Look]:
    """Send *messages* of *size* bytes through the bus in the database at *dsn*."""
    pool = await open_pool(dsn, role="tillstream_syncer")
    bus = PostgresBus(pool, bindings={TOPIC: (QUEUE,)})
    flow = Flow(bus, b"x" * size)
    watcher = await asyncpg.connect(dsn)
    found: list[Look] = []
    vacuum = vacuum or await watcher.fetchval("SHOW autovacuum") == "off"
    try:
        async with bus.consuming(QUEUE, flow.take, batch_max=200, prefetch=200):
            for number in range(1, ROUNDS + 1):
                started = time.monotonic()
                await flow.round(messages // ROUNDS)
                spent = time.monotonic() - started
                if vacuum:
                    await watcher.execute("VACUUM bus.messages")
                row = await watcher.fetchrow(LOOK)
                speed = messages / ROUNDS / spent
                found.append(Look(done=number * messages // ROUNDS, per_second=speed, **row))
                told(found[-1])
        return found
    finally:
        await bus.close()
        await watcher.close()
        await pool.close()


def complaints(found: Sequence[Look]) -> list[str]:
    """Return what is wrong: space must level off, and no round may be much slower than the first.

    The first half of the rounds sets the level that the second half has to keep.
    """
    half = len(found) // 2
    early, late = found[:half], found[half:]
    wrong = []
    for name in ("rows_bytes", "index_bytes", "dead_rows"):
        before = max(getattr(one, name) for one in early)
        after = max(getattr(one, name) for one in late)
        if after > 1.5 * before + 1_000_000:
            wrong.append(f"{name} grew from {before:,} to {after:,}")
    first = max(one.per_second for one in early)
    last = max(one.per_second for one in late)
    if last < first / 3:
        wrong.append(f"{first:,.0f} messages/s became {last:,.0f}")
    return wrong


async def _on_own_database(asked: argparse.Namespace, told: Callable[[Look], None]) -> list[Look]:
    server, name = await asyncio.to_thread(infrastructure.postgres), f"bloat_{uuid.uuid4().hex[:8]}"
    owner = await asyncpg.connect(server)
    await owner.execute(f"CREATE DATABASE {name}")
    dsn = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    try:
        await migrate(dsn)
        return await looks(dsn, asked.messages, vacuum=asked.vacuum, size=asked.size, told=told)
    finally:
        await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await owner.close()


def _show(look: Look) -> None:
    print(
        f"{look.done:>10,} messages {look.per_second:>8,.0f}/s"
        f" {look.rows_bytes / 1e6:>8.1f} MB rows {look.index_bytes / 1e6:>7.1f} MB indexes"
        f" {look.dead_rows:>9,} dead {look.autovacuums:>4} autovacuums",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.bloat", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=1024, help="bytes of a body (1024)")
    parser.add_argument("--vacuum", action="store_true", help="vacuum after each round")
    found = asyncio.run(_on_own_database(parser.parse_args(), _show))
    wrong = complaints(found)
    print("\n".join(wrong) or "no bloat")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
