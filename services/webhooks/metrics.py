"""What the webhooks service counts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import REGISTRY, Counter, Gauge
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from shared.deliveries import TOPIC
from shared.metrics import BUS_PUBLISHED_TOTAL, SECONDS_BUCKETS


class LoopHistogram(Collector):
    """A histogram that one event loop fills and shows: a third of the library's cost, no locks."""

    def __init__(self, name: str, documentation: str, *, buckets: Sequence[float]) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = tuple(map(float, buckets))
        self._counts = [0] * (len(buckets) + 1)
        self._sum = 0.0

    def observe(self, amount: float) -> None:
        """Count *amount* in the first bucket whose bound it does not exceed."""
        self._counts[bisect_left(self._bounds, amount)] += 1
        self._sum += amount

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """See Collector.collect."""
        bounds = (*map(str, self._bounds), "+Inf")
        buckets = list(zip(bounds, accumulate(self._counts), strict=True))
        yield HistogramMetricFamily(
            self._name, self._documentation, buckets=buckets, sum_value=self._sum
        )


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
BATCH_DELIVERIES = LoopHistogram(
    "tillstream_webhooks_batch_deliveries",
    "Deliveries that left in one message.",
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
PUBLISH_SECONDS = LoopHistogram(
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
# There from the start, so that alerts see the first one.
BUS_PUBLISHED_TOTAL.labels(TOPIC, "uncertain")

# Shopify gives up after 5 s; the bounds are close where that comes near.
ANSWER_SECONDS = LoopHistogram(
    "tillstream_webhooks_answer_seconds",
    "Time from a delivery's headers to its answer, of those answered 200.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0),
)
for _histogram in (BATCH_DELIVERIES, PUBLISH_SECONDS, ANSWER_SECONDS):
    REGISTRY.register(_histogram)
