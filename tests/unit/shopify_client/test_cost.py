from __future__ import annotations

import heapq
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import Unavailable
from shared.shopify.breaker import Breaker
from shared.shopify.cost import Bucket, Cost, Costs, Outcome, Request, ThrottleStatus

_names = (f"r{number}" for number in itertools.count())


def a_request(points=100.0, priority="background", **more):
    return Request(name=next(_names), points=points, priority=priority, **more)


def costing(available, *, actual=100.0, requested=100.0, maximum=2000.0, rate=100.0):
    status = ThrottleStatus(maximum, available, rate)
    return Outcome(cost=Cost(status, requested_query_cost=requested, actual_query_cost=actual))


def a_bucket(*, available, at=0.0, **cost):
    """A bucket after its first answer."""
    bucket = Bucket()
    first = a_request()
    assert bucket.claim(first, at) == 0
    bucket.settle(first, costing(available, **cost), at)
    return bucket


def test_the_first_request_goes_alone_until_its_answer_tells_how_many_may_follow():
    bucket = Bucket()
    first, second = a_request(), a_request()

    assert bucket.claim(first, 1.0) == 0
    assert bucket.claim(second, 1.1) > 0
    bucket.settle(first, costing(1900.0), 1.2)
    assert bucket.claim(second, 1.3) == 0


def test_a_first_request_that_is_lost_holds_nobody_up_for_long():
    bucket = Bucket()
    bucket.claim(a_request(), 1.0)

    assert bucket.claim(a_request(), 3.5) == 0


def test_a_shop_that_tells_no_cost_is_asked_without_waiting():
    bucket = Bucket()
    first = a_request()
    bucket.claim(first, 1.0)
    bucket.settle(first, Outcome(), 1.1)

    assert [bucket.claim(a_request(1000.0), 1.2) for _ in range(3)] == [0, 0, 0]


def test_a_query_waits_until_its_points_are_restored():
    bucket = a_bucket(available=50.0)
    request = a_request(250, "interactive")

    assert bucket.claim(request, 0.0) == 2.0
    assert bucket.claim(request, 1.5) == 0.5
    assert bucket.claim(request, 2.0) == 0


def test_background_work_leaves_a_tenth_to_whoever_waits():
    bucket = a_bucket(available=300.0)

    assert bucket.claim(a_request(200), 0.0) == 1.0
    assert bucket.claim(a_request(200, "interactive"), 0.0) == 0


def test_the_bucket_never_fills_beyond_its_maximum():
    bucket = a_bucket(available=1900.0)

    assert bucket.available(1000.0) == 2000.0
    assert bucket.claim(a_request(5000), 1000.0) == 0


def test_background_requests_go_in_the_order_in_which_they_came():
    bucket = a_bucket(available=300.0)
    dear, cheap = a_request(500), a_request(10)

    assert bucket.claim(dear, 0.0) == 4.0
    assert bucket.claim(cheap, 0.0) == pytest.approx(4.1)
    for second in (1.0, 2.0, 3.0):
        assert bucket.claim(dear, second) > 0
        assert bucket.claim(cheap, second) > 0
    assert bucket.claim(dear, 4.0) == 0


def test_somebody_who_waits_does_not_wait_behind_background_work():
    bucket = a_bucket(available=0.0)
    bucket.claim(a_request(1000), 0.0)

    assert bucket.claim(a_request(10, "interactive"), 0.0) == 0.1
    # It has taken its place before the background work, which waits for both.
    assert bucket.claim(a_request(100), 0.0) == pytest.approx((10 + 1000 + 100 + 200) / 100)


def test_who_waits_no_longer_loses_its_place():
    bucket = a_bucket(available=0.0)
    bucket.claim(a_request(1000), 0.0)

    assert bucket.claim(a_request(100), 3.1) == 0


def test_what_was_asked_for_and_not_used_comes_back():
    bucket = a_bucket(available=1000.0)
    request = a_request(700)
    bucket.claim(request, 0.0)
    assert bucket.available(0.0) == 300.0

    bucket.settle(request, costing(900.0, requested=700, actual=100), 0.0)

    assert bucket.available(0.0) == 900.0


