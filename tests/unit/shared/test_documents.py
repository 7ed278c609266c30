"""GraphQL documents are sent whole."""

from __future__ import annotations

from graphql import parse

from shared.shopify.documents import bulk_document, document


def test_fragments_are_written_out() -> None:
    text = document("orders_page")

    assert "fragment" not in text
    assert "originalUnitPriceSet { shopMoney { amount }" in text
    parse(text)


def test_a_bulk_filter_is_quoted_as_graphql_wants_it() -> None:
    text = bulk_document("orders", "created_at:>='2026-01-01' tag:\"a b\"")

    assert r'orders(query: "created_at:>=' in text
    parse(text)
