"""What the syncer counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from shared.metrics import SECONDS_BUCKETS
from shared.shopify.resources import RESOURCES as ALL

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
    "Runs of sync jobs by kind, mode and outcome: succeeded, failed, skipped, waiting or lost.",
    ["kind", "mode", "outcome"],
)
REFETCHES_TOTAL = Counter(
    "tillstream_syncer_refetches_total",
    "Objects read again by id, by kind and outcome: found or missing.",
    ["kind", "outcome"],
)
RESOURCES = Gauge(
    "tillstream_resources",
    "Resources of all shops by what Shopify lets us read: available, missing_scope, protected,"
    " not_on_plan or failing.",
    ["state"],
)
SUBSCRIPTIONS_TOTAL = Counter(
    "tillstream_syncer_subscriptions_total",
    "Webhook subscriptions that a reconcile found wrong by outcome: created, removed, or refused by"
    " Shopify and so missing.",
    ["outcome"],
)
STALLED_SHOPS = Gauge(
    "tillstream_stalled_shops",
    "Shops whose polls find changes although no webhook has come for half an hour.",
)
RECONCILE_DRIFT = Gauge(
    "tillstream_reconcile_drift",
    "Objects that the last nightly sample found to differ from Shopify, by resource.",
    ["resource"],
)
SCHEMA_DRIFT_TOTAL = Counter(
    "tillstream_schema_drift_total",
    "Unknown API versions, enum words and webhook fields seen, by kind: version, enum or field.",
    ["kind"],
)
PRIVACY_REQUESTS = Gauge(
    "tillstream_privacy_requests",
    "Privacy requests by state: open, close (to its deadline), overdue, done or refused.",
    ["state"],
)
PRIVACY_DUE_SECONDS = Gauge(
    "tillstream_privacy_due_seconds",
    "Seconds left of the privacy request that is due first; infinite without one.",
)
EVENTS_TOTAL = Counter(
    "tillstream_syncer_events_total", "Events handed on to other systems, by type.", ["type"]
)
WEBHOOKS_TOTAL = Counter(
    "tillstream_syncer_webhooks_total",
    "Attempts to post outgoing webhooks by outcome: delivered, refused or failed for good.",
    ["outcome"],
)
ENDPOINTS_DISABLED_TOTAL = Counter(
    "tillstream_syncer_endpoints_disabled_total",
    "Endpoints of outgoing webhooks that were disabled because they took nothing.",
)

# From zero: Prometheus sees no increase in a series whose first value is its first event, and the
# first one is what an alert is for.
DELIVERIES_TOTAL.labels("dead")
for _outcome in ("delivered", "refused", "failed"):
    WEBHOOKS_TOTAL.labels(_outcome)
for _outcome in ("created", "removed", "refused"):
    SUBSCRIPTIONS_TOTAL.labels(_outcome)
for _kind in ("version", "enum", "field"):
    SCHEMA_DRIFT_TOTAL.labels(_kind)
for _name in ("shop", *ALL):
    for _mode in ("full", "incremental", "verify", "sample"):
        JOBS_TOTAL.labels(_name, _mode, "failed")
