"""What analytics counts about itself."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from shared.metrics import SECONDS_BUCKETS

MARKS_PENDING = Gauge(
    "tillstream_analytics_marks_pending", "Marks of changed orders that wait for the ledger."
)
ORDERS_APPLIED_TOTAL = Counter(
    "tillstream_analytics_orders_applied_total",
    "Orders brought into the ledger by outcome: applied, or refused when unreadable.",
    ["outcome"],
)
LEDGER_GAPS = Gauge(
    "tillstream_analytics_ledger_gaps",
    "Orders whose agreements do not add up to them, so that their own rows date them.",
)
DRAIN_SECONDS = Histogram(
    "tillstream_analytics_drain_seconds",
    "Time from taking one batch of a shop's marks to its commit.",
    buckets=SECONDS_BUCKETS,
)
VERIFY_DIFFERENCES = Gauge(
    "tillstream_analytics_verify_differences",
    "Rows and buckets that differed from the recompute in the last verification of all shops.",
)
