"""What every command works with: one store, the database, a terminal, and patience for its jobs."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from services.syncer.store import command as store
from services.syncer.terminal import Terminal
from shared.postgres import Connection, Pool, migrated, translated
from shared.shopify.snapshots import Owner

_LOOK_SECONDS = 0.5
# How many looks jobs may wait before somebody should be told that nobody takes them.
_PATIENCE = 20
_ENDED = frozenset({"succeeded", "failed", "cancelled", "skipped"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One command for one store."""

    pool: Pool
    owner: Owner
    wanted: argparse.Namespace
    terminal: Terminal

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Give a connection; raise Unavailable or Rejected instead of the driver's errors."""
        async with connected(self.pool) as conn:
            yield conn

    async def watched(self, jobs: Sequence[UUID]) -> bool:
        """Show *jobs* until they end; return whether all succeeded, or were not ours to do."""
        with self.terminal.watching() as show:
            waited = 0
            while True:
                async with self.connection() as conn:
                    rows = await store.progress(conn, self.owner, jobs)
                    await store.check_active(conn, self.owner)
                show(rows)
                if all(row["status"] in _ENDED for row in rows):
                    break
                unattended = all(row["idle"] or row["status"] in _ENDED for row in rows)
                waited = waited + 1 if unattended else 0
                if waited == _PATIENCE:
                    self.terminal.say("nobody works on the jobs: is a syncer running?")
                await asyncio.sleep(_LOOK_SECONDS)
        return all(row["status"] in {"succeeded", "skipped"} for row in rows)


@asynccontextmanager
async def connected(pool: Pool) -> AsyncIterator[Connection]:
    """Give a connection of *pool*, its errors translated."""
    with migrated(), translated():
        async with pool.acquire() as conn:
            yield conn
