"""What queries cost: Shopify's leaky bucket, as a ledger corrected by what answers tell. No I/O.

Source: https://shopify.dev/docs/api/usage/limits#graphql-admin-api-rate-limits
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

Priority: TypeAlias = Literal["interactive", "background"]

# A query may cost no more than this on any plan.
_DEAREST = 1000.0
_PER_SELECTION = 10.0
_KNOWN_DOCUMENTS_MAX = 256
_KNOWN_SHAPES_MAX = 64

# What background work leaves for somebody who waits, as a part of the whole bucket.
_KEPT_BACK = 0.1
# The first request to a shop goes alone for this long: its answer tells how many may follow.
_FIRST_ALONE_SECONDS = 2.0
_ASK_AGAIN_SECONDS = 0.05
_WAIT_MIN_SECONDS = 0.001
# Who waits asks again within a second; who does not for this long has lost its place.
_PLACE_SECONDS = 3.0
_PAUSE_MAX_SECONDS = 60.0


class ThrottleStatus(msgspec.Struct, frozen=True, rename="camel"):
    """The bucket as Shopify last saw it, in points; *restore_rate* in points per second."""

    maximum_available: float
    currently_available: float
    restore_rate: float


class Cost(msgspec.Struct, frozen=True, rename="camel"):
    """``extensions.cost`` of an answer, as far as we read it; a refused query has no actual."""

    throttle_status: ThrottleStatus
    requested_query_cost: float = 0.0
    actual_query_cost: float | None = None

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that wants to be sent: its name, and the points Shopify will ask for it.

    *lasts_seconds* is when it is over at the latest. *per_second* caps all requests to the shop.
    """

    name: str
    points: float
    priority: Priority = "background"
    lasts_seconds: float = 60.0
    per_second: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a sent request. *cost* is None when Shopify told none.

    *ran* is false when Shopify certainly did not charge it. *pause_seconds* is how long Shopify
    asked everybody to stay away.
    """

    cost: Cost | None = None
    ran: bool = True
    pause_seconds: float = 0.0


class Hold(msgspec.Struct):
    """A request that waits or is under way until *until*; *spent* is the bucket's when it went."""

    points: float
    interactive: bool
    until: float
    sent_at: float | None = None
    spent: float = 0.0


