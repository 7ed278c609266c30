"""Erasing a whole shop, some rows at a time, as long as it has not come back."""

from __future__ import annotations

from services.syncer.domain.privacy import Request
from services.syncer.store import privacy_erasing as store
from services.syncer.store.privacy import advance, end
from shared.postgres import Connection

_AT_ONCE = 5000


async def piece(conn: Connection, request: Request, *, at_once: int = _AT_ONCE) -> None:
    """Erase some rows; with none left, close the store and keep the proof.

    A store that is connected is not erased: the request is refused and shown.
    """
    found = await store.erase(conn, request.owner, at_once)
    if found is None:
        if await store.close(conn, request):
            await end(conn, request, "everything of the shop was erased")
            return
    elif found.table:
        await advance(conn, request, "erase", erased={found.table: found.rows})
        return
    await end(conn, request, "the store is connected: nothing more is erased", state="refused")