def test_answers_in_any_order_never_make_more_points_than_there_are():
    bucket = a_bucket(available=1000.0)
    early, late = a_request(300), a_request(300)
    bucket.claim(early, 0.0)
    bucket.claim(late, 0.0)

    bucket.settle(late, costing(400.0, requested=300, actual=300), 0.0)
    bucket.settle(early, costing(700.0, requested=300, actual=300), 0.0)

    assert bucket.available(0.0) == 400.0


def test_points_of_a_process_that_died_are_found_again():
    bucket = a_bucket(available=2000.0)
    bucket.claim(a_request(900, lasts_seconds=30), 0.0)
    assert bucket.available(0.0) == 1100.0
    after = a_request(100)
    bucket.claim(after, 1.0)

    bucket.settle(after, costing(1900.0), 1.0)
    assert bucket.available(1.0) < 1900.0
    later = a_request(100)
    bucket.claim(later, 40.0)
    bucket.settle(later, costing(1900.0), 40.0)

    assert bucket.available(40.0) == 1900.0
    assert bucket.holds == {}


def test_somebody_else_who_spends_the_points_is_noticed():
    bucket = a_bucket(available=2000.0)
    request = a_request(100)
    bucket.claim(request, 0.0)

    bucket.settle(request, costing(150.0), 0.0)

    assert bucket.available(0.0) == 150.0


def test_a_refused_query_costs_nothing_and_tells_what_is_left():
    bucket = a_bucket(available=2000.0)
    request = a_request(100)
    bucket.claim(request, 0.0)

    bucket.settle(request, costing(20.0, actual=None), 0.0)

    assert bucket.available(0.0) == 20.0


def test_a_pause_that_shopify_asks_for_holds_for_everybody():
    bucket = a_bucket(available=2000.0)
    request = a_request()
    bucket.claim(request, 0.0)
    bucket.settle(request, Outcome(ran=False, pause_seconds=2.0), 0.0)

    assert bucket.claim(a_request(1, "interactive"), 0.5) == 1.5
    assert bucket.available(0.0) == 2000.0


def test_requests_per_second_are_capped_and_one_is_left_to_whoever_waits():
    bucket = a_bucket(available=20_000.0, maximum=20_000.0)

    def sent_by(second, priority):
        times = 0
        while bucket.claim(a_request(1, priority, per_second=5.0), second) == 0:
            times += 1
        return times

    assert sent_by(10.0, "background") == 4
    assert sent_by(10.0, "interactive") == 1
    bucket.holds.clear()
    assert sent_by(11.0, "background") == 4


def test_one_request_per_second_is_still_one():
    bucket = a_bucket(available=2000.0)

    assert bucket.claim(a_request(1, per_second=1.0), 100.0) == 0
    assert bucket.claim(a_request(1, per_second=1.0), 100.0) == 1.0


def test_a_document_is_expected_to_cost_what_it_cost_last_time_in_this_size():
    costs = Costs()
    costs.learn("doc", {"first": 10, "after": "x"}, 432.0)
    costs.learn("doc", {"first": 5, "ids": ["a", "b"]}, 300.0)

    assert costs.expected("doc", {"first": 10, "after": "y"}) == 432.0
    assert costs.expected("doc", {"first": 5, "ids": ["c", "d"]}) == 300.0
    assert costs.expected("doc", {"first": 7}) == 432.0


def test_an_unknown_document_is_expected_to_cost_what_it_may():
    costs = Costs()

    assert costs.expected("{ orders(first: $n) { edges { node { id } } } }", None) == 1000.0
    assert costs.expected("mutation { a { b } }", None) == 20.0


def test_the_memory_of_documents_is_bounded():
    costs = Costs()
    for number in range(1000):
        costs.learn(f"doc {number}", {"first": number}, 777.0)
        costs.learn("doc", {"first": number}, 777.0)

    remembered = [n for n in range(1000) if costs.expected(f"doc {n}", None) == 777.0]
    assert 0 < len(remembered) <= 256
    assert sum(len(shapes) for shapes in costs._known.values()) < 500


