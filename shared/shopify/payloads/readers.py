"""Bodies that describe an object, as snapshots and rows."""

from __future__ import annotations

from shared.deliveries import Delivery
from shared.shopify.mapping import decoded
from shared.shopify.mapping.customers import customer_snapshot
from shared.shopify.mapping.inventory import item_snapshot, level_snapshot, location_snapshot
from shared.shopify.mapping.orders import order_snapshot, transaction_row
from shared.shopify.mapping.products import product_snapshot
from shared.shopify.mapping.shops import shop_fact
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.payloads.customers import CustomerPayload, address_nodes, customer_head
from shared.shopify.payloads.metafields import metafield_nodes
from shared.shopify.payloads.order_nodes import order_head, order_parts
from shared.shopify.payloads.orders import OrderPayload, TransactionPayload
from shared.shopify.payloads.parts import decoder
from shared.shopify.payloads.products import (
    ProductPayload,
    media_nodes,
    product_head,
    product_metafields,
    variant_nodes,
)
from shared.shopify.payloads.refund_nodes import (
    elsewhere,
    paid_back_elsewhere,
    transaction_node,
)
from shared.shopify.payloads.stock import (
    ItemPayload,
    LevelPayload,
    LocationPayload,
    ShopPayload,
    item_node,
    level_node,
    location_node,
    shop_node,
)
from shared.shopify.snapshots import ChildRows, Fact, Refetch

_order = decoder(OrderPayload)
_transaction = decoder(TransactionPayload)
_product = decoder(ProductPayload)
_customer = decoder(CustomerPayload)
_item = decoder(ItemPayload)
_level = decoder(LevelPayload)
_location = decoder(LocationPayload)
_shop = decoder(ShopPayload)


def order(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return the order, and the transactions of its refunds beside whatever else is stored."""
    body = decoded(delivery.body, _order)
    refunds = body.refunds or []
    foreign = any(paid_back_elsewhere(one, currency=body.currency) for one in refunds)
    children = order_parts(body)
    snapshot = order_snapshot(
        order_head(body, children),
        children,
        origin=origin,
        incomplete="refund_currency" if foreign else "",
    )
    paid = [one for refund in refunds for one in refund.transactions or ()]
    rows = [_transaction_row(one, body.id, body.currency, origin=origin) for one in paid]
    if foreign or not rows:
        return [snapshot]
    added = ChildRows(owner=origin.owner, table="transactions", parent=(body.id,), rows=rows)
    return [snapshot, added]


def transaction(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return one transaction, or the wish to read its order where its row would be in doubt."""
    body = decoded(delivery.body, _transaction)
    if not body.order_id:
        return []
    if not body.currency or elsewhere(body):
        doubt = Refetch(
            owner=origin.owner, kind="order", key=(body.order_id,), reason="transaction_currency"
        )
        return [doubt]
    row = _transaction_row(body, body.order_id, body.currency, origin=origin)
    return [
        ChildRows(owner=origin.owner, table="transactions", parent=(body.order_id,), rows=[row])
    ]


def _transaction_row(
    body: TransactionPayload, order_id: int, currency: str, *, origin: Origin
) -> str:
    return transaction_row(transaction_node(body, currency=currency), f"{origin.key}\t{order_id}")


def product(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return the product."""
    body = decoded(delivery.body, _product)
    variants = variant_nodes(body)
    snapshot = product_snapshot(
        product_head(body),
        variants or [],
        media=media_nodes(body),
        origin=origin,
        incomplete="variants" if variants is None else "",
        metafields=product_metafields(body),
    )
    return [snapshot]


def customer(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return the customer; no body carries all columns (locale, and since 2025-01 many more)."""
    body = decoded(delivery.body, _customer)
    return [
        customer_snapshot(
            customer_head(body),
            address_nodes(body),
            origin=origin,
            incomplete="customer_slim",
            metafields=metafield_nodes(body.metafields),
        )
    ]


def inventory_item(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return the item; its levels have topics of their own."""
    return [item_snapshot(item_node(decoded(delivery.body, _item)), origin=origin)]


def inventory_level(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return the level with the one quantity that webhooks tell."""
    node = level_node(decoded(delivery.body, _level))
    return [level_snapshot(node, origin=origin, incomplete="quantities")]


def location(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return the location."""
    return [location_snapshot(location_node(decoded(delivery.body, _location)), origin=origin)]


def shop(delivery: Delivery, origin: Origin) -> list[Fact]:
    """Return the shop itself."""
    return [shop_fact(shop_node(decoded(delivery.body, _shop)), origin.owner)]
