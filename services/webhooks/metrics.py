"""What the webhooks service counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from shared.metrics import SECONDS_BUCKETS

DELIVERIES_TOTAL = Counter(
    "tillstream_webhooks_deliveries_total",
    "Deliveries by topic (rare ones as other) and outcome.",
    ["topic", "outcome"],
)
UNTIMELY_TOTAL = Counter(
    "tillstream_webhooks_untimely_total",
    "Signed deliveries that say they are older than a day (late) or from the future (early).",
    ["age"],
)
BATCH_DELIVERIES = Histogram(
    "tillstream_webhooks_batch_deliveries",
    "Deliveries that left in one message.",
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
PUBLISH_SECONDS = Histogram(
    "tillstream_webhooks_publish_seconds",
    "Time until the bus confirmed a batch.",
    buckets=SECONDS_BUCKETS,
)
SPOOLED_TOTAL = Counter(
    "tillstream_webhooks_spooled_total",
    "Deliveries kept in Postgres because the broker was away.",
)
SPOOL_DELIVERIES = Gauge(
    "tillstream_webhooks_spool_deliveries", "Deliveries in the spool, counted every 5 s."
)
