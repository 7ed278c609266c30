"""Dead letters: what a customer or a shop said in them goes, too.

A broker is asked outside of any transaction, because it may take its time. The piece before has put
the request off for so long that nobody else asks meanwhile; a kill costs that wait.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.syncer.domain.privacy import Request
from services.syncer.store import privacy as store
from shared.bus.dead import weed
from shared.bus.protocol import Bus
from shared.bus.topology import DELIVERIES
from shared.postgres import Pool, translated


async def look_through(pool: Pool, buses: Sequence[Bus], request: Request) -> None:
    """Take out of the dead what *request* forbids, then let it end.

    Raises Unavailable while a broker is away or somebody else looks at the dead.
    """
    if await _noted(pool, request):
        taken = [await weed(bus, DELIVERIES, request.forbids) for bus in buses]
        await _noted(pool, request, taken=sum(taken))


async def _noted(pool: Pool, request: Request, *, taken: int | None = None) -> bool:
    """Return whether *request* is still open; note how many deliveries were *taken*."""
    with translated():
        async with pool.acquire() as conn, conn.transaction():
            is_open = await store.is_open_at(conn, request)
            if is_open and taken is not None:
                await store.advance(conn, request, "end", erased={"bus.dead": taken})
    return is_open
