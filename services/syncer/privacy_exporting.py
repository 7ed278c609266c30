"""What a customer asked to see: one document in parts, for the tenant to download."""

from __future__ import annotations

from collections import Counter

from services.syncer.domain.privacy import EXPORT_KEPT, Request
from services.syncer.store import privacy_exporting as store
from services.syncer.store.privacy import advance, end
from shared.clock import now
from shared.postgres import Connection

_PART_BYTES = 1024 * 1024

forget = store.forget


async def piece(conn: Connection, request: Request) -> None:
    """Write the whole export: one transaction, so that it shows one moment."""
    expires_at = now() + EXPORT_KEPT
    counts: Counter[str] = Counter()
    part, number = bytearray(), 0
    await store.clear(conn, request)
    async for line in store.lines(conn, request):
        counts[f"commerce.{line.table}"] += 1
        part += line.text
        if len(part) >= _PART_BYTES:
            await store.keep(conn, request, number, bytes(part), expires_at=expires_at)
            part, number = bytearray(), number + 1
    await store.keep(conn, request, number, bytes(part), expires_at=expires_at)
    await advance(conn, request, "end", erased=counts)
    await end(conn, request, f"{counts.total()} rows are exported", expires_at=expires_at)
