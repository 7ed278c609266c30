"""The metafields that a body carries when its subscription names their namespaces."""

from __future__ import annotations

import msgspec

from shared.shopify.nodes.metafields import MetafieldNode
from shared.shopify.payloads.parts import Id, Payload, Verbatim, nothing


class MetafieldPayload(Payload):
    id: Id
    namespace: str
    key: str
    created_at: str
    updated_at: str
    type: str = ""
    value: Verbatim = msgspec.field(default_factory=nothing)


def metafield_nodes(bodies: list[MetafieldPayload] | None) -> list[MetafieldNode] | None:
    """Return the metafields, None when the body does not speak of them."""
    return None if bodies is None else [_node(one) for one in bodies]


def _node(body: MetafieldPayload) -> MetafieldNode:
    return MetafieldNode(
        id=str(body.id),
        namespace=body.namespace,
        key=body.key,
        type=body.type,
        value=_text(body.value),
        created_at=body.created_at,
        updated_at=body.updated_at,
    )


def _text(value: Verbatim) -> str:
    """Return a value as GraphQL writes it: a text stays, a bare number or flag becomes one."""
    written = bytes(value)
    return msgspec.json.decode(written, type=str) if written[:1] == b'"' else written.decode()
