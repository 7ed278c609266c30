"""Deliveries about ledgers, returns, fulfilment orders, drafts and checkouts."""

from __future__ import annotations

import orjson
import pytest

from shared.errors import Rejected
from shared.shopify.snapshots import Deletion
from shared.shopify.webhooks import FULFILLMENT_ORDERS, RETURNS, facts_of
from tests.unit.shopify.shapes import a_delivery

ORDER_GID, FULFILLMENT_GID = "gid://shopify/Order/5", "gid://shopify/FulfillmentOrder/{}"
OLD, YOUNG = "2026-03-29T10:00:00-05:00", "2026-03-29T10:55:00-05:00"
NOW = "2026-03-29T11:00:00-05:00"


def wishes(topic: str, body: object) -> list[tuple[str, int]]:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return [(fact.kind, *fact.key) for fact in facts_of(a_delivery(topic, raw))]


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("refunds/create", {"id": 9, "order_id": 5}),
        ("orders/edited", {"order_edit": {"id": 9, "order_id": 5}}),
    ],
)
def test_what_changes_an_order_changes_its_ledger(topic, body):
    assert wishes(topic, body) == [("order", 5), ("order_details", 5)]


def test_a_deleted_order_takes_its_ledger_along():
    facts = facts_of(a_delivery("orders/delete", b'{"id":5}'))

    assert [(type(fact), fact.kind, fact.key) for fact in facts] == [
        (Deletion, "order", (5,)),
        (Deletion, "order_details", (5,)),
    ]


@pytest.mark.parametrize(
    "body", [{"order_id": 5}, {"order_id": None, "admin_graphql_api_order_id": ORDER_GID}]
)
def test_a_new_assessment_is_read_with_its_order(body):
    assert wishes("orders/risk_assessment_changed", body) == [("order_details", 5)]


@pytest.mark.parametrize("name", RETURNS.split())
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"id": 1, "order": {"id": 5, "admin_graphql_api_id": ORDER_GID}}, [("order_details", 5)]),
        ({"id": 1, "order": {"admin_graphql_api_id": ORDER_GID}}, [("order_details", 5)]),
        ({"id": 1, "order_id": 5}, [("order_details", 5)]),
        ({"id": 1}, []),
    ],
)
def test_a_return_is_read_with_its_order(name, body, expected):
    assert wishes(f"returns/{name}", body) == expected


@pytest.mark.parametrize("name", FULFILLMENT_ORDERS.split())
def test_a_fulfilment_order_is_read_by_its_id(name):
    body = {"fulfillment_order": {"id": FULFILLMENT_GID.format(7), "status": "open"}}

    assert wishes(f"fulfillment_orders/{name}", body) == [("fulfillment_order", 7)]


def test_a_move_names_both_ends():
    body = {
        "original_fulfillment_order": {"id": FULFILLMENT_GID.format(8)},
        "moved_fulfillment_order": {"id": FULFILLMENT_GID.format(7)},
    }
    escaped = orjson.dumps(body).replace(b"/", b"\\/")

    expected = [("fulfillment_order", 7), ("fulfillment_order", 8)]
    assert wishes("fulfillment_orders/moved", body) == expected
    assert wishes("fulfillment_orders/moved", escaped) == expected


@pytest.mark.parametrize("body", [b"{}", b"[", b'{"fulfillment_order": {"id": "x"}}'])
def test_a_body_that_names_no_fulfilment_order_is_refused(body):
    with pytest.raises(Rejected) as refused:
        wishes("fulfillment_orders/moved", body)

    assert refused.value.code == "bad_payload"


def test_a_draft_order_is_read_again_and_its_deletion_believed():
    assert wishes("draft_orders/create", {"id": 3}) == [("draft_order", 3)]
    assert wishes("draft_orders/update", {"id": 3}) == [("draft_order", 3)]
    (gone,) = facts_of(a_delivery("draft_orders/delete", b'{"id":3}'))
    assert (type(gone), gone.kind, gone.key) == (Deletion, "draft_order", (3,))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"id": 3, "created_at": OLD, "updated_at": NOW}, [("abandoned_checkout", 3)]),
        ({"id": 3, "created_at": YOUNG, "updated_at": NOW}, []),
        ({"token": "abc", "created_at": OLD, "updated_at": NOW}, []),
    ],
)
def test_only_a_checkout_that_may_be_abandoned_is_asked_for(body, expected):
    assert wishes("checkouts/update", body) == expected


def test_a_deleted_checkout_says_nothing():
    assert wishes("checkouts/delete", {"id": 3, "presentment_currency": "USD"}) == []
