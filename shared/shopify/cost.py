"""What queries cost: Shopify's leaky bucket, modelled from what its answers tell. No I/O.

Source: https://shopify.dev/docs/api/usage/limits#graphql-admin-api-rate-limits
"""

from __future__ import annotations

import math

import msgspec

_FIRST_GUESS = 50.0
_KNOWN_DOCUMENTS_MAX = 256


class ThrottleStatus(msgspec.Struct, frozen=True, rename="camel"):
    """The bucket as Shopify last saw it, in points; *restore_rate* in points per second."""

    maximum_available: float
    currently_available: float
    restore_rate: float


class Cost(msgspec.Struct, frozen=True, rename="camel"):
    """``extensions.cost`` of an answer, as far as we read it."""

    throttle_status: ThrottleStatus
    requested_query_cost: float = 0.0

    @property
    def wait(self) -> float | None:
        """Seconds until the same query fits, or None when it cannot be told."""
        status = self.throttle_status
        if status.restore_rate <= 0:
            return None
        short = self.requested_query_cost - status.currently_available
        return max(short / status.restore_rate, 0.0)


class Extensions(msgspec.Struct, frozen=True):
    """``extensions`` of an answer, as far as we read it."""

    cost: Cost | None = None


class Bucket:
    """One shop's points as this process knows them.

    Times are seconds of any monotonic clock. Nothing is known before the first answer, so nothing
    waits: Shopify itself throttles the first burst. A query in flight is held against the bucket
    at its last requested cost, from before it waits until its answer tells the real one, so that
    those who wait are let through one after another.
    """

    def __init__(self) -> None:
        self._status: ThrottleStatus | None = None
        self._seen_at = 0.0
        self._held = 0.0
        self._costs: dict[str, float] = {}

    def wait_seconds(self, requested: float, now: float) -> float:
        """Return how long until *requested* points are there."""
        status = self._status
        if status is None or status.restore_rate <= 0:
            return 0.0
        needed = min(requested, status.maximum_available)
        return max((needed - self.available(now)) / status.restore_rate, 0.0)

    def available(self, now: float) -> float:
        """Return the points left, without those held by queries in flight."""
        status = self._status
        if status is None:
            return math.inf
        restored = status.currently_available + (now - self._seen_at) * status.restore_rate
        return min(restored, status.maximum_available) - self._held

    def expected(self, document: str) -> float:
        """Return what *document* asked for last time."""
        return self._costs.get(document, _FIRST_GUESS)

    def hold(self, points: float) -> None:
        """Set *points* aside for a query about to be sent."""
        self._held += points

    def release(self, points: float) -> None:
        """Give back what was held; the answer's throttle status tells the rest."""
        self._held = max(self._held - points, 0.0)

    def learn(self, document: str, cost: Cost, now: float) -> None:
        """Take over what an answer says of the bucket and of *document*."""
        if len(self._costs) >= _KNOWN_DOCUMENTS_MAX:
            self._costs.clear()
        self._costs[document] = cost.requested_query_cost
        self._status = cost.throttle_status
        self._seen_at = now

    def drain(self, now: float) -> None:
        """Shopify throttled us: whatever we believed, nothing is left."""
        if self._status is not None:
            self._status = ThrottleStatus(
                self._status.maximum_available, 0.0, self._status.restore_rate
            )
            self._seen_at = now
