"""Complete GraphQL nodes as facts; the webhook bodies' way to the same rows is ``webhooks``.

Each function takes the JSON bytes of one node as ``queries/*_page.graphql`` and ``*_by_ids`` select
it, with its connections drained (see ``drain``), and raises Rejected, code ``bad_payload`` with the
path of the field in ``details``, for anything else.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from shared.shopify.documents import Namespaces
from shared.shopify.mapping.shops import shop_fact
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import rejecting
from shared.shopify.mapping.whole_nodes import MAPPERS
from shared.shopify.nodes import LevelNode, LocationNode, ShopNode
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


def node_facts(
    node: msgspec.Struct,
    payload: bytes,
    *,
    owner: Owner,
    source: Source,
    namespaces: Namespaces = (),
) -> list[Fact]:
    """Return the facts of a decoded and drained node; *payload* is what the archive keeps.

    *namespaces* are those whose metafields were asked for.
    """
    with rejecting(payload):
        return [*MAPPERS[type(node)](node, Origin(owner, source, payload, namespaces))]
