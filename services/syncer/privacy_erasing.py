"""Erasing a whole shop, some rows at a time, as long as it has not come back."""

from __future__ import annotations

from services.syncer.domain.privacy import Request
from services.syncer.store import privacy_erasing as store
from services.syncer.store.privacy import advance, end, turn_to_letters
from shared.postgres import Connection

_AT_ONCE = 5000


async def piece(conn: Connection, request: Request, *, at_once: int = _AT_ONCE) -> None:
    """Erase some rows; with none left, turn to the dead letters, and at the end close the store.

    A store that is connected is not erased: the request is refused and shown.
    """
    found = await store.erase(conn, request.owner, at_once)
    if found is None:
        await _without_rows(conn, request)
    elif found.table:
        await advance(conn, request, "erase", erased={found.table: found.rows})
    else:
        await _refuse(conn, request)


async def _without_rows(conn: Connection, request: Request) -> None:
    if request.step == "dead":
        await turn_to_letters(conn, request)
    elif request.step != "end":
        await advance(conn, request, "dead")
    elif await store.close(conn, request):
        await end(conn, request, "everything of the shop was erased")
    else:
        await _refuse(conn, request)


async def _refuse(conn: Connection, request: Request) -> None:
    await end(conn, request, "the store is connected: nothing more is erased", state="refused")
