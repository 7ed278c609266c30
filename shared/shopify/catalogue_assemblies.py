"""The lines of collections, discounts and gift cards, joined; and metafields, set apart.

Shapes and their order are those of ``assemblies.Assembly``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from shared.shopify.bulk_lines import parent_of, type_of
from shared.shopify.mapping.collections import collection_snapshot
from shared.shopify.mapping.discounts import discount_snapshot
from shared.shopify.mapping.gift_cards import gift_card_snapshot
from shared.shopify.mapping.metafields import chosen_of
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.nodes.collections import CollectionHead
from shared.shopify.nodes.discounts import PromotionNode, RedeemCodeNode
from shared.shopify.nodes.gift_cards import GiftCardNode
from shared.shopify.nodes.metafields import MetafieldNode
from shared.shopify.nodes.parts import Reference
from shared.shopify.snapshots import Kind, Snapshot

_collection = msgspec.json.Decoder(CollectionHead)
_member = msgspec.json.Decoder(Reference)
_discount = msgspec.json.Decoder(PromotionNode)
_code = msgspec.json.Decoder(RedeemCodeNode)
_gift_card = msgspec.json.Decoder(GiftCardNode)
_metafield = msgspec.json.Decoder(MetafieldNode)


def without_metafields(
    lines: Sequence[bytes], origin: Origin
) -> tuple[list[bytes], list[MetafieldNode] | None]:
    """Return the other lines, and the root's own metafields: None when none were asked for."""
    others, by_owner = sorted_out(lines, origin)
    return others, None if by_owner is None else list(by_owner.get("", ()))


def sorted_out(
    lines: Sequence[bytes], origin: Origin
) -> tuple[list[bytes], Mapping[str, list[MetafieldNode]] | None]:
    """Return the other lines, and metafields by the number of the variant that owns them.

    Those of any other owner are under "".
    """
    if not origin.namespaces:
        return list(lines), None
    others: list[bytes] = []
    found: defaultdict[str, list[MetafieldNode]] = defaultdict(list)
    for line in lines:
        if type_of(line) == b"Metafield":
            kind, _, number = (parent_of(line) or b"").decode().partition("/")
            owner = number if kind == "ProductVariant" else ""
            found[owner] += chosen_of([_metafield.decode(line)], origin) or ()
        else:
            others.append(line)
    return others, found


def _collections(lines: list[bytes], origin: Origin) -> list[Snapshot]:
    (root, *members), metafields = without_metafields(lines, origin)
    products = [_member.decode(line) for line in members]
    node = _collection.decode(root)
    return [collection_snapshot(node, products, metafields=metafields, origin=origin)]


def _discounts(lines: list[bytes], origin: Origin) -> list[Snapshot]:
    root, *codes = lines
    return [discount_snapshot(_discount.decode(root), [*map(_code.decode, codes)], origin=origin)]


def _gift_cards(lines: list[bytes], origin: Origin) -> list[Snapshot]:
    return [gift_card_snapshot(_gift_card.decode(lines[0]), origin=origin)]


CATALOGUE_RESOURCES: MappingProxyType[Kind, Callable[[list[bytes], Origin], list[Snapshot]]] = (
    MappingProxyType({"collection": _collections, "discount": _discounts, "gift_card": _gift_cards})
)
