"""The dead of a queue on the Postgres bus."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

import orjson

from shared.bus.headers import FIRST_FAILED_AT, replayed
from shared.bus.protocol import DeadLetter, Message
from shared.postgres import Pool, Record, load_queries, translated

SQL = load_queries("shared.bus")

# Bodies are up to a mebibyte each.
_PAGE: Final = 20
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PostgresDeadLetters:
    """Rows of ``bus.dead``, read page by page; two readers do not get in each other's way."""

    def __init__(self, pool: Pool, *, row_queue: str, queue: str) -> None:
        self._pool = pool
        self._row_queue = row_queue
        self._queue = queue

    async def __aiter__(self) -> AsyncIterator[DeadLetter]:
        with translated():
            opened_at = await self._pool.fetchval(SQL["moment"])
        place = (_BEGINNING, 0)
        while rows := await self._page(place, opened_at):
            for row in rows:
                yield self._letter(row)
            place = (rows[-1]["died_at"], rows[-1]["message_id"])

    async def replay(self, letter: DeadLetter) -> None:
        """See DeadLetters.replay; both steps are one transaction here."""
        headers = orjson.dumps(replayed(letter.message.headers)).decode()
        with translated():
            await self._pool.execute(
                SQL["replay_dead"], self._row_queue, int(letter.dead_id), headers
            )

    async def drop(self, letter: DeadLetter) -> None:
        """See DeadLetters.drop."""
        with translated():
            await self._pool.execute(SQL["drop_dead"], self._row_queue, int(letter.dead_id))

    async def replace(self, letter: DeadLetter, body: bytes) -> None:
        """See DeadLetters.replace."""
        with translated():
            await self._pool.execute(
                SQL["replace_dead"], self._row_queue, int(letter.dead_id), body
            )

    async def _page(self, place: tuple[datetime, int], opened_at: datetime) -> list[Record]:
        with translated():
            return await self._pool.fetch(
                SQL["visit_dead"], self._row_queue, *place, opened_at, _PAGE
            )

    def _letter(self, row: Record) -> DeadLetter:
        headers: dict[str, str] = orjson.loads(row["headers"])
        first = headers.get(FIRST_FAILED_AT)
        return DeadLetter(
            dead_id=str(row["message_id"]),
            queue=self._queue,
            message=Message(
                topic=row["topic"], body=row["body"], headers=headers, attempt=row["attempts"]
            ),
            reason=row["reason"],
            published_at=row["enqueued_at"],
            first_failed_at=datetime.fromisoformat(first) if first else row["died_at"],
            died_at=row["died_at"],
        )


@contextlib.asynccontextmanager
async def visiting(pool: Pool, *, row_queue: str, queue: str) -> AsyncIterator[PostgresDeadLetters]:
    """See Bus.dead_letters."""
    yield PostgresDeadLetters(pool, row_queue=row_queue, queue=queue)