class Shopify:
    """The bucket as Shopify keeps it, and everybody who asks, in simulated time."""

    def __init__(self, seed, *, maximum, rate):
        self.random = random.Random(seed)
        self.maximum, self.rate = maximum, rate
        self.level, self.seen = self.random.uniform(0, maximum), 0.0
        self.refused = self.used = 0
        self.events = []
        self.count = itertools.count()

    def at(self, when, what):
        heapq.heappush(self.events, (when, next(self.count), what))

    def advance(self, now):
        self.level = min(self.maximum, self.level + (now - self.seen) * self.rate)
        self.seen = now

    def arrives(self, now, points, actual):
        """What an answer tells; the cost is given back before it is told."""
        self.advance(now)
        if int(self.level) < points:
            self.refused += 1
            return costing(int(self.level), requested=points, actual=None,
                           maximum=self.maximum, rate=self.rate)  # fmt: skip
        self.level -= actual
        self.used += actual
        return costing(int(self.level), requested=points, actual=actual,
                       maximum=self.maximum, rate=self.rate)  # fmt: skip

    def run(self, until):
        while self.events and self.events[0][0] <= until:
            now, _, what = heapq.heappop(self.events)
            what(now)


def asks_for_ever(shopify, bucket, *, points, priority="background", dies=0.0, pause=0.0):
    """One caller after the other: claim, travel, settle; some never settle."""
    chance = shopify.random

    def begin(now):
        request = a_request(points(), priority, lasts_seconds=5.0)
        shopify.at(now, lambda then: claim(then, request))

    def claim(now, request):
        wait = bucket.claim(request, now)
        if wait > 0:
            shopify.at(now + min(wait, 1.0), lambda then: claim(then, request))
            return
        shopify.at(now + chance.uniform(0, 0.2), lambda then: arrive(then, request))

    def arrive(now, request):
        outcome = shopify.arrives(now, request.points, request.points * chance.uniform(0.3, 1))
        shopify.at(now + chance.uniform(0, 0.2), lambda then: settle(then, request, outcome))

    def settle(now, request, outcome):
        if chance.random() >= dies:
            bucket.settle(request, outcome, now)
        shopify.at(now + chance.uniform(0, 2 * pause), begin)

    shopify.at(0.0, begin)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    size=st.sampled_from([(1000.0, 50.0), (2000.0, 100.0), (20_000.0, 1000.0)]),
    callers=st.integers(1, 12),
    dies=st.sampled_from([0.0, 0.05]),
)
def test_no_query_is_refused_beyond_the_first_and_few_points_are_left(seed, size, callers, dies):
    maximum, rate = size
    shopify = Shopify(seed, maximum=maximum, rate=rate)
    started_with = shopify.level
    bucket = Bucket()
    chance = shopify.random
    for _ in range(callers):
        asks_for_ever(shopify, bucket, points=lambda: chance.uniform(rate, 6 * rate), dies=dies)
    asks_for_ever(
        shopify, bucket, points=lambda: chance.uniform(1, rate / 4), priority="interactive",
        pause=2.0,
    )  # fmt: skip

    shopify.run(300.0)

    assert shopify.refused <= 1
    if callers > 2 and not dies:
        assert shopify.used >= 0.95 * (started_with + 300.0 * rate - maximum * 0.1)


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_trial_through():
    breaker = Breaker(failures=2, reset_seconds=10)
    breaker.failed(0.0)
    breaker.succeeded()
    breaker.failed(1.0)
    breaker.admit(1.0)
    breaker.failed(2.0)

    with pytest.raises(Unavailable) as caught:
        breaker.admit(3.0)
    assert [breaker.state(at) for at in (3.0, 12.1)] == ["open", "half_open"]
    assert caught.value.code == "circuit_open"
    assert caught.value.retry_after == 9.0
    breaker.admit(12.5)
    assert breaker.state(12.6) == "half_open"
    assert [breaker.refuses(at) for at in (12.6, 22.6)] == [True, False]
    with pytest.raises(Unavailable):
        breaker.admit(12.6)
    breaker.failed(12.7)
    assert breaker.state(12.8) == "open"
    breaker.admit(22.8)
    breaker.succeeded()
    breaker.admit(22.9)
    assert breaker.state(22.9) == "closed"
