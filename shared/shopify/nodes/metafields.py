"""Metafields, alike on every object that owns some."""

from __future__ import annotations

from shared.shopify.nodes.parts import Node, Page


class MetafieldNode(Node):
    id: str
    namespace: str
    key: str
    type: str
    value: str
    created_at: str
    updated_at: str


class MetafieldsNode(Node):
    """The metafields of one object; ``None`` where they were not asked for."""

    id: str
    metafields: Page[MetafieldNode] | None = None
