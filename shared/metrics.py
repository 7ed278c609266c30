"""Metrics that every service has. Labels are bounded: never a shop, an id or a path."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

HTTP_REQUESTS_TOTAL = Counter(
    "tillstream_http_requests_total", "HTTP requests by route and status.", ["route", "status"]
)
HTTP_REQUEST_SECONDS = Histogram(
    "tillstream_http_request_seconds",
    "Time from a request's headers to its answer, by route.",
    ["route"],
    buckets=SECONDS_BUCKETS,
)
BUS_HANDLED_TOTAL = Counter(
    "tillstream_bus_handled_total",
    "Messages consumed by queue and fate: done, retried or buried.",
    ["queue", "fate"],
)
BUS_PUBLISHED_TOTAL = Counter(
    "tillstream_bus_published_total",
    "Messages published by topic and outcome: confirmed, failed or uncertain (sent, unanswered).",
    ["topic", "outcome"],
)
BUS_REDELIVERIES_TOTAL = Counter(
    "tillstream_bus_redeliveries_total",
    "Messages that a consumer was handed although another had them before, by queue.",
    ["queue"],
)
BUS_ACKS_LOST_TOTAL = Counter(
    "tillstream_bus_acks_lost_total",
    "Batches whose work is done but whose acknowledgement was lost, by queue: they come again.",
    ["queue"],
)
BUS_MESSAGES = Gauge(
    "tillstream_bus_messages",
    "Messages by queue and state: ready, held, waiting (for a retry) or dead, every 5 s.",
    ["queue", "state"],
)
BUS_OLDEST_AGE_SECONDS = Gauge(
    "tillstream_bus_oldest_age_seconds",
    "How long the oldest ready message of a queue has waited for a consumer.",
    ["queue"],
)
ERROR_REPORTS_TOTAL = Counter(
    "tillstream_error_reports_total",
    "Errors reported to Sentry by outcome: sent, failed (Sentry did not take it) or dropped.",
    ["outcome"],
)
BUS_PAUSED = Gauge("tillstream_bus_paused", "1 while an operator has paused the queue.", ["queue"])
