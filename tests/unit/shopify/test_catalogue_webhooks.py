"""Webhooks about collections, discounts, disputes and merges, and metafields in other bodies."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from shared.errors import Rejected
from shared.shopify.snapshots import CustomerMerged, Deletion, Fact, Refetch
from shared.shopify.webhooks import facts_of
from shared.tables import COLUMNS
from tests.unit.shopify.shapes import OWNER, a_delivery

DISCOUNT = {"admin_graphql_api_id": "gid://shopify/DiscountCodeNode/8", "title": "TEN"}
DISPUTE = {
    "id": 5,
    "order_id": 6,
    "type": "chargeback",
    "amount": "11.50",
    "currency": "USD",
    "reason": "fraudulent",
    "network_reason_code": "4837",
    "status": "under_review",
    "evidence_due_by": "2026-04-29T20:00:00-04:00",
    "evidence_sent_on": None,
    "finalized_on": None,
    "initiated_at": "2026-03-28T20:00:00-04:00",
}
MERGE = {
    "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/5",
    "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/6",
}


def told(topic: str, body: object) -> list[Fact]:
    return facts_of(a_delivery(topic, orjson.dumps(body)))


def named(table: str, row: str) -> dict[str, str]:
    return dict(zip(COLUMNS[table], row.split("\t"), strict=True))


@pytest.mark.parametrize(
    ("topic", "kind", "body", "key"),
    [
        ("collections/create", "collection", {"id": 4, "title": "x"}, 4),
        ("collections/update", "collection", {"id": 4, "title": "x"}, 4),
        ("discounts/create", "discount", DISCOUNT, 8),
        ("discounts/update", "discount", DISCOUNT, 8),
        ("discounts/redeemcode_added", "discount", DISCOUNT, 8),
        ("discounts/redeemcode_removed", "discount", DISCOUNT, 8),
    ],
)
def test_a_body_without_members_or_codes_asks_for_the_whole(topic, kind, body, key):
    assert told(topic, body) == [Refetch(owner=OWNER, kind=kind, key=(key,), reason=topic)]


@pytest.mark.parametrize(
    ("topic", "kind", "body", "key"),
    [
        ("collections/delete", "collection", {"id": 4}, 4),
        ("discounts/delete", "discount", {"admin_graphql_api_id": "gid://shopify/X/8"}, 8),
    ],
)
def test_a_deletion_names_what_is_gone(topic, kind, body, key):
    (fact,) = told(topic, body)

    assert isinstance(fact, Deletion)
    assert (fact.kind, fact.key, fact.reason) == (kind, (key,), "webhook")


def test_a_dispute_body_is_a_whole_row_as_of_its_delivery():
    (fact,) = told("disputes/update", DISPUTE)

    row = named("disputes", fact.row)
    assert (row["order_id"], row["type"], row["amount"], row["currency"]) == (
        "6", "chargeback", "11.5", "USD",
    )  # fmt: skip
    assert (row["reason"], row["network_reason_code"]) == ("fraudulent", "4837")
    assert row["finalized_on"] == "\\N"
    assert datetime.fromisoformat(row["updated_at"]) == fact.updated_at
    assert fact.updated_at < datetime.now(UTC)


def test_a_dispute_without_an_amount_is_refused():
    with pytest.raises(Rejected, match="amount"):
        told("disputes/create", DISPUTE | {"amount": None})


def test_a_merge_buries_one_customer_and_asks_for_the_other():
    merged, gone, kept = told("customers/merge", MERGE | {"status": "completed", "errors": []})

    assert isinstance(merged, CustomerMerged)
    assert (merged.gone, merged.kept) == (6, 5)
    assert (gone.kind, gone.key, gone.reason, gone.at) == ("customer", (6,), "merged", merged.at)
    assert kept == Refetch(owner=OWNER, kind="customer", key=(5,), reason="customers/merge")


@pytest.mark.parametrize("status", ["failed", "in_progress", "requested"])
def test_a_merge_that_did_not_happen_says_nothing(status):
    assert told("customers/merge", MERGE | {"status": status}) == []


METAFIELD = {
    "id": 70,
    "namespace": "custom",
    "key": "care",
    "type": "number_integer",
    "value": 30,
    "created_at": "2026-03-01T00:00:00Z",
    "updated_at": "2026-03-02T00:00:00Z",
}
PRODUCT = {
    "id": 1,
    "title": "Tea",
    "created_at": "2026-03-01T00:00:00Z",
    "updated_at": "2026-03-02T00:00:00Z",
    "variants": [
        {
            "id": number,
            "price": "1.00",
            "created_at": "2026-03-01T00:00:00Z",
            "updated_at": "2026-03-02T00:00:00Z",
        }
        for number in (11, 12)
    ],
}


def test_metafields_of_a_body_replace_the_stored_set():
    (fact,) = told("products/update", PRODUCT | {"metafields": [METAFIELD]})

    (row,) = fact.children["product_metafields"]
    assert named("product_metafields", row)["value"] == "30"
    assert "variant_metafields" not in fact.children


def test_a_body_without_metafields_says_nothing_about_them():
    (fact,) = told("products/update", PRODUCT)

    assert set(fact.children) == {"variants"}


def test_metafields_of_variants_count_only_when_every_variant_tells_them():
    one, other = PRODUCT["variants"]
    whole = [one | {"metafields": [METAFIELD]}, other | {"metafields": []}]
    half = [one | {"metafields": [METAFIELD]}, other]

    (fact,) = told("products/update", PRODUCT | {"metafields": [], "variants": whole})
    assert len(fact.children["variant_metafields"]) == 1
    (fact,) = told("products/update", PRODUCT | {"metafields": [], "variants": half})
    assert "variant_metafields" not in fact.children
