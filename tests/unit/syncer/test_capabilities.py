"""What can be read of a shop, by what was found out about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.syncer.domain.capabilities import Capability, Findings, covering, judged
from shared.shopify.resources import RESOURCES

AT = datetime(2026, 11, 1, tzinfo=UTC)
EVERYTHING = {scope for one in RESOURCES.values() for scope in (*one.scopes, *one.optional)} | {
    "read_all_orders"
}


def states(granted, **found) -> dict[str, Capability]:
    return {one.resource: one for one in judged(Findings(granted=granted, at=AT, **found))}


def test_with_every_scope_everything_can_be_read():
    found = states(EVERYTHING, payments=True)

    assert found.keys() == RESOURCES.keys()
    assert {one.state for one in found.values()} == {"available"}
    assert {one.complete_since for one in found.values()} == {None}


def test_a_missing_scope_degrades_only_its_resource_and_is_named():
    found = states(EVERYTHING - {"read_gift_cards"})

    degraded = [one for one in found.values() if one.state != "available"]
    assert [(one.resource, one.missing_scopes) for one in degraded] == [
        ("gift_cards", ("read_gift_cards",))
    ]
    assert degraded[0].reason == "the app lacks read_gift_cards"


def test_who_may_write_may_read():
    assert covering(["write_products"]) == {"write_products", "read_products"}


def test_without_read_all_orders_orders_are_complete_for_sixty_days():
    found = states(EVERYTHING - {"read_all_orders"})

    assert (found["orders"].state, found["orders"].complete_since) == (
        "available",
        AT - timedelta(days=60),
    )
    assert "60 days" in found["orders"].reason
    assert found["products"].complete_since is None


def test_a_shop_without_shopify_payments_has_no_payouts():
    found = states(EVERYTHING, payments=False)

    assert {name for name, one in found.items() if one.state == "not_on_plan"} == {
        "payouts",
        "balance_transactions",
    }


def test_protected_customer_data_is_told_where_customers_stand():
    found = states(EVERYTHING, protected="This app is not approved to access the Customer object.")

    protected = {name for name, one in found.items() if one.state == "protected"}
    assert protected == {"customers", "orders", "draft_orders", "abandoned_checkouts"}


def test_without_an_optional_scope_the_rest_of_a_resource_is_read_and_the_gap_named():
    found = states(EVERYTHING - {"read_returns"})["order_details"]

    assert (found.state, found.missing_scopes) == ("available", ("read_returns",))
    assert "without read_returns" in found.reason
