"""The messages services promise each other. Changing a field here is changing an API.

Each is a nudge or a fact; what it speaks of is already committed in Postgres when it is sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """What every event has: whose it is, and when it happened."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: UUID
    tenant_id: UUID
    shop_id: int
    happened_at: datetime


class StoreConnected(Event):
    """A store was connected or connected again; its first jobs are queued."""

    kind: Literal["store.connected"] = "store.connected"


class StoreLeft(Event):
    """Shopify says that the app was uninstalled, or a token died for good."""

    kind: Literal["store.left"] = "store.left"
    status: Literal["uninstalled", "reauth_required"]
    reason: str


class StoreRenamed(Event):
    """Shopify calls a store by another myshopify domain, the shop is the same."""

    kind: Literal["store.renamed"] = "store.renamed"
    shop_domain: str


class SyncRequested(Event):
    """A job waits in ``commerce.sync_jobs``."""

    kind: Literal["sync.requested"] = "sync.requested"


class OrdersChanged(Event):
    """Marks wait in ``analytics.order_marks``."""

    kind: Literal["orders.changed"] = "orders.changed"
