"""Numeric ids beyond 2**53, derived from the shop and a sequence, and their gids."""

from __future__ import annotations

import zlib

KINDS = (
    "Order",
    "LineItem",
    "ShippingLine",
    "Fulfillment",
    "OrderTransaction",
    "Refund",
    "RefundLineItem",
    "RefundShippingLine",
    "OrderAdjustment",
    "Duty",
    "Customer",
    "MailingAddress",
    "Product",
    "ProductVariant",
    "ProductOption",
    "MediaImage",
    "InventoryItem",
    "InventoryLevel",
    "Location",
    "Shop",
    "WebhookSubscription",
    "BulkOperation",
    "SalesAgreement",
    "Sale",
    "Return",
    "ReturnLineItem",
    "FulfillmentOrder",
    "FulfillmentOrderLineItem",
    "FulfillmentHold",
    "DraftOrder",
    "DraftOrderLineItem",
    "AbandonedCheckout",
    "Collection",
    "DiscountNode",
    "DiscountRedeemCode",
    "GiftCard",
    "ShopifyPaymentsPayout",
    "ShopifyPaymentsDispute",
    "ShopifyPaymentsBalanceTransaction",
    "Metafield",
    "Event",
)
_SPAN = 10**13
_FIRST = 1_000_001
CHILDREN = 4096


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def level_gid(number: int, item: int) -> str:
    return f"gid://shopify/InventoryLevel/{number}?inventory_item_id={item}"


def split(text: str) -> tuple[str, int] | None:
    """Return kind and number of a gid, or nothing when it is none."""
    prefix, _, rest = text.partition("gid://shopify/")
    kind, slash, tail = rest.partition("/")
    number = tail.partition("?")[0]
    if prefix or not slash or not number.isdecimal():
        return None
    return kind, int(number)


class Ids:
    """The numbers of one shop: each kind has its own range, so that none collide."""

    def __init__(self, domain: str) -> None:
        shop = 10 + zlib.crc32(domain.encode()) % 9_000
        self._bases = {
            kind: shop * 10**15 + place * _SPAN + _FIRST for place, kind in enumerate(KINDS)
        }

    def of(self, kind: str, sequence: int) -> int:
        return self._bases[kind] + sequence

    def sequence(self, kind: str, number: int) -> int:
        """Undo ``of``; outside the range of *kind* the result is negative or huge."""
        return number - self._bases[kind]

    def child(self, kind: str, parent_sequence: int, place: int) -> int:
        """The id of the *place*-th child of an order, from which the order can be told."""
        return self._bases[kind] + parent_sequence * CHILDREN + place

    def parent(self, kind: str, number: int) -> int:
        return (number - self._bases[kind]) // CHILDREN
