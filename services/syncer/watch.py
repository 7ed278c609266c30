"""What an operator should see of all shops: what cannot be read, and who has fallen silent."""

from __future__ import annotations

from collections.abc import Collection

import structlog

from services.syncer import metrics
from services.syncer.domain.capabilities import STATES
from services.syncer.store import capabilities, stalls
from shared.postgres import Connection

log = structlog.get_logger()


async def watch(conn: Connection, known: Collection[int]) -> frozenset[int]:
    """Set the gauges and name each shop that fell silent since *known*; return the silent ones."""
    states = await capabilities.count(conn)
    for state in STATES:
        metrics.RESOURCES.labels(state).set(states.get(state, 0))
    silent = frozenset(await stalls.silent_shops(conn))
    metrics.STALLED_SHOPS.set(len(silent))
    for shop_id in sorted(silent.difference(known)):
        log.warning("webhooks stopped although polls find changes", shop_id=shop_id)
    return silent
