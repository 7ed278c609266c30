"""Metafields as rows of their owner's child table."""

from __future__ import annotations

from collections.abc import Iterable

from shared.shopify.copytext import text
from shared.shopify.mapping.snapshot import Origin
from shared.shopify.mapping.values import digits, moment
from shared.shopify.nodes.metafields import MetafieldNode
from shared.shopify.nodes.parts import Page


def chosen(page: Page[MetafieldNode] | None, origin: Origin) -> list[MetafieldNode] | None:
    """Return the metafields of the namespaces that were asked for, None when none were."""
    return None if page is None else chosen_of(page.nodes, origin)


def chosen_of(nodes: Iterable[MetafieldNode], origin: Origin) -> list[MetafieldNode] | None:
    """Return those of *nodes* whose namespace was asked for, None when none was."""
    wanted = origin.namespaces
    return [one for one in nodes if one.namespace in wanted] if wanted else None


def metafield_rows(nodes: Iterable[MetafieldNode], key: str) -> list[str]:
    """Return rows of a ``*_metafields`` table; *key* is the fields of the owner's key."""
    return [_row(node, key) for node in nodes]


def _row(node: MetafieldNode, key: str) -> str:
    return "\t".join(
        (
            key,
            digits(node.id),
            text(node.namespace),
            text(node.key),
            text(node.type),
            text(node.value),
            moment(node.created_at),
            moment(node.updated_at),
        )
    )
