"""The same order through a webhook and through GraphQL."""

from __future__ import annotations

import orjson
from hypothesis import HealthCheck, given, settings

from shared.shopify.snapshots import ChildRows, Snapshot
from shared.shopify.webhooks import facts_of
from shared.tables import COLUMNS
from tests.unit.shopify import graphql, rest
from tests.unit.shopify.shapes import OWNER, a_delivery, orders
from tests.whole_nodes import order_facts


def columns(snapshot: Snapshot) -> dict[str, str]:
    named = dict(zip(COLUMNS["orders"], snapshot.row.split("\t"), strict=True))
    return {name: value for name, value in named.items() if name not in ("raw", "source")}


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(order=orders)
def test_an_order_has_the_same_rows_whichever_way_it_came(order):
    body, node = orjson.dumps(rest.order(order)), orjson.dumps(graphql.order(order))

    told, *added = facts_of(a_delivery("orders/updated", body))
    (read,) = order_facts(node, OWNER, "poll")

    assert columns(told) == columns(read)
    assert (told.key, told.updated_at) == (read.key, read.updated_at)
    assert "transactions" not in told.children
    assert told.children == {k: v for k, v in read.children.items() if k != "transactions"}
    assert all(isinstance(fact, ChildRows) and fact.table == "transactions" for fact in added)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(order=orders)
def test_every_row_has_its_table_s_columns(order):
    (snapshot,) = order_facts(orjson.dumps(graphql.order(order)), OWNER, "poll")

    assert len(snapshot.row.split("\t")) == len(COLUMNS["orders"])
    for table, rows in snapshot.children.items():
        assert {len(row.split("\t")) for row in rows} <= {len(COLUMNS[table])}
