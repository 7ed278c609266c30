"""Which connections each node has, and how the rest of one is asked for: the registry of ``drain``.

A new node needs its line in ``CONNECTIONS``, and one in ``DECODERS`` if it is read by itself.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec

from shared.errors import NotFound
from shared.shopify.answers import (
    AgreementAnswer,
    CheckoutAnswer,
    CollectionAnswer,
    CustomerAnswer,
    DetailsAnswer,
    DiscountAnswer,
    DraftAnswer,
    FulfillmentAnswer,
    ItemAnswer,
    MetafieldsAnswer,
    OrderAnswer,
    ProductAnswer,
    RefundAnswer,
    ReturnAnswer,
    ReturnsAnswer,
)
from shared.shopify.mapping import decoded
from shared.shopify.nodes import (
    CustomerNode,
    InventoryItemNode,
    OrderNode,
    Page,
    ProductNode,
    RefundNode,
)
from shared.shopify.nodes.checkouts import AbandonedCheckoutNode
from shared.shopify.nodes.collections import CollectionNode
from shared.shopify.nodes.discounts import PromotionNode
from shared.shopify.nodes.drafts import DraftOrderNode
from shared.shopify.nodes.fulfillment_orders import FulfillmentOrderNode
from shared.shopify.nodes.gift_cards import GiftCardNode
from shared.shopify.nodes.metafields import MetafieldNode, MetafieldsNode
from shared.shopify.nodes.order_details import (
    AgreementNode,
    OrderDetailsNode,
    ReturnNode,
    ReturnsNode,
)
from shared.shopify.nodes.parts import Node
from shared.shopify.nodes.payments import BalanceTransactionNode, DisputeNode, PayoutNode
from shared.shopify.nodes.products import VariantNode

Drainable: TypeAlias = (
    OrderNode
    | ProductNode
    | CustomerNode
    | InventoryItemNode
    | OrderDetailsNode
    | FulfillmentOrderNode
    | DraftOrderNode
    | AbandonedCheckoutNode
    | CollectionNode
    | PromotionNode
    | GiftCardNode
    | PayoutNode
    | DisputeNode
    | BalanceTransactionNode
)


@dataclass(frozen=True, slots=True)
class Connections:
    """*document* asks for the rest; *find* takes the answering pages out of its data.

    *cursors* are the node's connections with the variables of their cursors.
    """

    document: str
    find: Callable[[bytes], Any]
    cursors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """A node with connections, and the variables by which its document finds it."""

    node: Node
    variables: Mapping[str, str | None]


def _under(root: str, answer: type[Node]) -> Callable[[bytes], Any]:
    decoder, read = msgspec.json.Decoder(answer), operator.attrgetter(root)
    return lambda data: read(decoded(data, decoder))


_agreements = _under("order", AgreementAnswer)


def _sales(data: bytes) -> Any:
    order = _agreements(data)
    return order.agreements.nodes[0] if order and order.agreements.edges else None


CONNECTIONS: MappingProxyType[type[Node], Connections] = MappingProxyType(
    {
        OrderNode: Connections(
            "order_children",
            _under("order", OrderAnswer),
            {
                "line_items": "lines",
                "shipping_lines": "shipping",
                "discount_applications": "discounts",
            },
        ),
        RefundNode: Connections(
            "refund_children",
            _under("refund", RefundAnswer),
            {
                "refund_line_items": "lines",
                "order_adjustments": "adjustments",
                "refund_shipping_lines": "shipping",
            },
        ),
        ProductNode: Connections(
            "product_children",
            _under("product", ProductAnswer),
            {"variants": "variants", "media": "media"},
        ),
        CustomerNode: Connections(
            "customer_children", _under("customer", CustomerAnswer), {"addresses_v2": "addresses"}
        ),
        InventoryItemNode: Connections(
            "inventory_children",
            _under("inventory_item", ItemAnswer),
            {"inventory_levels": "levels"},
        ),
        OrderDetailsNode: Connections(
            "order_details_children",
            _under("order", DetailsAnswer),
            {"agreements": "agreements"},
        ),
        ReturnsNode: Connections(
            "order_returns", _under("order", ReturnsAnswer), {"returns": "returns"}
        ),
        AgreementNode: Connections("agreement_children", _sales, {"sales": "sales"}),
        ReturnNode: Connections(
            "return_children", _under("made", ReturnAnswer), {"return_line_items": "lines"}
        ),
        FulfillmentOrderNode: Connections(
            "fulfillment_order_children",
            _under("fulfillment_order", FulfillmentAnswer),
            {"line_items": "lines"},
        ),
        DraftOrderNode: Connections(
            "draft_order_children", _under("draft_order", DraftAnswer), {"line_items": "lines"}
        ),
        AbandonedCheckoutNode: Connections(
            "abandoned_checkout_children", _under("node", CheckoutAnswer), {"line_items": "lines"}
        ),
        CollectionNode: Connections(
            "collection_children", _under("collection", CollectionAnswer), {"products": "products"}
        ),
        PromotionNode: Connections(
            "discount_children", _under("discount_node", DiscountAnswer), {"codes": "codes"}
        ),
        MetafieldsNode: Connections(
            "metafields", _under("node", MetafieldsAnswer), {"metafields": "metafields"}
        ),
    }
)
DECODERS: MappingProxyType[str, msgspec.json.Decoder[Any]] = MappingProxyType(
    {
        "order": msgspec.json.Decoder(OrderNode),
        "product": msgspec.json.Decoder(ProductNode),
        "customer": msgspec.json.Decoder(CustomerNode),
        "inventory_item": msgspec.json.Decoder(InventoryItemNode),
        "order_details": msgspec.json.Decoder(OrderDetailsNode),
        "fulfillment_order": msgspec.json.Decoder(FulfillmentOrderNode),
        "draft_order": msgspec.json.Decoder(DraftOrderNode),
        "abandoned_checkout": msgspec.json.Decoder(AbandonedCheckoutNode),
        "collection": msgspec.json.Decoder(CollectionNode),
        "discount": msgspec.json.Decoder(PromotionNode),
        "gift_card": msgspec.json.Decoder(GiftCardNode),
        "payout": msgspec.json.Decoder(PayoutNode),
        "dispute": msgspec.json.Decoder(DisputeNode),
        "balance_transaction": msgspec.json.Decoder(BalanceTransactionNode),
    }
)


def parts(node: Drainable) -> list[Part]:
    """Return *node* and whatever below it has connections of its own."""
    own = [Part(node, {"id": node.id})] if type(node) in CONNECTIONS else []
    own += _metafield_parts(node)
    if isinstance(node, ProductNode):
        return own + [part for one in node.variants.nodes for part in _metafield_parts(one)]
    if isinstance(node, OrderNode):
        return [*own, *(Part(one, {"id": one.id}) for one in node.refunds)]
    if isinstance(node, OrderDetailsNode):
        return [*own, *_agreement_parts(node), *_return_parts(node)]
    return own


def _metafield_parts(node: Drainable | VariantNode) -> list[Part]:
    page: Page[MetafieldNode] | None = getattr(node, "metafields", None)
    if page is None:
        return []
    # The same page under another type, so that what is added to one is in the other.
    return [Part(MetafieldsNode(id=node.id, metafields=page), {"id": node.id})]


def _agreement_parts(node: OrderDetailsNode) -> list[Part]:
    """Return the agreements; none has a root of its own, so each is the one behind the last."""
    before: str | None = None
    found: list[Part] = []
    for edge in node.agreements.edges:
        found.append(Part(edge.node, {"id": node.id, "before": before}))
        before = edge.cursor
    return found


def _return_parts(node: OrderDetailsNode) -> list[Part]:
    if node.returns is None:
        return []
    made = Part(ReturnsNode(id=node.id, returns=node.returns), {"id": node.id})
    return [made, *(Part(one, {"id": one.id}) for one in node.returns.nodes)]


def answered(part: Part, data: bytes) -> Any:
    """Return the pages that *data* holds for *part*; raise NotFound when it has gone meanwhile."""
    document = CONNECTIONS[type(part.node)].document
    found = CONNECTIONS[type(part.node)].find(data)
    if found is None:
        raise NotFound(f"nothing answers {document}", code="object_gone")
    return found
