"""Complete GraphQL nodes as facts; the webhook bodies' way to the same rows is ``webhooks``.

Each function takes the JSON bytes of one node as ``queries/*_page.graphql`` and ``*_by_ids`` select
it, with its connections drained (see ``drain``), and raises Rejected, code ``bad_payload`` with the
path of the field in ``details``, for anything else.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from shared.errors import Rejected
from shared.shopify.mapping.customers import customer_snapshot
from shared.shopify.mapping.inventory import item_snapshot, level_snapshot, location_snapshot
from shared.shopify.mapping.orders import order_snapshot, whole
from shared.shopify.mapping.products import product_snapshot
from shared.shopify.mapping.shops import shop_fact
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import rejecting
from shared.shopify.nodes import (
    CustomerNode,
    InventoryItemNode,
    LevelNode,
    LocationNode,
    OrderNode,
    Page,
    ProductNode,
    ShopNode,
)
from shared.shopify.snapshots import Fact, Owner, ShopFacts, Source

T = TypeVar("T")

_level = msgspec.json.Decoder(LevelNode)
_location = msgspec.json.Decoder(LocationNode)
_shop = msgspec.json.Decoder(ShopNode)


def decoded(raw: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Return *raw* as the decoder's type; raise Rejected when it is something else."""
    with rejecting(raw):
        return decoder.decode(raw)


def level_facts(raw: bytes, owner: Owner, source: Source) -> list[Fact]:
    """Return an InventoryLevel node's snapshot."""
    return node_facts(decoded(raw, _level), raw, owner=owner, source=source)


def location_facts(raw: bytes, owner: Owner, source: Source) -> list[Fact]:
    """Return a Location node's snapshot."""
    return node_facts(decoded(raw, _location), raw, owner=owner, source=source)


def shop_facts(raw: bytes, owner: Owner) -> ShopFacts:
    """Return the Shop node's facts."""
    node = decoded(raw, _shop)
    with rejecting(raw):
        return shop_fact(node, owner)


def node_facts(node: msgspec.Struct, payload: bytes, *, owner: Owner, source: Source) -> list[Fact]:
    """Return the facts of a decoded and drained node; *payload* is what the archive keeps."""
    origin = Origin(owner, source, payload)
    with rejecting(payload):
        match node:
            case OrderNode():
                _check_ends(node.line_items, node.shipping_lines, node.discount_applications)
                for refund in node.refunds:
                    _check_ends(refund.refund_line_items, refund.order_adjustments)
                    _check_ends(refund.refund_shipping_lines)
                return [order_snapshot(node, whole(node), origin=origin)]
            case ProductNode():
                _check_ends(node.variants, node.media)
                variants, media = node.variants.nodes, node.media.nodes
                return [product_snapshot(node, variants, media=media, origin=origin)]
            case CustomerNode():
                _check_ends(node.addresses_v2)
                return [customer_snapshot(node, node.addresses_v2.nodes, origin=origin)]
            case InventoryItemNode():
                _check_ends(node.inventory_levels)
                levels = [level_snapshot(one, origin=origin) for one in node.inventory_levels.nodes]
                return [item_snapshot(node, origin=origin), *levels]
            case LevelNode():
                return [level_snapshot(node, origin=origin)]
            case LocationNode():
                return [location_snapshot(node, origin=origin)]
            case _:
                raise TypeError(type(node).__name__)


def _check_ends(*pages: Page[Any]) -> None:
    if any(page.page_info.has_next_page for page in pages):
        raise Rejected("a connection was not read to its end", code="not_drained")
