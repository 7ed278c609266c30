"""A collection and its members as rows."""

from __future__ import annotations

from shared.shopify.copytext import NULL, jsonb, number, optional, text
from shared.shopify.mapping.metafields import metafield_rows
from shared.shopify.mapping.parts import Part
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import digits, instant, lowered, moment
from shared.shopify.nodes.collections import CollectionHead
from shared.shopify.nodes.metafields import MetafieldNode
from shared.shopify.nodes.parts import Reference
from shared.shopify.snapshots import Snapshot


def collection_snapshot(
    node: CollectionHead,
    products: list[Reference],
    *,
    metafields: list[MetafieldNode] | None,
    origin: Origin,
) -> Snapshot:
    """Return *node* as rows; a member's position is its place in the collection, from 1."""
    collection_id = digits(node.id)
    key = f"{origin.key}\t{collection_id}"
    children = {
        "collection_products": [
            f"{key}\t{digits(one.id)}\t{position}" for position, one in enumerate(products, start=1)
        ]
    }
    if metafields is not None:
        children["collection_metafields"] = metafield_rows(metafields, key)
    return Snapshot(
        owner=origin.owner,
        kind="collection",
        key=(int(collection_id),),
        updated_at=instant(node.updated_at),
        row="\t".join((key, *_columns(node), *origin.archive())),
        children=children,
    )


def _columns(node: CollectionHead) -> tuple[str, ...]:
    rules, image, count = _rules(node), _image(node), node.products_count
    return (
        text(node.title),
        text(node.handle),
        "custom" if rules is None else "smart",
        optional(node.description_html),
        optional(lowered(node.sort_order)),
        NULL if rules is None else jsonb(rules),
        NULL if image is None else jsonb(image),
        optional(node.template_suffix),
        number(count.count if count else None),
        moment(node.updated_at),
    )


def _rules(node: CollectionHead) -> Part | None:
    if node.rule_set is None:
        return None
    return {
        "applied_disjunctively": node.rule_set.applied_disjunctively,
        "rules": [
            {
                "column": lowered(rule.column),
                "relation": lowered(rule.relation),
                "condition": rule.condition,
            }
            for rule in node.rule_set.rules
        ],
    }


def _image(node: CollectionHead) -> Part | None:
    image = node.image
    if image is None:
        return None
    return {
        "url": image.url,
        "alt": image.alt_text or None,
        "width": image.width,
        "height": image.height,
    }
