"""Products, variants and media."""

from __future__ import annotations

import msgspec

from shared.shopify.nodes.metafields import MetafieldNode
from shared.shopify.nodes.parts import Count, Node, Page, Reference


class ChoiceNode(Node):
    name: str
    value: str


class VariantNode(Node):
    id: str
    title: str
    price: str
    created_at: str
    updated_at: str
    sku: str | None = None
    barcode: str | None = None
    compare_at_price: str | None = None
    position: Count = 1
    taxable: bool = True
    inventory_policy: str | None = None
    inventory_quantity: Count | None = None
    selected_options: list[ChoiceNode] = msgspec.field(default_factory=list)
    inventory_item: Reference | None = None
    metafields: Page[MetafieldNode] | None = None


class ImageNode(Node):
    url: str | None = None


class PreviewNode(Node):
    image: ImageNode | None = None


class MediaNode(Node):
    id: str
    media_content_type: str
    alt: str | None = None
    preview: PreviewNode | None = None


class OptionNode(Node):
    id: str
    name: str
    position: Count = 1
    values: list[str] = msgspec.field(default_factory=list)


class ProductHead(Node):
    """A product without its connections: the root line of ``products_bulk``."""

    id: str
    title: str
    handle: str
    status: str
    created_at: str
    updated_at: str
    vendor: str | None = None
    product_type: str | None = None
    tags: list[str] = msgspec.field(default_factory=list)
    description_html: str | None = None
    published_at: str | None = None
    options: list[OptionNode] = msgspec.field(default_factory=list)


class ProductNode(ProductHead, kw_only=True):
    """A whole product: ``ProductWithChildren``."""

    variants: Page[VariantNode]
    media: Page[MediaNode] = msgspec.field(default_factory=Page)
    metafields: Page[MetafieldNode] | None = None