class Bucket(msgspec.Struct):
    """One shop's points. Times are seconds of one clock, whichever keeps the bucket.

    The ledger: a request takes what it asks for when it is sent and gets back what it did not
    cost. An answer's throttle status then bounds it from above, and, less whatever else may have
    been charged since that request was sent, from below. So neither lost answers nor dead
    processes leave a lasting error, and answers may come in any order.

    Before the first answer *maximum* is 0 and nothing is known.
    """

    maximum: float = 0.0
    restore_rate: float = 0.0
    level: float = 0.0
    seen_at: float = 0.0
    spent: float = 0.0
    slots: float = 1.0
    paused_until: float = 0.0
    answered: bool = False
    holds: dict[str, Hold] = {}

    def claim(self, request: Request, now: float) -> float:
        """Return 0 when *request* may go now, which it then must, else seconds until it may.

        Asked again under the same name it keeps its place: background requests go in the order
        in which they came, and after interactive ones, who wait for each other only.
        """
        self._advance(now, request.per_second)
        hold = self.holds.setdefault(
            request.name,
            Hold(request.points, interactive=request.priority == "interactive", until=0.0),
        )
        wait = self._wait(request, hold, now)
        if wait > 0:
            hold.until = now + _PLACE_SECONDS
            return max(wait, _WAIT_MIN_SECONDS)
        self.level -= hold.points
        self.slots -= 1
        hold.until, hold.sent_at, hold.spent = now + request.lasts_seconds, now, self.spent
        return 0.0

    def settle(self, request: Request, outcome: Outcome, now: float) -> None:
        """Take over what came of *request*, also of one that was forgotten meanwhile."""
        self._advance(now, request.per_second)
        spent_before = self.spent
        hold = self.holds.pop(request.name, None)
        cost, charged = outcome.cost, request.points if outcome.ran else 0.0
        if cost is not None:
            charged = cost.actual_query_cost or 0.0
        if hold is not None:
            self.level += hold.points - charged
        self.spent += charged
        self.paused_until = max(
            self.paused_until, now + min(outcome.pause_seconds, _PAUSE_MAX_SECONDS)
        )
        self.answered = self.answered or outcome.ran
        if cost is not None:
            since = spent_before - hold.spent if hold is not None else spent_before
            self._correct(cost.throttle_status, since)

    def available(self, now: float) -> float:
        """Return the points left at *now*."""
        restored = max(now - self.seen_at, 0.0) * self.restore_rate
        return min(self.level + restored, self.maximum)

    def _correct(self, told: ThrottleStatus, since: float) -> None:
        unknown = self.maximum == 0
        self.maximum = told.maximum_available
        self.restore_rate = told.restore_rate
        others = sum(hold.points for hold in self.holds.values() if hold.sent_at is not None)
        least = told.currently_available - others - since
        self.level = least if unknown else min(self.level, told.currently_available)
        self.level = max(self.level, least)

    def _advance(self, now: float, per_second: float | None) -> None:
        passed = max(now - self.seen_at, 0.0)
        self.level = self.available(now)
        if per_second:
            self.slots = min(self.slots + passed * per_second, max(per_second, 1.0))
        self.seen_at = now
        self.holds = {name: hold for name, hold in self.holds.items() if hold.until > now}

    def _wait(self, request: Request, hold: Hold, now: float) -> float:
        waits = [self.paused_until - now, self._wait_for_slot(request)]
        if self.maximum > 0:
            waits.append(self._wait_for_points(request, hold))
        elif not self.answered:
            waits.append(self._wait_for_the_first(now))
        return max(0.0, *waits)

    def _wait_for_slot(self, request: Request) -> float:
        if not request.per_second:
            self.slots = 1.0
            return 0.0
        # Background work leaves one to whoever comes now, where there is more than one.
        wanted = 1.0 if request.priority == "interactive" else 2.0
        return (min(wanted, max(request.per_second, 1.0)) - self.slots) / request.per_second

    def _wait_for_points(self, request: Request, hold: Hold) -> float:
        if self.restore_rate <= 0:
            return 0.0
        kept = 0.0 if hold.interactive else self.maximum * _KEPT_BACK
        needed = min(hold.points + kept, self.maximum) + self._ahead_of(request.name, hold)
        return (needed - self.level) / self.restore_rate

    def _ahead_of(self, name: str, hold: Hold) -> float:
        ahead, is_before = 0.0, True
        for other, held in self.holds.items():
            if other == name:
                is_before = False
            elif held.sent_at is None and (
                is_before if held.interactive == hold.interactive else held.interactive
            ):
                ahead += held.points
        return ahead

    def _wait_for_the_first(self, now: float) -> float:
        sent = [hold.sent_at for hold in self.holds.values() if hold.sent_at is not None]
        alone = any(now - at < _FIRST_ALONE_SECONDS for at in sent)
        return _ASK_AGAIN_SECONDS if alone else 0.0


class Costs:
    """What documents asked for last time, by the sizes in their variables."""

    def __init__(self) -> None:
        self._known: dict[str, dict[tuple[object, ...], float]] = {}

    def expected(self, document: str, variables: Mapping[str, object] | None) -> float:
        """Return what *document* will ask for: what it did, or most that it may.

        Of a document asked in other sizes the dearest is expected. A guess too low would let
        others be refused, one too high only waits a little, once.
        """
        shapes = self._known.get(document)
        if not shapes:
            return _at_most(document)
        return shapes.get(_sizes(variables)) or max(shapes.values())

    def learn(
        self, document: str, variables: Mapping[str, object] | None, requested: float
    ) -> None:
        """Remember what *document* asked for."""
        if document not in self._known and len(self._known) >= _KNOWN_DOCUMENTS_MAX:
            del self._known[next(iter(self._known))]
        shapes = self._known.setdefault(document, {})
        if len(shapes) >= _KNOWN_SHAPES_MAX:
            del shapes[next(iter(shapes))]
        shapes[_sizes(variables)] = requested


def _sizes(variables: Mapping[str, object] | None) -> tuple[object, ...]:
    return tuple(
        (name, value if isinstance(value, int) else len(value))
        for name, value in sorted((variables or {}).items())
        if isinstance(value, int | list | tuple)
    )


def _at_most(document: str) -> float:
    # Without connections and lists by id each object counts once.
    if any(word in document for word in ("edges", "nodes", "first:")):
        return _DEAREST
    return min(_DEAREST, _PER_SELECTION * document.count("{"))
