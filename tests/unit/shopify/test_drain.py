"""Nested connections read to their end."""

from __future__ import annotations

import copy

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import NotFound, Rejected
from shared.shopify import drain
from shared.shopify.documents import document
from tests.unit.shopify import graphql
from tests.unit.shopify.shapes import OWNER, lines, orders, refunds
from tests.whole_nodes import order_facts

ROOTS = {
    "order_children": ("order", ("lineItems", "shippingLines", "discountApplications")),
    "refund_children": ("refund", ("refundLineItems", "orderAdjustments", "refundShippingLines")),
}
CURSORS = {
    "lineItems": "lines",
    "shippingLines": "shipping",
    "discountApplications": "discounts",
    "refundLineItems": "lines",
    "orderAdjustments": "adjustments",
    "refundShippingLines": "shipping",
}


class Shop:
    """Answers from one whole order, *size* nodes a page; cursors are positions."""

    def __init__(self, order: dict, size: int) -> None:
        self.size = size
        self.objects = {one["id"]: one for one in (order, *order["refunds"])}

    def page(self, connection: dict, after: str | None) -> dict:
        start = int(after or 0)
        end = start + self.size
        edges = connection["edges"]
        info = {"hasNextPage": end < len(edges), "endCursor": str(end)}
        return {"edges": edges[start:end], "pageInfo": info}

    def first(self) -> bytes:
        order = copy.deepcopy(next(iter(self.objects.values())))
        for one in (order, *order["refunds"]):
            names = [name for name in CURSORS if name in one]
            one.update({name: self.page(one[name], None) for name in names})
        return orjson.dumps(order)

    def answer(self, request: drain.PageRequest) -> bytes:
        assert all(f"${name}:" in document(request.document) for name in request.variables)
        root, names = ROOTS[request.document]
        held = self.objects[request.variables["id"]]
        pages = {name: self.page(held[name], request.variables[CURSORS[name]]) for name in names}
        return orjson.dumps({root: pages})


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    order=orders,
    more=st.lists(lines, max_size=4),
    refund=st.lists(refunds, max_size=2),
    size=st.integers(1, 3),
)
def test_a_drained_order_equals_the_order_in_one_piece(order, more, refund, size):
    order = {**order, "lines": [*order["lines"], *more], "refunds": refund}
    whole = graphql.order(order)
    shop = Shop(whole, size)

    node = drain.opened("order", shop.first())
    while request := drain.next_page(node):
        drain.absorb(node, request, shop.answer(request))
    (drained,) = drain.facts(node, OWNER, source="poll")

    (expected,) = order_facts(orjson.dumps(whole), OWNER, "poll")
    assert drained.row.split("\t")[:-2] == expected.row.split("\t")[:-2]
    assert drained.children == expected.children


def a_customer(**page_info: object) -> bytes:
    return orjson.dumps(
        {
            "id": "gid://shopify/Customer/1",
            "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-01-01T00:00:00Z",
            "addressesV2": {"edges": [], "pageInfo": page_info},
        }
    )


def test_a_node_that_was_not_drained_is_refused():
    node = drain.opened("customer", a_customer(hasNextPage=True, endCursor="x"))

    with pytest.raises(Rejected) as error:
        drain.facts(node, OWNER, source="poll")

    assert error.value.code == "not_drained"


def test_an_object_that_has_gone_meanwhile_is_not_found():
    node = drain.opened("customer", a_customer(hasNextPage=True, endCursor="x"))
    request = drain.next_page(node)

    assert request == drain.PageRequest(
        "customer_children", {"id": "gid://shopify/Customer/1", "addresses": "x"}
    )
    with pytest.raises(NotFound):
        drain.absorb(node, request, b'{"customer": null}')
