"""Webhook filters: who is told of what."""

from __future__ import annotations

import orjson
import pytest

from tests.simulator.deliveries import passes
from tests.simulator.store import Subscription

BODY = {"id": 7, "status": "active", "price": "12.50", "variants": [{"sku": "A"}, {"sku": "B"}]}


@pytest.mark.parametrize(
    ("text", "fields", "told"),
    [
        (None, [], True),
        ("status:active", [], True),
        ("status:draft", [], False),
        ("-status:draft", [], True),
        ("variants.sku:B", [], True),
        ("variants.sku:C", [], False),
        ("variants.sku:C OR id:7", [], True),
        ("status:active", ["id"], False),
        ("color:red", [], False),
        ("price:>=12.5", [], True),
        ("price:>13", [], False),
    ],
)
def test_a_filter_lets_through_what_it_names(text, fields, told):
    one = Subscription(1, "PRODUCTS_UPDATE", "https://x.example", 0, 0)
    one.filter, one.include_fields = text, fields

    assert passes(one, orjson.dumps(BODY)) is told
