"""Which topics reach which queues, and how long a retry waits."""

from __future__ import annotations

from types import MappingProxyType

EXCHANGE = "tillstream"
DEAD_EXCHANGE = "tillstream.dead"
# For other systems; nothing of ours consumes from it.
EVENTS_EXCHANGE = "tillstream.events"

# A queue's arguments cannot be changed once declared: change them by a new version in its name.
DELIVERIES = "syncer.deliveries.v1"
JOBS = "syncer.jobs.v1"
MARKS = "analytics.marks.v1"
STORES = "gateway.stores.v1"

BINDINGS = MappingProxyType(
    {
        "webhooks.received": (DELIVERIES,),
        "sync.requested": (JOBS,),
        "store.connected": (JOBS,),
        "store.left": (STORES,),
        "store.renamed": (STORES,),
        "orders.changed": (MARKS,),
    }
)
QUEUES = tuple(sorted({queue for queues in BINDINGS.values() for queue in queues}))

DELIVERY_LIMIT = 20
RETRY_DELAYS_SECONDS = (5, 30, 300, 1800, 7200)
