"""``python -m shared.shopify.payload_schemas docs/payloads``: write what bodies must be like."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from shared.shopify.addressee import Addressee
from shared.shopify.payloads.catalogue_notices import DiscountNotice, DisputePayload
from shared.shopify.payloads.customers import CustomerPayload
from shared.shopify.payloads.notices import (
    BulkEnd,
    CustomerMention,
    CustomerMerge,
    Identified,
    OrderMention,
    StockPlace,
)
from shared.shopify.payloads.order_notices import (
    CheckoutNotice,
    FulfillmentOrderNotice,
    OrderEdit,
    OrderNamed,
    ReturnNotice,
)
from shared.shopify.payloads.orders import OrderPayload, TransactionPayload
from shared.shopify.payloads.privacy import CustomerAsked
from shared.shopify.payloads.products import ProductPayload
from shared.shopify.payloads.stock import ItemPayload, LevelPayload, LocationPayload, ShopPayload
from shared.shopify.webhooks import FULFILLMENT_ORDERS, RETURNS

# Schema -> what a body is read as, and the topics whose bodies are.
_BODIES: Mapping[str, tuple[type[msgspec.Struct], str]] = MappingProxyType(
    {
        "order": (
            OrderPayload,
            "orders/create orders/updated orders/paid orders/cancelled orders/fulfilled"
            " orders/partially_fulfilled",
        ),
        "transaction": (TransactionPayload, "order_transactions/create"),
        "product": (ProductPayload, "products/create products/update"),
        "customer": (
            CustomerPayload,
            "customers/create customers/update customers/enable customers/disable",
        ),
        "inventory_item": (ItemPayload, "inventory_items/create inventory_items/update"),
        "inventory_level": (LevelPayload, "inventory_levels/connect inventory_levels/update"),
        "location": (
            LocationPayload,
            "locations/create locations/update locations/activate locations/deactivate",
        ),
        "shop": (ShopPayload, "shop/update"),
        "dispute": (DisputePayload, "disputes/create disputes/update"),
        "order_edit": (OrderEdit, "orders/edited"),
        "of_order": (OrderNamed, "orders/risk_assessment_changed refunds/create"),
        "fulfillment": (OrderMention, "fulfillments/create fulfillments/update"),
        "return": (ReturnNotice, " ".join(f"returns/{name}" for name in RETURNS.split())),
        "fulfillment_order": (
            FulfillmentOrderNotice,
            " ".join(f"fulfillment_orders/{name}" for name in FULFILLMENT_ORDERS.split()),
        ),
        "checkout": (CheckoutNotice, "checkouts/create checkouts/update"),
        "discount": (
            DiscountNotice,
            "discounts/create discounts/update discounts/delete discounts/redeemcode_added"
            " discounts/redeemcode_removed",
        ),
        "of_customer": (
            CustomerMention,
            "customers/purchasing_summary customer.tags_added customer.tags_removed"
            " customers_email_marketing_consent/update customers_marketing_consent/update",
        ),
        "customer_merge": (CustomerMerge, "customers/merge"),
        "stock_place": (StockPlace, "inventory_levels/disconnect"),
        "object": (
            Identified,
            "orders/delete products/delete customers/delete inventory_items/delete locations/delete"
            " collections/create collections/update collections/delete draft_orders/create"
            " draft_orders/update draft_orders/delete",
        ),
        "bulk_operation": (BulkEnd, "bulk_operations/finish"),
        "customer_privacy": (CustomerAsked, "customers/data_request customers/redact"),
        # Of these no more is read than whose they are.
        "any": (Addressee, "app/uninstalled app/scopes_update checkouts/delete shop/redact"),
    }
)

SCHEMA_OF: Mapping[str, str] = MappingProxyType(
    {topic: name for name, (_, topics) in _BODIES.items() for topic in topics.split()}
)


def body_of(topic: str) -> type[msgspec.Struct]:
    """Return what a body of *topic* is read as."""
    return _BODIES[SCHEMA_OF[topic]][0]


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of the bodies of that name."""
    body, topics = _BODIES[name]
    _, found = msgspec.json.schema_components([body, Addressee])
    definitions: dict[str, Any] = _brief(found)
    # Every body that names a shop is asked whether it is the one that it was signed for.
    names = definitions.pop("Addressee")["properties"]
    top = definitions.pop(body.__name__, {"type": "object", "properties": {}})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **top,
        "title": name,
        "properties": names | top["properties"],
        "additionalProperties": True,
        "x-topics": topics.split(),
        "$defs": definitions,
    }


def _brief(value: Any) -> Any:
    """Return *value* without defaults, which are all null or empty, and with kinds side by side."""
    if isinstance(value, list):
        return [_brief(each) for each in value]
    if not isinstance(value, dict):
        return value
    # Of a property that is called default, the value is a schema.
    kept = {
        name: _brief(each)
        for name, each in value.items()
        if name != "default" or isinstance(each, dict)
    }
    return _side_by_side(kept.pop("anyOf")) | kept if "anyOf" in kept else kept


def _side_by_side(kinds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return ``[{type: a, more}, {type: b}]`` as ``{type: [a, b], more}`` where they are such."""
    if not all("type" in kind for kind in kinds) or sum(len(kind) > 1 for kind in kinds) > 1:
        return {"anyOf": kinds}
    more = {name: each for kind in kinds for name, each in kind.items() if name != "type"}
    return {"type": [kind["type"] for kind in kinds], **more}


def texts() -> Mapping[str, str]:
    """Return the text of each schema by its file's name."""
    return {f"{name}.json": json.dumps(schema(name), indent=2) + "\n" for name in _BODIES}


if __name__ == "__main__":
    for file, text in texts().items():
        (Path(sys.argv[1]) / file).write_text(text)
