"""Collections and who belongs to them."""

from __future__ import annotations

import msgspec

from shared.shopify.nodes.metafields import MetafieldNode
from shared.shopify.nodes.parts import Count, Node, Page, Reference


class CollectionImageNode(Node):
    url: str | None = None
    alt_text: str | None = None
    width: Count | None = None
    height: Count | None = None


class CountNode(Node):
    count: Count


class RuleNode(Node):
    column: str
    relation: str
    condition: str


class RuleSetNode(Node):
    applied_disjunctively: bool = False
    rules: list[RuleNode] = msgspec.field(default_factory=list)


class CollectionHead(Node):
    """A collection without its products: the root line of ``collections_bulk``."""

    id: str
    title: str
    handle: str
    updated_at: str
    description_html: str | None = None
    sort_order: str | None = None
    template_suffix: str | None = None
    image: CollectionImageNode | None = None
    products_count: CountNode | None = None
    rule_set: RuleSetNode | None = None


class CollectionNode(CollectionHead, kw_only=True):
    """A whole collection: ``CollectionWithChildren``."""

    products: Page[Reference]
    metafields: Page[MetafieldNode] | None = None
