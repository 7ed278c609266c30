"""Root fields of collections, discounts, gift cards, payments and events."""

from __future__ import annotations

from typing import Any

from tests.simulator import paging, search
from tests.simulator.ids import split

# Root field of a connection -> the shelf it shows.
SHELVES = {
    "collections": "collections",
    "discountNodes": "discounts",
    "giftCards": "gift_cards",
    "disputes": "disputes",
    "events": "events",
}
SCOPES = {
    "collection": "read_products",
    "collections": "read_products",
    "collectionsCount": "read_products",
    "discountNode": "read_discounts",
    "discountNodes": "read_discounts",
    "discountNodesCount": "read_discounts",
    "giftCard": "read_gift_cards",
    "giftCards": "read_gift_cards",
    "giftCardsCount": "read_gift_cards",
    "shopifyPaymentsAccount": "read_shopify_payments_payouts",
    "dispute": "read_shopify_payments_disputes",
    "disputes": "read_shopify_payments_disputes",
}
_STAMPS = {"UPDATED_AT": "updated", "CREATED_AT": "created", "ISSUED_AT": "created"}
_STAMPS["PROCESSED_AT"] = "created"


def shelf_page(world: Any, shelf: str, arguments: dict[str, Any]) -> paging.Page:
    """One page of *shelf*."""
    return paging.page_of_shelf(
        getattr(world, shelf),
        arguments,
        key=_STAMPS.get(arguments.get("sortKey", "ID"), "id"),
        query=search.parse(arguments.get("query"), shelf),
    )


def _page(shelf: str) -> Any:
    return lambda call, arguments: shelf_page(call.world, shelf, arguments)


def _one(shelf: str) -> Any:
    def found(call: Any, arguments: dict[str, Any]) -> Any:
        parts = split(arguments["id"])
        return getattr(call.world, shelf).get(parts[1]) if parts else None

    return found


def _count(shelf: str) -> Any:
    def count(call: Any, arguments: dict[str, Any]) -> tuple[int, int | None]:
        query = search.parse(arguments.get("query"), shelf)
        return getattr(call.world, shelf).total(query), arguments.get("limit", 10_000)

    return count


def _account(call: Any, arguments: dict[str, Any]) -> Any:
    return call.world.shop if call.world.recipe.payments else None


NODES: dict[str, Any] = {
    "Collection": _one("collections"),
    "DiscountNode": _one("discounts"),
    "GiftCard": _one("gift_cards"),
    "ShopifyPaymentsPayout": _one("payouts"),
    "ShopifyPaymentsDispute": _one("disputes"),
    "ShopifyPaymentsBalanceTransaction": _one("balance_transactions"),
}
ROOTS: dict[str, Any] = {
    **{name: _page(shelf) for name, shelf in SHELVES.items()},
    "collection": NODES["Collection"],
    "collectionsCount": _count("collections"),
    "discountNode": NODES["DiscountNode"],
    "discountNodesCount": _count("discounts"),
    "giftCard": NODES["GiftCard"],
    "giftCardsCount": _count("gift_cards"),
    "dispute": NODES["ShopifyPaymentsDispute"],
    "shopifyPaymentsAccount": _account,
}
