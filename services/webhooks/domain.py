"""Whose delivery it is, what it claims, and whether we take it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.bus.protocol import MAX_BODY_BYTES
from shared.deliveries import Delivery
from shared.errors import NotFound, Rejected

# Privacy requests, and a repeated notice of the uninstall itself, come after the store has left.
PARTING_TOPICS: Final = frozenset(
    {"customers/data_request", "customers/redact", "shop/redact", "app/uninstalled"}
)
_TAKING: Final = frozenset({"active", "reauth_required"})

# A frame of one delivery must stay under the limit of the bus even if it does not compress.
CLAIM_CHECK_BYTES: Final = MAX_BODY_BYTES - 16 * 1024
BATCH_DELIVERIES: Final = 64
BATCH_BYTES: Final = 512 * 1024

# Names that the seeds of this project used for topics that Shopify calls otherwise.
_TOPIC_ALIASES: Final = {"orders_update": "orders_updated"}

COUNTED_TOPICS: Final = frozenset(
    f"{noun}/{verb}"
    for noun, verbs in {
        "app": "uninstalled scopes_update",
        "bulk_operations": "finish",
        "carts": "create update",
        "checkouts": "create update delete",
        "collections": "create update delete",
        "customers": "create update delete data_request redact",
        "draft_orders": "create update delete",
        "fulfillments": "create update",
        "inventory_items": "create update delete",
        "inventory_levels": "connect update disconnect",
        "locations": "create update delete",
        "order_transactions": "create",
        "orders": "create updated paid cancelled fulfilled partially_fulfilled edited delete",
        "products": "create update delete",
        "refunds": "create",
        "shop": "update redact",
    }.items()
    for verb in verbs.split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A store that is or was connected. *sealed_secret* is its own signing secret, or empty."""

    tenant_id: str
    shop_id: int
    shop_domain: str
    status: str
    sealed_secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """A delivery in the spool and its key there."""

    tenant_id: UUID
    shop_id: int
    spool_id: int
    delivery: Delivery


def takes(store: Store, topic: str) -> bool:
    """Say whether a delivery of *topic* for *store* is ours to keep."""
    return store.status in _TAKING or topic in PARTING_TOPICS


def taken_by(store: Store | None, topic: str) -> Store:
    """Return *store*; raise NotFound when it does not exist or has left."""
    if store is None or not takes(store, topic):
        raise NotFound("no such shop", code="unknown_shop")
    return store


def agree(path_topic: str, topic: str) -> None:
    """Raise Rejected when the URL names another topic than the header."""
    if not path_topic:
        return
    named = path_topic.strip("/").replace("/", "_").lower()
    if _TOPIC_ALIASES.get(named, named) != topic.replace("/", "_"):
        raise Rejected("the URL names another topic than X-Shopify-Topic", code="topic_mismatch")


def counted(topic: str) -> str:
    """Return *topic* as a metric label: bounded, whatever a caller sends."""
    return topic if topic in COUNTED_TOPICS else "other"


def batches(spooled: Iterable[Spooled]) -> Iterator[list[Spooled]]:
    """Cut the spool into messages of the usual size, in order."""
    batch: list[Spooled] = []
    size = 0
    for one in spooled:
        grown = size + len(one.delivery.body)
        if batch and (len(batch) == BATCH_DELIVERIES or grown > BATCH_BYTES):
            yield batch
            batch, grown = [], len(one.delivery.body)
        batch.append(one)
        size = grown
    if batch:
        yield batch
