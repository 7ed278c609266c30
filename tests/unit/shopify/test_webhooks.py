"""What each topic's body says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.shopify import mapping
from shared.shopify.bulk import BulkAssembler
from shared.shopify.mapping.values import amount, total
from shared.shopify.snapshots import (
    AppUninstalled,
    ChildRows,
    Deletion,
    Kind,
    Refetch,
    ShopFacts,
    ShopTouched,
    Snapshot,
)
from shared.shopify.webhooks import TOPICS, facts_of
from shared.tables import COLUMNS
from tests import whole_nodes
from tests.unit.shopify.shapes import MOMENT, OWNER, SHOP, a_delivery

AT = datetime(2026, 3, 29, 18, 0, 27, tzinfo=UTC)
TIMES = {"created_at": "2026-03-01T10:00:00-05:00", "updated_at": "2026-03-02T10:00:00-05:00"}


def told(topic: str, **body: Any) -> list[Any]:
    return facts_of(a_delivery(topic, orjson.dumps(body)))


def columns(table: str, row: str) -> dict[str, str]:
    return dict(zip(COLUMNS[table], row.split("\t"), strict=True))


def an_order(**changes: Any) -> dict[str, Any]:
    line = {"id": 11, "title": "Pen", "quantity": 3, "price": "10.00"}
    body = {"id": 1, **TIMES, "currency": "USD", "total_price": "30.00", "line_items": [line]}
    return {**body, **changes}


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("products/delete", "product"),
        ("customers/delete", "customer"),
        ("inventory_items/delete", "inventory_item"),
        ("locations/delete", "location"),
    ],
)
def test_a_deleted_object_is_gone_since_the_trigger(topic, kind):
    assert told(topic, id=5) == [
        Deletion(owner=OWNER, kind=kind, key=(5,), at=AT, reason="webhook")
    ]


def test_a_deletion_without_a_trigger_time_happened_when_it_was_received():
    delivery = a_delivery("products/delete", b'{"id":5}', triggered_at="")

    (fact,) = facts_of(delivery)

    assert fact.at == AT


def test_a_disconnected_level_is_named_by_item_and_location():
    (fact,) = told("inventory_levels/disconnect", inventory_item_id=3, location_id=4)

    assert (fact.kind, fact.key, fact.at) == ("inventory_level", (3, 4), AT)


@pytest.mark.parametrize(
    ("topic", "body", "kind", "keys"),
    [
        ("fulfillments/create", {"id": 9, "order_id": 5}, "order", [5]),
        ("fulfillments/update", {"id": 9, "order_id": 5}, "order", [5]),
        ("customer.tags_added", {"customerId": "gid://shopify/Customer/5"}, "customer", [5]),
        ("customers_marketing_consent/update", {"customer_id": 5}, "customer", [5]),
        ("customers/merge", {}, "customer", []),
    ],
)
def test_a_body_that_shows_only_a_part_asks_for_the_whole(topic, body, kind, keys):
    assert told(topic, **body) == [
        Refetch(owner=OWNER, kind=kind, key=(key,), reason=topic) for key in keys
    ]


def test_a_topic_that_is_not_ours_says_nothing():
    assert told("carts/update", id="x") == []
    assert told("carts/update", shop_domain=SHOP) == []


def test_a_slim_customer_leaves_what_it_cannot_say_null():
    (fact,) = told("customers/update", id=5, **TIMES, email="a@b.c", default_address={"id": 8})

    row = columns("customers", fact.row)
    assert fact.incomplete == "customer_slim"
    assert fact.children == {}
    assert (row["email"], row["default_address_id"]) == ("a@b.c", "8")
    unknown = ("tags", "locale", "orders_count", "total_spent", "email_marketing_state")
    assert {row[name] for name in unknown} == {"\\N"}


def test_a_product_with_more_variants_than_it_shows_keeps_the_stored_ones():
    variant = {"id": 7, "price": "1.00", "option1": "Red", "inventory_item_id": 70, **TIMES}
    product = {"id": 5, "title": "Pen", "options": [{"id": 2, "name": "Ink"}], **TIMES}
    gids = [{"admin_graphql_api_id": f"gid://shopify/ProductVariant/{n}"} for n in (7, 8)]

    (whole,) = told("products/update", **product, variants=[variant], variant_gids=gids[:1])
    (part,) = told("products/update", **product, variants=[variant], variant_gids=gids)

    row = columns("variants", whole.children["variants"][0])
    assert row["options"] == '[{"name":"Ink","value":"Red"}]'
    assert (part.incomplete, part.children) == ("variants", {})


def test_a_level_knows_what_is_available_and_nothing_else():
    (fact,) = told(
        "inventory_levels/update",
        inventory_item_id=3,
        location_id=4,
        available=-2,
        updated_at=MOMENT,
    )

    row = columns("inventory_levels", fact.row)
    assert (fact.key, fact.incomplete) == ((3, 4), "quantities")
    assert (row["available"], row["on_hand"], row["active"]) == ("-2", "\\N", "t")


def test_the_shop_tells_its_currency_and_time_zone():
    shop = {"id": 9, "name": "J", "currency": "USD", "iana_timezone": "Asia/Tokyo"}

    (fact,) = told("shop/update", **shop, myshopify_domain=SHOP, plan_display_name="Basic")

    assert fact == ShopFacts(
        owner=OWNER,
        shopify_shop_id=9,
        shop_domain=SHOP,
        name="J",
        email=None,
        plan="Basic",
        currency="USD",
        iana_timezone="Asia/Tokyo",
        taxes_included=None,
    )


def test_an_uninstalled_app_is_gone_since_the_trigger():
    assert told("app/uninstalled", id=9, myshopify_domain=SHOP) == [
        AppUninstalled(owner=OWNER, at=AT)
    ]


@pytest.mark.parametrize("topic", ["app/uninstalled", "shop/redact", "carts/update"])
@pytest.mark.parametrize("field", ["shop_domain", "myshopify_domain"])
def test_a_body_that_names_another_shop_is_refused(topic, field):
    with pytest.raises(Rejected) as error:
        told(topic, **{field: "other.myshopify.com"})

    assert error.value.code == "shop_mismatch"


def test_a_shop_that_calls_itself_by_another_domain_is_asked():
    """It was renamed, or the unsigned header lies: the body alone cannot tell."""
    assert told("shop/update", id=9, myshopify_domain="other.myshopify.com") == [
        ShopTouched(owner=OWNER, reason="renamed")
    ]
    assert told("app/scopes_update") == [ShopTouched(owner=OWNER, reason="app/scopes_update")]


def test_an_old_order_falls_back_to_its_plain_amounts():
    (fact,) = told("orders/updated", **an_order(total_tax="2.50", shipping_lines=[{"price": 5.5}]))

    row = columns("orders", fact.row)
    assert (row["total_price"], row["current_total_price"], row["subtotal_price"]) == ("30",) * 3
    assert (row["current_total_tax"], row["presentment_total_tax"]) == ("2.5", "2.5")
    assert (row["total_shipping"], row["total_outstanding"]) == ("5.5", "30")
    assert (row["name"], row["fulfillment_status"]) == ("#1", "unfulfilled")
    assert row["processed_at"] == TIMES["created_at"]


def test_a_refunded_unit_is_no_longer_current():
    back = {"id": 4, "line_item_id": 11, "quantity": 2, "subtotal": 20.0}
    refund = {"id": 3, "processed_at": MOMENT, "refund_line_items": [back]}

    (fact,) = told("orders/updated", **an_order(refunds=[refund]))

    line = columns("order_lines", fact.children["order_lines"][0])
    refunded = columns("refund_lines", fact.children["refund_lines"][0])
    assert (line["quantity"], line["current_quantity"], line["position"]) == ("3", "1", "1")
    assert (refunded["subtotal"], refunded["restock_type"]) == ("20", "no_restock")


def test_refunded_shipping_told_as_an_adjustment_is_shipping():
    shipped = {"id": 8, "kind": "shipping_refund", "amount": "-5.00", "tax_amount": "-0.50"}
    refund = {"id": 3, "processed_at": MOMENT, "order_adjustments": [shipped]}

    (fact,) = told("orders/updated", **an_order(refunds=[refund]))

    row = columns("refunds", fact.children["refunds"][0])
    assert row["adjustments"] == "[]"
    assert orjson.loads(row["shipping"]) == [
        {"id": 8, "shipping_line_id": None, "amount": "5", "tax": "0.5"}
    ]


def test_a_refund_paid_in_another_currency_asks_for_the_order():
    paid = {"id": 6, "kind": "refund", "status": "success", "amount": "9", "currency": "EUR"}
    back = {"id": 4, "line_item_id": 11, "quantity": 1, "subtotal": "10.00", "total_tax": "0.40"}
    refund = {"id": 3, "processed_at": MOMENT, "refund_line_items": [back]}
    refund["transactions"] = [{**paid, "created_at": MOMENT}]

    (fact,) = told("orders/updated", **an_order(refunds=[refund]))

    row = columns("refunds", fact.children["refunds"][0])
    assert (fact.incomplete, row["total_refunded"]) == ("refund_currency", "10.4")


def test_a_transaction_adds_to_its_order():
    body = {"id": 6, "order_id": 1, "kind": "sale", "status": "success", "created_at": MOMENT}

    (fact,) = told("order_transactions/create", **body, amount="9.00", currency="USD")
    (doubt,) = told("order_transactions/create", **body, amount="9.00")

    assert isinstance(fact, ChildRows)
    row = columns("transactions", fact.rows[0])
    assert (fact.parent, row["amount"], row["kind"]) == ((1,), "9", "sale")
    assert doubt == Refetch(owner=OWNER, kind="order", key=(1,), reason="transaction_currency")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"total_price": "1,50"}, "$.total_price"),
        ({"total_price": "1e5"}, "$.total_price"),
        ({"total_price": "9" * 15}, "$.total_price"),
        ({"total_price": None}, "$..total_price"),
        ({"updated_at": "2026-13-01T00:00:00Z"}, "$.updated_at"),
        ({"updated_at": "2026-01-01T00:00:00"}, "$.updated_at"),
        ({"closed_at": "yesterday"}, "$.closed_at"),
        ({"currency": "DOLLAR"}, "$.currency"),
        ({"id": 2**63}, "$.id"),
        ({"id": "1"}, "$.id"),
        ({"line_items": [{"id": 1, "quantity": 2**31, "price": "1"}]}, "$.line_items[0].quantity"),
    ],
)
def test_a_field_of_the_wrong_form_is_named(changes, path):
    with pytest.raises(Rejected) as error:
        told("orders/updated", **an_order(**changes))

    assert (error.value.code, error.value.details) == ("bad_payload", {"path": path})


def test_unknown_words_pass_through_in_lower_case():
    (fact,) = told(
        "orders/updated",
        **an_order(financial_status="HALF_PAID", fulfillment_status="BEAMED_UP"),
    )

    row = columns("orders", fact.row)
    assert (row["financial_status"], row["fulfillment_status"]) == ("half_paid", "beamed_up")


@pytest.mark.parametrize(
    ("written", "canonical"),
    [("13.50", "13.5"), ("13", "13"), ("100", "100"), ("-0.00", "0"), ("0.1000", "0.1")],
)
def test_an_amount_has_one_text(written, canonical):
    assert amount(written) == canonical


@given(st.lists(st.integers(-(10**9), 10**9), max_size=6))
def test_sums_are_exact(cents):
    written = [f"{'-' if one < 0 else ''}{abs(one) // 100}.{abs(one) % 100:02d}" for one in cents]
    whole = sum(cents)
    expected = f"{'-' if whole < 0 else ''}{abs(whole) // 100}.{abs(whole) % 100:02d}"

    assert total(written) == amount(expected)


READERS = (
    whole_nodes.order_facts,
    whole_nodes.product_facts,
    whole_nodes.customer_facts,
    whole_nodes.inventory_item_facts,
    mapping.level_facts,
    mapping.location_facts,
)
KINDS: tuple[Kind, ...] = ("order", "product", "customer", "inventory_item")
EXPECTED = {"mapped", "bad_payload", "shop_mismatch", "bulk_orphans"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


def outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except Rejected as error:
        return error.code
    return "mapped"


def outcomes(raw: bytes) -> set[str]:
    calls: list[Callable[[], object]] = [
        *(partial(facts_of, a_delivery(topic, raw)) for topic in TOPICS),
        *(partial(read, raw, OWNER, "poll") for read in READERS),
        *(partial(assembled, kind, raw) for kind in KINDS),
    ]
    return {outcome(call) for call in calls}


def assembled(kind: Kind, raw: bytes) -> list[Snapshot]:
    assembler = BulkAssembler(kind, OWNER)
    assembler.feed(raw)
    return list(assembler.finish())


@settings(max_examples=40, deadline=None)
@given(raw=st.binary(max_size=40))
@example(raw=b"[" * 100_000)
@example(raw=b'{"id":1,"x":' + b"[" * 100_000)
@example(raw=b'{"id":1,"note":"\\ud800"}')
@example(raw=b'{"shop_domain":"\xff"}')
def test_any_bytes_are_mapped_or_rejected(raw):
    assert outcomes(raw) <= EXPECTED


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(sorted(an_order())), value=json_values)
def test_any_value_in_any_field_is_mapped_or_rejected(name, value):
    assert outcomes(json.dumps(an_order(**{name: value})).encode()) <= EXPECTED
