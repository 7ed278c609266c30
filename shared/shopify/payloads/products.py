"""Product bodies: ``products/*``."""

from __future__ import annotations

import msgspec

from shared.shopify.mapping.products import ProductMetafields
from shared.shopify.nodes.parts import Count, Reference
from shared.shopify.nodes.products import (
    ChoiceNode,
    ImageNode,
    MediaNode,
    OptionNode,
    PreviewNode,
    ProductHead,
    VariantNode,
)
from shared.shopify.payloads.metafields import MetafieldPayload, metafield_nodes
from shared.shopify.payloads.parts import (
    Id,
    Payload,
    Plain,
    certain,
    plain,
    reference,
    split_tags,
)


class VariantPayload(Payload):
    id: Id
    created_at: str
    updated_at: str
    title: str | None = None
    sku: str | None = None
    barcode: str | None = None
    price: Plain = None
    compare_at_price: Plain = None
    position: Count = 1
    taxable: bool | None = None
    inventory_policy: str | None = None
    inventory_quantity: Count | None = None
    inventory_item_id: Id | None = None
    option1: str | None = None
    option2: str | None = None
    option3: str | None = None
    metafields: list[MetafieldPayload] | None = None


class OptionPayload(Payload):
    name: str
    id: Id = 0
    position: Count | None = None
    values: list[str] = msgspec.field(default_factory=list)


class ImagePayload(Payload):
    id: Id
    src: str | None = None
    alt: str | None = None
    admin_graphql_api_id: str | None = None


class PreviewPayload(Payload):
    src: str | None = None


class MediumPayload(Payload):
    id: Id
    media_content_type: str
    alt: str | None = None
    preview_image: PreviewPayload | None = None


class GidPayload(Payload):
    admin_graphql_api_id: str | None = None


class ProductPayload(Payload):
    """A product body; *variant_gids* names all variants, *variants* holds at most 100."""

    id: Id
    title: str
    created_at: str
    updated_at: str
    handle: str | None = None
    status: str | None = None
    vendor: str | None = None
    product_type: str | None = None
    tags: str | list[str] | None = None
    body_html: str | None = None
    published_at: str | None = None
    options: list[OptionPayload] | None = None
    variants: list[VariantPayload] | None = None
    variant_gids: list[GidPayload] | None = None
    images: list[ImagePayload] | None = None
    media: list[MediumPayload] | None = None
    metafields: list[MetafieldPayload] | None = None


def product_head(body: ProductPayload) -> ProductHead:
    """Return the product itself; bodies without a status are older than drafts."""
    return ProductHead(
        id=str(body.id),
        title=body.title,
        handle=body.handle or "",
        status=body.status or "active",
        created_at=body.created_at,
        updated_at=body.updated_at,
        vendor=body.vendor,
        product_type=body.product_type,
        tags=split_tags(body.tags),
        description_html=body.body_html,
        published_at=body.published_at,
        options=[
            OptionNode(
                id=str(option.id),
                name=option.name,
                position=option.position or position,
                values=option.values,
            )
            for position, option in enumerate(body.options or (), start=1)
        ],
    )


def variant_nodes(body: ProductPayload) -> list[VariantNode] | None:
    """Return all variants, or None when the body does not hold all of them."""
    variants = body.variants
    if variants is None or len(body.variant_gids or ()) > len(variants):
        return None
    names = [option.name for option in body.options or ()]
    return [_variant(one, names) for one in variants]


def product_metafields(body: ProductPayload) -> ProductMetafields | None:
    """Return the metafields, None when the body does not speak of them.

    Those of variants are told only by a body that holds all variants, each with its own.
    """
    own = metafield_nodes(body.metafields)
    if own is None:
        return None
    theirs = {str(one.id): metafield_nodes(one.metafields) for one in body.variants or ()}
    known = {number: nodes for number, nodes in theirs.items() if nodes is not None}
    whole = len(known) == len(theirs) == max(len(body.variant_gids or ()), len(theirs))
    return ProductMetafields(own=own, variants=known if whole and known else None)


def media_nodes(body: ProductPayload) -> list[MediaNode]:
    """Return media; bodies older than ``media`` have images only."""
    if body.media is not None:
        return [
            MediaNode(
                id=str(one.id),
                media_content_type=one.media_content_type,
                alt=one.alt,
                preview=_preview(one.preview_image.src if one.preview_image else None),
            )
            for one in body.media
        ]
    return [
        MediaNode(
            id=one.admin_graphql_api_id or str(one.id),
            media_content_type="IMAGE",
            alt=one.alt,
            preview=_preview(one.src),
        )
        for one in body.images or ()
    ]


def _preview(url: str | None) -> PreviewNode:
    return PreviewNode(image=ImageNode(url=url))


def _variant(body: VariantPayload, names: list[str]) -> VariantNode:
    item: Reference | None = reference(body.inventory_item_id)
    chosen = zip(names, (body.option1, body.option2, body.option3), strict=False)
    return VariantNode(
        id=str(body.id),
        title=body.title or "",
        price=certain(None, body.price, name="price")[0],
        created_at=body.created_at,
        updated_at=body.updated_at,
        sku=body.sku,
        barcode=body.barcode,
        compare_at_price=plain(body.compare_at_price),
        position=body.position,
        taxable=body.taxable is not False,
        inventory_policy=body.inventory_policy,
        inventory_quantity=body.inventory_quantity,
        inventory_item=item,
        selected_options=[ChoiceNode(name=name, value=value) for name, value in chosen if value],
    )
