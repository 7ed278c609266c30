"""Events the syncer publishes: what it committed, or what Shopify said about the app."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

import structlog

from shared.bus.protocol import Bus
from shared.clock import Clock, now
from shared.errors import Unavailable
from shared.events import OrdersChanged, StoreLeft, StoreRenamed
from shared.shopify.snapshots import AppUninstalled, Owner

log = structlog.get_logger()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def orders_changed(bus: Bus, shops: Iterable[Owner], *, clock: Clock = now) -> None:
    """Wake analytics; the marks are committed, so a lost nudge only costs its polling interval."""
    for owner in shops:
        event = OrdersChanged(
            id=uuid.uuid4(),
            tenant_id=uuid.UUID(owner.tenant_id),
            shop_id=owner.shop_id,
            happened_at=clock(),
        )
        try:
            await bus.publish(event.kind, event.model_dump_json().encode())
        except Unavailable as exc:
            log.warning("nudge not sent", topic=event.kind, error=str(exc))


async def app_uninstalled(bus: Bus, fact: AppUninstalled) -> None:
    """Tell the gateway when Shopify removed the app; raise Unavailable when it cannot be told.

    The time is Shopify's: a late delivery must not disconnect a store that came back since.
    """
    at = min(max(fact.at, _EPOCH), now())
    await store_left(bus, fact.owner, status="uninstalled", reason="app/uninstalled", at=at)


async def store_left(bus: Bus, owner: Owner, *, status: str, reason: str, at: datetime) -> None:
    """Tell the gateway that a store was lost *at*: *status* is uninstalled or reauth_required."""
    event = StoreLeft.model_validate(
        {
            "id": uuid.uuid4(),
            "tenant_id": owner.tenant_id,
            "shop_id": owner.shop_id,
            "happened_at": at,
            "status": status,
            "reason": reason,
        }
    )
    await bus.publish(event.kind, event.model_dump_json().encode())


async def store_renamed(bus: Bus, owner: Owner, *, shop_domain: str, at: datetime) -> None:
    """Tell the gateway that Shopify calls a store by another myshopify domain since *at*."""
    event = StoreRenamed(
        id=uuid.uuid4(),
        tenant_id=uuid.UUID(owner.tenant_id),
        shop_id=owner.shop_id,
        happened_at=at,
        shop_domain=shop_domain,
    )
    await bus.publish(event.kind, event.model_dump_json().encode())
