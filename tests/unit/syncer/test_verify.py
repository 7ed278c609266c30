"""What counts as a difference, and what Shopify changes without a word."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.syncer.domain.verify import Side, judged, night_began

SETTLED = datetime(2026, 1, 10, tzinfo=UTC)
BEFORE, LATER = "2026-01-09T00:00:00+00:00", "2026-01-11T00:00:00+00:00"


def an_order(at: str = BEFORE, **children: dict[str, object]) -> Side:
    """An order and at most one row of each table of children."""
    rows = {(table, (7,)): content for table, content in children.items()}
    return Side(rows={("orders", ()): {"updated_at": at, "note": "same"}, **rows})


def verdict(ours: Side, theirs: Side) -> str | None:
    found = judged(1, ours, theirs, settled_until=SETTLED)
    return found.what if found else None


def test_the_same_is_no_difference():
    assert verdict(an_order(), an_order()) is None


def test_what_neither_side_has_is_no_difference():
    assert verdict(Side(), Side()) is None


def test_what_changed_after_the_last_poll_is_pending():
    assert verdict(an_order(BEFORE), an_order(LATER)) == "pending"
    assert verdict(Side(), an_order(LATER)) == "pending"
    assert verdict(Side(), an_order(BEFORE)) == "missing_here"


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("order_lines", "product_id"),
        ("draft_order_lines", "variant_id"),
        ("fulfillment_order_lines", "inventory_item_id"),
    ],
)
def test_a_line_forgets_a_deleted_product_without_a_word(table, column):
    with_it, without = an_order(**{table: {column: 5}}), an_order(**{table: {column: None}})

    assert verdict(with_it, without) == "pending"
    # That we lack what Shopify has is no such thing.
    assert verdict(without, with_it) == "differs"


def test_a_removed_metafield_is_pending_and_one_that_we_lack_is_not():
    with_it, without = an_order(order_metafields={"value": "x", "updated_at": BEFORE}), an_order()

    assert verdict(with_it, without) == "pending"
    assert verdict(without, with_it) == "differs"


def test_a_payout_is_paid_without_a_word():
    ours, theirs = (
        Side(rows={("payouts", ()): {"status": status, "net": "5.0000"}})
        for status in ("in_transit", "paid")
    )

    assert verdict(ours, theirs) == "pending"


def test_an_untold_change_hides_no_other():
    ours = Side(rows={("payouts", ()): {"status": "in_transit", "net": "5.0000"}})
    theirs = Side(rows={("payouts", ()): {"status": "paid", "net": "6.0000"}})

    assert verdict(ours, theirs) == "differs"


def test_a_usage_of_a_discount_code_is_counted_without_a_word():
    ours, theirs = (
        Side(rows={("discounts", ()): {}, ("discount_codes", (3,)): {"usage_count": count}})
        for count in (1, 2)
    )

    assert verdict(ours, theirs) == "pending"


@pytest.mark.parametrize(
    ("zone", "at", "began"),
    [
        ("Europe/London", datetime(2026, 7, 1, 1, 59, tzinfo=UTC), (2026, 6, 30, 2)),
        ("Europe/London", datetime(2026, 7, 1, 2, 0, tzinfo=UTC), (2026, 7, 1, 2)),
        ("Asia/Kolkata", datetime(2026, 7, 1, 21, 30, tzinfo=UTC), (2026, 7, 1, 21, 30)),
        ("Mars/Olympus", datetime(2026, 7, 1, 4, tzinfo=UTC), (2026, 7, 1, 3)),
    ],
)
def test_a_night_begins_by_the_shops_clock(zone, at, began):
    assert night_began(zone, at, hour=3) == datetime(*began, tzinfo=UTC)
