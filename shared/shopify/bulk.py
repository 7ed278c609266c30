"""A bulk operation's JSONL file, joined to whole objects by ``__parentId``.

Source: https://shopify.dev/docs/api/usage/bulk-operations/queries
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from shared.errors import Rejected
from shared.shopify.mapping.customers import customer_snapshot
from shared.shopify.mapping.inventory import item_snapshot, level_snapshot
from shared.shopify.mapping.orders import OrderParts, order_snapshot
from shared.shopify.mapping.products import product_snapshot
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import digits, rejecting
from shared.shopify.nodes.customers import CustomerAddressNode, CustomerHead
from shared.shopify.nodes.inventory import InventoryItemHead, LevelNode
from shared.shopify.nodes.orders import (
    BulkOrderNode,
    DiscountNode,
    LineNode,
    ShippingLineNode,
)
from shared.shopify.nodes.products import MediaNode, ProductHead, VariantNode
from shared.shopify.snapshots import Kind, Owner, Snapshot

Assembly: TypeAlias = Callable[[list[bytes], Origin], list[Snapshot]]

_TYPE = re.compile(rb'"__typename"\s*:\s*"(\w+)"|"id"\s*:\s*"gid:\\?/\\?/shopify\\?/(\w+)')
_PARENT = re.compile(rb'"__parentId"\s*:\s*"[^"]*/(\d+)[^"/]*"')
_ROOT = re.compile(rb'\s*\{(?:\s*"__typename"\s*:\s*"\w+"\s*,)?\s*"id"\s*:\s*"[^"]*/(\d+)[^"/]*"')


class _Identified(msgspec.Struct):
    id: str


_identified = msgspec.json.Decoder(_Identified)
_order = msgspec.json.Decoder(BulkOrderNode)
_line = msgspec.json.Decoder(LineNode)
_shipping_line = msgspec.json.Decoder(ShippingLineNode)
_discount = msgspec.json.Decoder(DiscountNode)
_product = msgspec.json.Decoder(ProductHead)
_variant = msgspec.json.Decoder(VariantNode)
_medium = msgspec.json.Decoder(MediaNode)
_customer = msgspec.json.Decoder(CustomerHead)
_address = msgspec.json.Decoder(CustomerAddressNode)
_item = msgspec.json.Decoder(InventoryItemHead)
_level = msgspec.json.Decoder(LevelNode)


class BulkAssembler:
    """Joins the lines of one window: feed it the file in any pieces, then finish it once.

    It holds the window's lines in memory, so the caller chooses windows that fit. ``roots`` and
    ``objects`` count what was fed, to compare with ``rootObjectCount`` and ``objectCount``.
    ``rejected`` holds, after ``finish``, the objects that could not be mapped, by id: one bad
    object does not take its window along.
    """

    def __init__(self, kind: Kind, owner: Owner) -> None:
        self._assemble = _ASSEMBLIES[kind]
        self._owner = owner
        self._tail = b""
        self._roots: dict[bytes, bytes] = {}
        self._children: dict[bytes, list[bytes]] = {}
        self.objects = 0
        self.rejected: dict[int, Rejected] = {}

    @property
    def roots(self) -> int:
        """How many root objects were fed."""
        return len(self._roots)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file; raise Rejected for a line that is no object."""
        lines = (self._tail + chunk).split(b"\n")
        self._tail = lines.pop()
        for line in lines:
            self._sort(line)

    def finish(self) -> Iterator[Snapshot]:
        """Yield every object of the file; raise Rejected when a child's parent is missing.

        Orders whose refunds are not empty are incomplete="refunds": a bulk operation cannot carry
        the lines of a refund.
        """
        self._sort(self._tail)
        self._tail = b""
        orphans = self._children.keys() - self._roots.keys()
        if orphans:
            raise Rejected(f"{len(orphans)} parents are not in the file", code="bulk_orphans")
        for key, root in self._roots.items():
            lines = [root, *self._children.pop(key, ())]
            try:
                snapshots = self._joined(lines)
            except Rejected as exc:
                self.rejected[int(key)] = exc
            else:
                yield from snapshots

    def _joined(self, lines: list[bytes]) -> list[Snapshot]:
        payload = b"\n".join(lines)
        with rejecting(payload):
            return self._assemble(lines, Origin(self._owner, "bulk", payload))

    def _sort(self, line: bytes) -> None:
        if not line or line.isspace():
            return
        self.objects += 1
        parent = _parent_id(line)
        if parent is None:
            self._roots[_root_id(line)] = line
        else:
            self._children.setdefault(parent, []).append(line)


def _parent_id(line: bytes) -> bytes | None:
    # The key stands near the end; a text can hold its name, but not followed by a bare colon.
    at = line.rfind(b'"__parentId"')
    while at >= 0:
        found = _PARENT.match(line, at)
        if found is not None:
            return found[1]
        at = line.rfind(b'"__parentId"', 0, at)
    return None


def _root_id(line: bytes) -> bytes:
    leading = _ROOT.match(line)
    if leading is not None:
        return leading[1]
    with rejecting(line):
        return digits(_identified.decode(line).id).encode()


def _type_of(line: bytes) -> bytes:
    found = _TYPE.search(line)
    return (found[1] or found[2]) if found else b""


def _orders(lines: list[bytes], origin: Origin) -> list[Snapshot]:
    node = _order.decode(lines[0])
    parts = OrderParts(lines=[], shipping=[], discounts=[], refunds=None if node.refunds else [])
    for line in lines[1:]:
        match _type_of(line):
            case b"LineItem":
                parts.lines.append(_line.decode(line))
            case b"ShippingLine":
                parts.shipping.append(_shipping_line.decode(line))
            case _:
                parts.discounts.append(_discount.decode(line))
    incomplete = "refunds" if node.refunds else ""
    return [order_snapshot(node, parts, origin=origin, incomplete=incomplete)]


def _products(lines: list[bytes], origin: Origin) -> list[Snapshot]:
    variants: list[VariantNode] = []
    media: list[MediaNode] = []
    for line in lines[1:]:
        if _type_of(line) == b"ProductVariant":
            variants.append(_variant.decode(line))
        else:
            media.append(_medium.decode(line))
    return [product_snapshot(_product.decode(lines[0]), variants, media=media, origin=origin)]


def _customers(lines: list[bytes], origin: Origin) -> list[Snapshot]:
    root, *addresses = lines
    book = [_address.decode(line) for line in addresses]
    return [customer_snapshot(_customer.decode(root), book, origin=origin)]


def _items(lines: list[bytes], origin: Origin) -> list[Snapshot]:
    root, *levels = lines
    stocked = [level_snapshot(_level.decode(line), origin=origin) for line in levels]
    return [item_snapshot(_item.decode(root), origin=origin), *stocked]


_ASSEMBLIES: MappingProxyType[Kind, Assembly] = MappingProxyType(
    {
        "order": _orders,
        "product": _products,
        "customer": _customers,
        "inventory_item": _items,
    }
)
