"""What the syncer decides without looking: windows, polls, fates, subscriptions, arrivals."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.syncer.domain import arrivals, operations, polls, subscriptions, windows
from services.syncer.domain.jobs import MAX_ATTEMPTS, Fail, Wait, fate_of, wait_seconds
from services.syncer.domain.subscriptions import TOPICS, Subscription
from services.syncer.domain.windows import Window
from shared.errors import Forbidden, NotFound, Rejected, Throttled, Unauthorized, Unavailable

START = datetime(2026, 1, 1, tzinfo=UTC)
URI = "https://till.example/api/v1/shopify/webhooks"

spans = st.builds(
    lambda minutes, count: Window(start=START, end=START + timedelta(minutes=minutes), count=count),
    st.integers(1, 10_000_000),
    st.integers(0, 1_000_000),
)


@given(spans, st.integers(1, 5000))
def test_a_cut_window_leaves_no_gap_and_no_overlap(window, target):
    pieces = windows.parts(window, target)

    if pieces:
        assert pieces[0][1] == window.end
        assert pieces[-1][0] == window.start
        assert all(newer[0] == older[1] for newer, older in itertools.pairwise(pieces))
    else:
        assert window.count <= target or window.end - window.start < timedelta(minutes=2)


@given(st.lists(st.integers(0, 900), max_size=30), st.integers(100, 900))
def test_merged_windows_keep_every_object(counts, target):
    newest_first = [
        Window(start=START + timedelta(hours=-n - 1), end=START + timedelta(hours=-n), count=count)
        for n, count in enumerate(counts)
    ]

    joined = windows.merged(newest_first, target)

    assert sum(one.count for one in joined) == sum(counts)
    assert all(one.count <= max(target, *counts) for one in joined)
    covered = [w for w in newest_first if any(j.start <= w.start < j.end for j in joined)]
    assert covered == (newest_first if any(counts) else [])


def test_windows_of_light_objects_hold_more_of_them():
    assert windows.roots_per_window("orders", 2500, variants=0) == 2500
    assert windows.roots_per_window("customers", 2500, variants=0) == 10_000
    assert windows.roots_per_window("products", 2500, variants=49) == 800
    assert windows.roots_per_window("inventory", 2500, variants=50) == 200
    assert windows.roots_per_window("inventory", 1, variants=2000) == 1


def test_searches_speak_utc_in_whole_seconds():
    east = datetime(2026, 1, 1, 2, 0, 0, 900_000, tzinfo=UTC).astimezone()

    assert polls.updated_between(None, east) == "updated_at:<='2026-01-01T02:00:00Z'"
    assert polls.updated_between(START, east).startswith("updated_at:>='2026-01-01T00:00:00Z' ")
    bounds = polls.created_between(START, east, kind="customers")
    assert bounds == (
        "customer_date:>='2026-01-01T00:00:00Z' customer_date:<'2026-01-01T02:00:00Z'"
    )
    assert polls.created_between(START, east, kind="orders").startswith("created_at:>=")
    assert polls.since(START, timedelta(seconds=60)) == START - timedelta(seconds=60)


def second(number: int) -> datetime:
    return START + timedelta(seconds=number)


@pytest.mark.parametrize(
    ("seconds", "reached"),
    [([1, 2, 9], 9), ([1, 99, 2], 2), ([99, 98], None), ([], None), ([2, 9, 1], None), ([10], 10)],
)
def test_a_page_reaches_as_far_as_its_settled_objects_in_order_tell(seconds, reached):
    found = polls.place([second(number) for number in seconds], second(10))

    assert found == (None if reached is None else second(reached))


def test_a_sorted_search_goes_on_where_it_was():
    span = polls.Span(start=START, end=second(100))

    assert polls.rest(span, second(40), kind="order") == [
        polls.Span(start=second(40), end=second(100))
    ]
    assert polls.rest(span, START, kind="order") == polls.rest(span, None, kind="order") == []


@given(st.integers(0, 10**9), st.booleans())
def test_an_unsorted_search_is_cut_into_halves_until_it_cannot_be(seconds, from_the_beginning):
    span = polls.Span(start=None if from_the_beginning else START, end=second(seconds))

    halves = polls.rest(span, None, kind="inventory_level")

    if halves:
        older, newer = halves
        assert (older.start, newer.end, older.end) == (span.start, span.end, newer.start)
    else:
        assert (seconds < 2, from_the_beginning) == (True, False)


@pytest.mark.parametrize(
    ("error", "attempts", "fate"),
    [
        (Unavailable("away"), 0, Wait(seconds=2, error="unavailable: away")),
        (Throttled("slow", retry_after=30), 0, Wait(seconds=30, error="throttled: slow")),
        (Unauthorized("no"), 1, Wait(seconds=5, error="unauthorized: no")),
        (Unauthorized("no"), 2, Wait(seconds=10, error="unauthorized: no", token_is_dead=True)),
        (
            Forbidden("no", code="access_denied", details={"required_scopes": ["read_orders"]}),
            0,
            Fail(error="access_denied: no (needs ['read_orders'])"),
        ),
        (
            NotFound("no", code="store_not_active"),
            0,
            Wait(seconds=1800, error="store_not_active: no"),
        ),
        (Rejected("no", code="bulk_refused"), 0, Fail(error="bulk_refused: no")),
        (ZeroDivisionError("bug"), 0, Wait(seconds=2, error="ZeroDivisionError: bug")),
        (ZeroDivisionError("bug"), 2, Fail(error="ZeroDivisionError: bug")),
        (
            Unavailable("away"),
            MAX_ATTEMPTS - 1,
            Fail(error=f"gave up after {MAX_ATTEMPTS} attempts: unavailable: away"),
        ),
    ],
)
def test_what_becomes_of_a_failed_job(error, attempts, fate):
    assert fate_of(error, attempts) == fate


def test_waits_grow_and_end_at_half_an_hour():
    waits = [wait_seconds(attempts) for attempts in range(40)]

    assert waits == sorted(waits)
    assert waits[-1] == 1800


def test_a_taken_slot_is_no_error():
    answer = {
        "bulkOperationRunQuery": {
            "bulkOperation": None,
            "userErrors": [{"code": "OPERATION_IN_PROGRESS", "message": "already in progress"}],
        }
    }

    assert operations.started(orjson.dumps(answer)) is None


def test_a_refused_bulk_query_says_why():
    errors = [{"code": "INVALID", "message": "must contain a connection"}]
    answer = {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": errors}}

    with pytest.raises(Rejected, match="must contain a connection"):
        operations.started(orjson.dumps(answer))


@pytest.mark.parametrize(
    ("status", "step"),
    [
        ("CREATED", "wait"),
        ("RUNNING", "wait"),
        ("CANCELING", "wait"),
        ("COMPLETED", "read"),
        ("FAILED", "again"),
        ("EXPIRED", "again"),
        ("CANCELED", "again"),
    ],
)
def test_what_to_do_with_an_operation(status, step):
    answer = {"bulkOperation": {"id": "gid://shopify/BulkOperation/1", "status": status}}

    assert operations.next_step(operations.state_of(orjson.dumps(answer))) == step


def test_an_operation_without_access_is_forbidden():
    answer = {"bulkOperation": {"id": "1", "status": "FAILED", "errorCode": "ACCESS_DENIED"}}

    with pytest.raises(Forbidden):
        operations.next_step(operations.state_of(orjson.dumps(answer)))


def test_a_forgotten_operation_is_run_again():
    assert operations.next_step(operations.state_of(b'{"bulkOperation": null}')) == "again"


def a_subscription(topic: str, uri: str = URI) -> Subscription:
    return Subscription(gid=f"gid://{topic}{uri}", topic=topic, uri=uri)


def test_missing_subscriptions_are_made_and_those_at_an_old_address_removed():
    old = a_subscription("ORDERS_UPDATED", "https://old.example/hooks")
    foreign = a_subscription("THEMES_UPDATE")

    changes = subscriptions.compare([old, foreign, *map(a_subscription, TOPICS[:5])], URI)

    assert [one.topic for one in changes.kept] == list(TOPICS[:5])
    assert changes.missing == list(TOPICS[5:])
    assert changes.surplus == [old]


def test_a_shop_with_everything_needs_nothing():
    changes = subscriptions.compare(map(a_subscription, TOPICS), URI)

    assert (changes.missing, changes.surplus) == ([], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T03:04:05.123456789Z", datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)),
        ("2026-01-02T03:04:05", None),
        ("yesterday", None),
        ("0001-01-01T00:00:00+01:00", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("", None),
    ],
)
def test_times_in_headers_are_read_or_left_out(text, expected):
    assert arrivals.moment(text) == expected
