from __future__ import annotations

import pytest

from shared.errors import Unavailable
from shared.shopify.breaker import Breaker
from shared.shopify.cost import Bucket, Cost, ThrottleStatus


def a_cost(*, available, requested=100.0, maximum=2000.0, rate=100.0):
    return Cost(ThrottleStatus(maximum, available, rate), requested_query_cost=requested)


def a_bucket(*, available, at=0.0, **cost):
    bucket = Bucket()
    bucket.learn("doc", a_cost(available=available, **cost), at)
    return bucket


def test_nothing_waits_before_the_first_answer():
    assert Bucket().wait_seconds(1000, now=5.0) == 0.0


def test_a_query_waits_until_its_points_are_restored():
    bucket = a_bucket(available=50.0)

    assert bucket.wait_seconds(250, now=0.0) == 2.0
    assert bucket.wait_seconds(250, now=1.5) == 0.5
    assert bucket.wait_seconds(250, now=9.0) == 0.0


def test_the_bucket_never_fills_beyond_its_maximum():
    bucket = a_bucket(available=1900.0)

    assert bucket.available(now=1000.0) == 2000.0
    assert bucket.wait_seconds(5000, now=1000.0) == 0.0


def test_queries_in_flight_are_held_against_the_bucket_and_queue_those_behind():
    bucket = a_bucket(available=100.0)

    waits = []
    for _ in range(3):
        waits.append(bucket.wait_seconds(100, now=0.0))
        bucket.hold(100)

    assert waits == [0.0, 1.0, 2.0]
    for _ in range(3):
        bucket.release(100)
    assert bucket.wait_seconds(100, now=0.0) == 0.0


def test_a_document_is_expected_to_cost_what_it_cost_last_time():
    bucket = a_bucket(available=1000.0, requested=432.0)

    assert bucket.expected("doc") == 432.0
    assert 0 < bucket.expected("unknown") < 100


def test_the_memory_of_documents_is_bounded():
    bucket = Bucket()
    for number in range(1000):
        bucket.learn(f"doc {number}", a_cost(available=1.0, requested=777.0), 0.0)

    remembered = [n for n in range(1000) if bucket.expected(f"doc {n}") == 777.0]
    assert 0 < len(remembered) <= 256


def test_being_throttled_empties_the_bucket():
    bucket = a_bucket(available=2000.0)

    bucket.drain(now=10.0)

    assert bucket.wait_seconds(300, now=10.0) == 3.0


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_trial_through():
    breaker = Breaker(failures=2, reset_seconds=10)
    breaker.failed(0.0)
    breaker.succeeded()
    breaker.failed(1.0)
    breaker.admit(1.0)
    breaker.failed(2.0)

    with pytest.raises(Unavailable) as caught:
        breaker.admit(3.0)
    assert caught.value.code == "circuit_open"
    assert caught.value.retry_after == 9.0
    breaker.admit(12.5)
    with pytest.raises(Unavailable):
        breaker.admit(12.6)
    breaker.succeeded()
    breaker.admit(12.7)
