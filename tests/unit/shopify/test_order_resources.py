"""Nodes of ledgers, fulfilment orders, drafts and checkouts as rows: what Shopify leaves out."""

from __future__ import annotations

import copy

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import NotFound, Rejected
from shared.shopify import drain
from shared.shopify.bulk import BulkAssembler
from shared.tables import COLUMNS
from tests.unit.shopify.shapes import OWNER

KINDS = ("order_details", "fulfillment_order", "draft_order", "abandoned_checkout")
BAG = {"shopMoney": {"amount": "-43.00"}, "presentmentMoney": {"amount": "-40.0"}}
SALE = {
    "id": "gid://shopify/Sale/31",
    "actionType": "RETURN",
    "lineType": "SOMETHING_NEW",
    "quantity": -100,
    "totalAmount": BAG,
    "totalDiscountAmountBeforeTaxes": BAG,
    "totalDiscountAmountAfterTaxes": BAG,
    "totalTaxAmount": BAG,
}
AGREEMENT = {
    "id": "gid://shopify/SalesAgreement/21",
    "happenedAt": "2026-03-29T18:00:27Z",
    "reason": "REFUND",
    "app": None,
}
RETURN = {
    "id": "gid://shopify/Return/41",
    "name": "#1-R1",
    "status": "DECLINED",
    "totalQuantity": 1,
    "createdAt": "2026-03-29T18:00:27Z",
    "decline": {"reason": "FINAL_SALE"},
}
UNVERIFIED = {
    "id": "gid://shopify/UnverifiedReturnLineItem/51",
    "quantity": 1,
    "processedQuantity": 0,
    "refundableQuantity": 1,
    "refundedQuantity": 0,
    "returnReasonNote": "",
    "customerNote": "no box",
    "returnReasonDefinition": None,
}
DETAILS = {
    "id": "gid://shopify/Order/5",
    "updatedAt": "2026-03-29T18:00:27Z",
    "edited": False,
    "returnStatus": "NO_RETURN",
    "app": None,
    "attribution": None,
    "risk": {"recommendation": "NONE", "assessments": [{"riskLevel": "PENDING", "facts": []}]},
    "totalRefundedSet": BAG,
    "totalReceivedSet": BAG,
    "netPaymentSet": BAG,
    "currentTotalDutiesSet": None,
    "currentTotalAdditionalFeesSet": None,
}


def page(*nodes: object, more: bool = False) -> dict:
    edges = [{"node": node, "cursor": f"c{place}"} for place, node in enumerate(nodes)]
    return {"edges": edges, "pageInfo": {"hasNextPage": more, "endCursor": "end"}}


def a_node(*, more: bool = False) -> dict:
    made = {
        **DETAILS,
        "agreements": page({**AGREEMENT, "sales": page(SALE, more=more)}),
        "returns": page({**RETURN, "returnLineItems": page(UNVERIFIED)}),
    }
    return copy.deepcopy(made)


def rows(snapshot, table: str) -> list[dict[str, str]]:
    return [
        dict(zip(COLUMNS[table], row.split("\t"), strict=True)) for row in snapshot.children[table]
    ]


def test_a_ledger_that_leaves_out_whatever_it_may():
    (fact,) = drain.facts(
        drain.opened("order_details", orjson.dumps(a_node())), OWNER, source="poll"
    )

    (sale,) = rows(fact, "sales")
    assert (sale["line_type"], sale["line_id"], sale["quantity"]) == (
        "something_new",
        "\\N",
        "-100",
    )
    assert (sale["total"], sale["presentment_total"]) == ("-43", "-40")
    (line,) = rows(fact, "return_lines")
    assert (line["line_id"], line["total"], line["reason"]) == ("\\N", "\\N", "\\N")
    assert (line["reason_note"], line["customer_note"]) == ("\\N", "no box")
    (made,) = rows(fact, "returns")
    assert (made["status"], made["decline_reason"]) == ("declined", "final_sale")
    (risk,) = rows(fact, "order_risks")
    assert (risk["position"], risk["provider_id"], risk["facts"]) == ("1", "\\N", "[]")


def test_a_bulk_file_joins_what_hangs_two_levels_down():
    lines = [
        DETAILS,
        {"__typename": "RefundAgreement", **AGREEMENT, "__parentId": DETAILS["id"]},
        {"__typename": "UnknownSale", **SALE, "__parentId": AGREEMENT["id"]},
        {"__typename": "Return", **RETURN, "__parentId": DETAILS["id"]},
        {"__typename": "UnverifiedReturnLineItem", **UNVERIFIED, "__parentId": RETURN["id"]},
    ]
    assembler = BulkAssembler("order_details", OWNER)
    assembler.feed(b"\n".join(orjson.dumps(line).replace(b"/", b"\\/") for line in lines))

    (joined,) = assembler.finish()

    (whole,) = drain.facts(
        drain.opened("order_details", orjson.dumps(a_node())), OWNER, source="poll"
    )
    assert joined.children == whole.children
    assert joined.row.split("\t")[:-2] == whole.row.split("\t")[:-2]


def test_a_ledger_with_more_sales_is_not_taken_for_whole():
    node = drain.opened("order_details", orjson.dumps(a_node(more=True)))

    with pytest.raises(Rejected) as refused:
        drain.facts(node, OWNER, source="poll")

    assert refused.value.code == "not_drained"


def test_an_agreement_is_asked_for_behind_the_one_before_it():
    raw = a_node()
    raw["agreements"] = page(
        {**AGREEMENT, "sales": page(SALE)},
        {**AGREEMENT, "id": "gid://shopify/SalesAgreement/22", "sales": page(SALE, more=True)},
    )
    node = drain.opened("order_details", orjson.dumps(raw))

    request = drain.next_page(node)

    assert request is not None
    assert request.document == "agreement_children"
    assert request.variables == {"id": DETAILS["id"], "before": "c0", "sales": "end"}
    for gone in ({"order": None}, {"order": {"agreements": page()}}):
        with pytest.raises(NotFound):
            drain.absorb(node, request, orjson.dumps(gone))


@given(kind=st.sampled_from(KINDS), raw=st.binary(max_size=80))
def test_strange_bytes_are_refused_and_nothing_else(kind, raw):
    with pytest.raises(Rejected):
        drain.opened(kind, raw)


@pytest.mark.parametrize(
    ("path", "value"),
    [("updatedAt", "yesterday"), ("id", "gid://shopify/Order/x"), ("totalRefundedSet", None)],
)
def test_a_field_of_the_wrong_form_names_itself(path, value):
    raw = orjson.dumps({**a_node(), path: value})

    with pytest.raises(Rejected) as refused:
        drain.facts(drain.opened("order_details", raw), OWNER, source="poll")

    assert refused.value.code == "bad_payload"
    assert path in refused.value.details["path"]
