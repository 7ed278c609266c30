"""What the syncer counts."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from shared.metrics import SECONDS_BUCKETS

DELIVERIES_TOTAL = Counter(
    "tillstream_syncer_deliveries_total",
    "Deliveries by state: applied, duplicate, stale, ignored, dead or repeated.",
    ["state"],
)
ROWS_TOTAL = Counter(
    "tillstream_syncer_rows_total",
    "Shopify objects by kind and outcome: inserted, updated, stale, equal, conflict or deleted.",
    ["kind", "outcome"],
)
BATCH_SECONDS = Histogram(
    "tillstream_syncer_batch_seconds",
    "Time to write one batch of deliveries.",
    buckets=SECONDS_BUCKETS,
)
VISIBLE_SECONDS = Histogram(
    "tillstream_syncer_visible_seconds",
    "Time from a delivery's receipt to its commit.",
    buckets=SECONDS_BUCKETS,
)
JOBS_TOTAL = Counter(
    "tillstream_syncer_jobs_total",
    "Runs of sync jobs by kind, mode and outcome: succeeded, failed, waiting or lost.",
    ["kind", "mode", "outcome"],
)
REFETCHES_TOTAL = Counter(
    "tillstream_syncer_refetches_total",
    "Objects read again by id, by kind and outcome: found or missing.",
    ["kind", "outcome"],
)
