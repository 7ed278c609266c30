"""Metrics that every service has. Labels are bounded: never a shop, an id or a path."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

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
BUS_MESSAGES_TOTAL = Counter(
    "tillstream_bus_messages_total",
    "Messages consumed by queue and fate: done, retried or buried.",
    ["queue", "fate"],
)
BUS_PUBLISHED_TOTAL = Counter(
    "tillstream_bus_published_total",
    "Messages published by topic and outcome: confirmed or failed.",
    ["topic", "outcome"],
)
