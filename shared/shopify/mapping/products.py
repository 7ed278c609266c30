"""A product and its variants as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.shopify.copytext import array, flag, jsonb, number, optional, text
from shared.shopify.mapping.metafields import metafield_rows
from shared.shopify.mapping.parts import Part
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import (
    amount,
    digits,
    instant,
    lowered,
    moment,
    number_of,
    optional_amount,
    optional_moment,
)
from shared.shopify.nodes.metafields import MetafieldNode
from shared.shopify.nodes.products import MediaNode, ProductHead, VariantNode
from shared.shopify.snapshots import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductMetafields:
    """Those of the product, and those of its variants by variant id."""

    own: Sequence[MetafieldNode]
    variants: Mapping[str, Sequence[MetafieldNode]] | None = None


def product_snapshot(
    node: ProductHead,
    variants: list[VariantNode],
    *,
    media: list[MediaNode],
    origin: Origin,
    incomplete: str = "",
    metafields: ProductMetafields | None = None,
) -> Snapshot:
    """Return *node* as rows; an incomplete set of variants says nothing about variants.

    *metafields* that are None say nothing about metafields.
    """
    product_id = digits(node.id)
    key = f"{origin.key}\t{product_id}"
    row = (
        key,
        *_columns(node),
        jsonb(_options(node)),
        jsonb([_medium(one) for one in media]),
        *origin.archive(),
    )
    children = {} if incomplete else {"variants": [_variant_row(one, key) for one in variants]}
    if metafields is not None:
        children |= _metafields(metafields, key)
    return Snapshot(
        owner=origin.owner,
        kind="product",
        key=(int(product_id),),
        updated_at=instant(node.updated_at),
        row="\t".join(row),
        children=children,
        incomplete=incomplete,
    )


def _metafields(metafields: ProductMetafields, key: str) -> dict[str, list[str]]:
    rows = {"product_metafields": metafield_rows(metafields.own, key)}
    if metafields.variants is not None:
        rows["variant_metafields"] = [
            row
            for variant, nodes in metafields.variants.items()
            for row in metafield_rows(nodes, f"{key}\t{digits(variant)}")
        ]
    return rows


def _columns(node: ProductHead) -> tuple[str, ...]:
    return (
        text(node.title),
        text(node.handle),
        text(node.status.lower()),
        optional(node.vendor),
        optional(node.product_type),
        array(sorted(node.tags)),
        optional(node.description_html),
        moment(node.created_at),
        moment(node.updated_at),
        optional_moment(node.published_at),
    )


def _options(node: ProductHead) -> list[Part]:
    return [
        {
            "id": int(digits(option.id)),
            "name": option.name,
            "position": option.position,
            "values": option.values,
        }
        for option in node.options
    ]


def _medium(node: MediaNode) -> Part:
    image = node.preview.image if node.preview else None
    return {
        "id": int(digits(node.id)),
        "type": lowered(node.media_content_type),
        "alt": node.alt or None,
        "url": image.url if image else None,
    }


def _variant_row(node: VariantNode, key: str) -> str:
    return "\t".join(
        (
            key,
            digits(node.id),
            str(node.position),
            text(node.title),
            optional(node.sku),
            optional(node.barcode),
            amount(node.price),
            optional_amount(node.compare_at_price),
            flag(node.taxable),
            optional(lowered(node.inventory_policy)),
            number_of(node.inventory_item),
            number(node.inventory_quantity),
            jsonb([{"name": one.name, "value": one.value} for one in node.selected_options]),
            moment(node.created_at),
            moment(node.updated_at),
        )
    )
