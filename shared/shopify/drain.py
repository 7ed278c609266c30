"""Nested connections of one node, read to their end.

A page of orders carries the first lines of each order; the rest is asked for by id::

    node = opened("order", raw)
    while request := next_page(node):
        data = await client.execute(document(request.document), request.variables)
        absorb(node, request, data)
    facts = facts(node, owner, source="poll")

Everything here is pure: the caller does the asking. A connection that has ended is asked for again
by a document that serves several connections, and ``absorb`` ignores what comes back for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec

from shared.errors import NotFound
from shared.shopify.mapping import decoded, node_facts
from shared.shopify.nodes import (
    CustomerNode,
    InventoryItemNode,
    OrderNode,
    Page,
    ProductNode,
    RefundNode,
)
from shared.shopify.nodes.customers import CustomerAddressNode
from shared.shopify.nodes.inventory import LevelNode
from shared.shopify.nodes.orders import (
    AdjustmentNode,
    DiscountNode,
    LineNode,
    RefundLineNode,
    RefundShippingNode,
    ShippingLineNode,
)
from shared.shopify.nodes.parts import Node
from shared.shopify.nodes.products import MediaNode, VariantNode
from shared.shopify.snapshots import Fact, Kind, Owner, Source

Drainable: TypeAlias = OrderNode | ProductNode | CustomerNode | InventoryItemNode


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One query to send: a name of ``documents.document`` and its variables."""

    document: str
    variables: Mapping[str, str | None]


class _OrderPages(Node):
    line_items: Page[LineNode]
    shipping_lines: Page[ShippingLineNode]
    discount_applications: Page[DiscountNode]


class _RefundPages(Node):
    refund_line_items: Page[RefundLineNode]
    order_adjustments: Page[AdjustmentNode]
    refund_shipping_lines: Page[RefundShippingNode]


class _ProductPages(Node):
    variants: Page[VariantNode]
    media: Page[MediaNode]


class _CustomerPages(Node):
    addresses_v2: Page[CustomerAddressNode]


class _ItemPages(Node):
    inventory_levels: Page[LevelNode]


class _Answer(Node):
    order: _OrderPages | None = None
    refund: _RefundPages | None = None
    product: _ProductPages | None = None
    customer: _CustomerPages | None = None
    inventory_item: _ItemPages | None = None


@dataclass(frozen=True, slots=True)
class _Connections:
    document: str
    root: str
    cursors: Mapping[str, str]  # the node's connection -> the variable of its cursor


_ORDER = _Connections(
    "order_children",
    "order",
    {"line_items": "lines", "shipping_lines": "shipping", "discount_applications": "discounts"},
)
_REFUND = _Connections(
    "refund_children",
    "refund",
    {
        "refund_line_items": "lines",
        "order_adjustments": "adjustments",
        "refund_shipping_lines": "shipping",
    },
)
_CONNECTIONS: MappingProxyType[type[Node], _Connections] = MappingProxyType(
    {
        OrderNode: _ORDER,
        RefundNode: _REFUND,
        ProductNode: _Connections(
            "product_children", "product", {"variants": "variants", "media": "media"}
        ),
        CustomerNode: _Connections("customer_children", "customer", {"addresses_v2": "addresses"}),
        InventoryItemNode: _Connections(
            "inventory_children", "inventory_item", {"inventory_levels": "levels"}
        ),
    }
)

_answer = msgspec.json.Decoder(_Answer)
_nodes: MappingProxyType[str, msgspec.json.Decoder[Any]] = MappingProxyType(
    {
        "order": msgspec.json.Decoder(OrderNode),
        "product": msgspec.json.Decoder(ProductNode),
        "customer": msgspec.json.Decoder(CustomerNode),
        "inventory_item": msgspec.json.Decoder(InventoryItemNode),
    }
)


def opened(kind: Kind, raw: bytes) -> Drainable:
    """Return the node in *raw*; raise Rejected, code ``bad_payload``, when it is none."""
    node: Drainable = decoded(raw, _nodes[kind])
    return node


def next_page(node: Drainable) -> PageRequest | None:
    """Return what to ask next so that *node* becomes whole, None when it is."""
    for part in _parts(node):
        request = _request(part)
        if request is not None:
            return request
    return None


def absorb(node: Drainable, request: PageRequest, data: bytes) -> None:
    """Add the answer to *request*; raise NotFound when the object has gone meanwhile."""
    part = next(one for one in _parts(node) if _is_asked(one, request))
    connections = _CONNECTIONS[type(part)]
    answer = getattr(decoded(data, _answer), connections.root)
    if answer is None:
        raise NotFound(f"the {connections.root} is gone", code="object_gone")
    for name in connections.cursors:
        page = getattr(part, name)
        if page.page_info.has_next_page:
            more = getattr(answer, name)
            page.edges.extend(more.edges)
            page.page_info = more.page_info


def facts(node: Drainable, owner: Owner, *, source: Source) -> list[Fact]:
    """Return a drained node's facts; the archive keeps the node as it was put together."""
    return node_facts(node, msgspec.json.encode(node), owner=owner, source=source)


def _parts(node: Drainable) -> list[Node]:
    return [node, *node.refunds] if isinstance(node, OrderNode) else [node]


def _is_asked(part: Node, request: PageRequest) -> bool:
    connections = _CONNECTIONS[type(part)]
    named: str = getattr(part, "id")  # noqa: B009 - every part has one, Node does not
    return connections.document == request.document and named == request.variables["id"]


def _request(part: Node) -> PageRequest | None:
    connections = _CONNECTIONS[type(part)]
    pages = {name: getattr(part, name).page_info for name in connections.cursors}
    if not any(info.has_next_page for info in pages.values()):
        return None
    cursors = {connections.cursors[name]: info.end_cursor for name, info in pages.items()}
    return PageRequest(connections.document, {"id": getattr(part, "id"), **cursors})  # noqa: B009
