"""Events the gateway sends. They only wake others: what they tell of is committed already."""

from __future__ import annotations

import uuid

import structlog
from aiohttp import web

from shared.bus.connect import BUS
from shared.clock import now
from shared.errors import Unavailable
from shared.events import StoreConnected, SyncRequested

log = structlog.get_logger()


async def tell_connected(app: web.Application, tenant_id: str, shop_id: int) -> None:
    """Say that a store was connected and its first jobs wait."""
    event = StoreConnected(
        id=uuid.uuid4(), tenant_id=uuid.UUID(tenant_id), shop_id=shop_id, happened_at=now()
    )
    await _tell(app, event)


async def tell_jobs_wait(app: web.Application, tenant_id: str, shop_id: int) -> None:
    """Say that a job was queued."""
    event = SyncRequested(
        id=uuid.uuid4(), tenant_id=uuid.UUID(tenant_id), shop_id=shop_id, happened_at=now()
    )
    await _tell(app, event)


async def _tell(app: web.Application, event: StoreConnected | SyncRequested) -> None:
    try:
        await app[BUS].publish(event.kind, event.model_dump_json().encode())
    except Unavailable:
        log.warning("event not sent, its rows will be found by schedule", kind=event.kind)
