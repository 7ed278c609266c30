"""What an old body may still say, and what replaying it makes of a delivery."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.syncer.domain.arrivals import arrival
from services.syncer.domain.replays import Kept, cautious, pause_after, state_after
from shared.shopify.snapshots import (
    ChildRows,
    Deletion,
    Owner,
    Refetch,
    ShopFacts,
    ShopTouched,
    Snapshot,
)

OWNER = Owner(tenant_id="7", shop_id=1)
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def a_snapshot(**children: object) -> Snapshot:
    return Snapshot(
        owner=OWNER, kind="product", key=(5,), updated_at=NOON, row="", children=children
    )


def a_kept(body: bytes = b"{}") -> Kept:
    return Kept(
        topic="orders/create",
        webhook_id="w",
        event_id=None,
        triggered_at=None,
        received_at=NOON,
        api_version=None,
        state="dead",
        body=body,
    )


def test_what_carries_its_own_time_is_said_again_unchanged():
    facts = [
        a_snapshot(variants=["v"]),
        Deletion(owner=OWNER, kind="order", key=(1,), at=NOON, reason="webhook"),
        Refetch(owner=OWNER, kind="order", key=(1,), reason="refunds/create"),
    ]

    assert list(cautious(facts)) == facts


def test_children_that_change_without_their_parent_are_asked_for_again():
    [found] = cautious([a_snapshot(variants=["v"], product_metafields=["old"])])

    assert dict(found.children) == {"variants": ["v"]}
    assert found.incomplete == "replayed"


def test_rows_and_shops_without_a_time_become_wishes():
    shop = ShopFacts(
        owner=OWNER, shopify_shop_id=1, shop_domain="a", name="A", email=None, plan=None,
        currency="GBP", iana_timezone="UTC", taxes_included=None,
    )  # fmt: skip
    rows = ChildRows(owner=OWNER, table="transactions", parent=(77,), rows=["old"])

    assert list(cautious([shop, rows])) == [
        ShopTouched(owner=OWNER, reason="replayed"),
        Refetch(owner=OWNER, kind="order", key=(77,), reason="replayed"),
    ]


@pytest.mark.parametrize(
    ("known", "outcome", "error", "after"),
    [
        ("dead", "order:1:inserted", None, "applied"),
        ("dead", None, "bad_payload", "dead"),
        ("applied", None, "bad_payload", "applied"),
        ("stale", "order:1:equal", None, "stale"),
        ("duplicate", "order:1:equal", None, "duplicate"),
        ("duplicate", "order:1:inserted", None, "applied"),
        ("ignored", "order:1:wanted", None, "applied"),
    ],
)
def test_no_delivery_becomes_less_than_it_was(known, outcome, error, after):
    facts = [] if error else [a_snapshot()]
    again = arrival(a_kept().delivery(OWNER, ["a.myshopify.com"]), facts, frame=b"", error=error)
    again = replace(again, outcome=outcome)

    assert state_after(known, again) == after


def test_a_body_is_read_under_the_domain_that_it_names():
    domains = ["new.myshopify.com", "old.myshopify.com"]
    old = a_kept(b'{"myshopify_domain": "Old.myshopify.com"}')

    assert old.delivery(OWNER, domains).shop_domain == "old.myshopify.com"
    assert a_kept().delivery(OWNER, domains).shop_domain == "new.myshopify.com"


def test_the_pace_is_kept_whatever_the_work_takes():
    assert pause_after(10, rate=5, seconds=0.5) == 1.5
    assert pause_after(10, rate=5, seconds=9) == 0
