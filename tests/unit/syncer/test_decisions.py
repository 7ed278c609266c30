"""What the syncer decides without looking: windows, polls, fates, subscriptions, arrivals."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import asyncpg
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.syncer.domain import arrivals, operations, polls, subscriptions, windows
from services.syncer.domain.capabilities import Capability
from services.syncer.domain.jobs import (
    MAX_ATTEMPTS,
    Fail,
    Refused,
    Skip,
    Wait,
    fate_of,
    wait_seconds,
)
from services.syncer.domain.subscriptions import Subscription
from services.syncer.domain.windows import Window
from shared.errors import Forbidden, NotFound, Rejected, Throttled, Unauthorized, Unavailable
from shared.postgres import said
from shared.shopify.topics import TOPICS

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


def span(start: int, end: int, above: int | None = None) -> polls.Span:
    return polls.Span(start=second(start), end=second(end), above=above)


def reached(*pages: list[tuple[int, int]], until: int = 100) -> polls.Reached:
    """Return how far a sorted search got with pages of (second, id)."""
    found = polls.Reached()
    for page in pages:
        marks = [(second(at), number) for at, number in page]
        found = polls.further(found, marks, second(until))
    return found


def test_a_sorted_search_goes_on_behind_the_last_object():
    found = reached([(1, 7), (40, 3)], [(40, 5), (99_999, 1)])

    assert polls.rest(span(0, 100), found) == [span(40, 40, above=5), span(41, 100)]


def test_a_crowded_second_is_read_on_by_its_ids():
    assert polls.rest(span(0, 100), reached([(0, 7), (0, 8)])) == [
        span(0, 0, above=8),
        span(1, 100),
    ]
    assert polls.rest(span(5, 5, above=8), reached([(5, 9)])) == [span(5, 5, above=9)]


def test_ids_out_of_order_tell_no_place():
    across_pages = reached([(40, 9)], [(40, 5), (50, 6)], [(50, 7)])

    assert (across_pages.object_id, across_pages.by_id) == (None, False)
    assert polls.rest(span(0, 100), across_pages) == [span(50, 100)]
    assert polls.rest(span(50, 100), across_pages) == polls.rest(span(0, 9), polls.Reached()) == []


@given(st.lists(st.integers(1, 99)), st.integers(0, 10**9), st.booleans())
def test_an_unsorted_search_goes_on_by_id_or_by_halves(ids, seconds, from_the_beginning):
    whole = polls.Span(start=None if from_the_beginning else START, end=second(seconds))
    found = polls.further_by_id(polls.Reached(), [(START, number) for number in ids])

    parts = polls.rest_by_id(whole, found)

    if ids and ids == sorted(ids):
        assert parts == [polls.Span(start=whole.start, end=whole.end, above=ids[-1])]
    elif parts:
        older, newer = parts
        assert (older.start, newer.end) == (whole.start, whole.end)
        assert newer.start == older.end + timedelta(seconds=1)
    else:
        assert (seconds, from_the_beginning) == (0, False)


def test_an_id_field_that_shopify_ignores_is_noticed():
    """The search then begins anew, below the id that it was to go on behind."""
    found = polls.further_by_id(polls.Reached(object_id=50), [(START, 1), (START, 60)])

    assert not found.by_id


def test_searches_name_the_ids_that_remain():
    assert polls.search(span(0, 0, above=8)) == (
        "updated_at:>='2026-01-01T00:00:00Z' updated_at:<='2026-01-01T00:00:00Z' id:>8"
    )


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
            Skip(
                error="no",
                refusal=Capability(
                    resource="orders",
                    state="missing_scope",
                    reason="no",
                    missing_scopes=("read_orders",),
                ),
            ),
        ),
        (
            Forbidden("not approved to access", code="protected_customer_data"),
            0,
            Skip(
                error="not approved to access",
                refusal=Capability(
                    resource="orders", state="protected", reason="not approved to access"
                ),
            ),
        ),
        (Refused("the app lacks read_orders"), 0, Skip(error="the app lacks read_orders")),
        (Forbidden("no", code="access_denied"), 0, Fail(error="access_denied: no")),
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
    assert fate_of(error, attempts, kind="orders", said=said(error)) == fate


def test_a_job_does_not_keep_the_row_that_postgres_refused():
    fields = {"C": "23502", "M": "null value", "D": "Failing row contains (Ada).", "n": "no_null"}
    error = asyncpg.PostgresError.new(fields)

    fate = fate_of(error, 0, kind="orders", said=said(error))

    assert fate == Wait(seconds=2, error="NotNullViolationError 23502 no_null")


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
        ("FAILED", "cut"),
        ("EXPIRED", "again"),
        ("CANCELED", "again"),
    ],
)
def test_what_to_do_with_an_operation(status, step):
    answer = {"bulkOperation": {"id": "gid://shopify/BulkOperation/1", "status": status}}

    assert operations.next_step(operations.state_of(orjson.dumps(answer))) == step


def test_an_operation_without_access_may_only_need_another_token():
    answer = {"bulkOperation": {"id": "1", "status": "FAILED", "errorCode": "ACCESS_DENIED"}}

    assert operations.next_step(operations.state_of(orjson.dumps(answer))) == "denied"


def test_shopify_is_asked_for_an_operation_ever_more_rarely():
    pauses = [operations.pause_seconds(asked) for asked in range(20)]

    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.2, 30.0)


@given(st.integers(0, 10_000_000))
def test_a_transaction_holds_little_of_what_is_written_already(written):
    part = operations.part_size(written)

    assert 25 <= part <= operations.MOST_PER_TRANSACTION
    assert part == 25 or part <= written / 25


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


def test_only_topics_that_are_allowed_and_chosen_are_wanted():
    always = ["APP_UNINSTALLED", "APP_SCOPES_UPDATE", "BULK_OPERATIONS_FINISH", "SHOP_UPDATE"]

    chosen = ["orders/create", "orders/update", "products/create"]

    assert subscriptions.wanted({"read_orders"}, chosen) == [
        *always,
        "ORDERS_CREATE",
        "ORDERS_UPDATED",
    ]
    assert subscriptions.wanted((), None) == always
    every = {"read_customers", "read_customer_merge"}
    assert {"CUSTOMER_TAGS_ADDED", "CUSTOMERS_MERGE"} <= set(subscriptions.wanted(every, None))


def test_a_subscription_that_nobody_wants_any_more_is_surplus():
    held = [a_subscription("ORDERS_CREATE"), a_subscription("PRODUCTS_CREATE")]

    changes = subscriptions.compare(held, URI, ["ORDERS_CREATE"])

    assert (changes.kept, changes.missing, changes.surplus) == (held[:1], [], held[1:])


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
